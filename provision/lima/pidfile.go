package lima

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// The kernel gives the number of a process that has ended to another one. Lima looks only whether there is a process of
// the number in a pid file, and kills it when the VM is stopped by force or deleted. So no such call is made before the
// files that name other processes are moved aside.

// PIDFile is a file of an instance that names a living process.
type PIDFile struct {
	Path    string
	PID     int
	Program string // the process's, for messages; empty when it is unknown
	// Stale reports that the process is not the instance's.
	Stale bool
}

// String describes a stale file.
func (f PIDFile) String() string {
	return fmt.Sprintf("%s is stale: its process %d is now %s, and not the VM's", filepath.Base(f.Path), f.PID,
		cmp.Or(f.Program, "another user's"))
}

// PIDFiles returns the files of the instance in dir that name a living process.
func PIDFiles(dir string) (files []PIDFile) {
	entries, _ := os.ReadDir(dir) // without a directory there is none
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".pid" {
			continue
		}
		file := PIDFile{Path: filepath.Join(dir, entry.Name())}
		if file.PID = ReadPID(file.Path); file.PID == 0 {
			continue
		}
		alive := syscall.Kill(file.PID, 0)
		if alive != nil && !errors.Is(alive, syscall.EPERM) {
			continue
		}
		args, err := arguments(file.PID)
		switch {
		case errors.Is(alive, syscall.EPERM):
			file.Stale = true // Lima never changes the user
		case err == nil && len(args) > 0: // else nothing is known of it
			file.Program = plaintext.Line(clip(filepath.Base(args[0]), 40))
			file.Stale = !belongs(args, entry.Name(), dir)
		}
		files = append(files, file)
	}
	return files
}

// ReadPID returns the number in a pid file; 0 when there is none.
func ReadPID(path string) int {
	text, _ := os.ReadFile(path) // it may be gone by now
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return max(pid, 0)
}

// HostAgent reports whether the host agent of the instance in dir has begun, and whether it still runs. One that ends
// by itself removes its file.
func HostAgent(dir string) (began, runs bool) {
	path := filepath.Join(dir, filenames.HostAgentPID)
	if ReadPID(path) == 0 {
		return false, false
	}
	return true, slices.ContainsFunc(PIDFiles(dir), func(file PIDFile) bool { return file.Path == path && !file.Stale })
}

// belongs reports whether a command line is that of a process of the instance in dir whose pid file is called name. The
// programs get the paths of their pid files or sockets there as options: the host agent as "--pidfile", QEMU as
// "-pidfile", virtiofsd as "--socket-path". A VM that runs in the host agent itself, as VZ's do, has its number. A
// driver in a program of its own gets no argument, and gives the file its name.
func belongs(args []string, name, dir string) bool {
	program := filepath.Base(args[0])
	if strings.HasPrefix(program, "lima-driver-") {
		return strings.HasPrefix(name, program+"-")
	}
	for i, arg := range args[1:] {
		option, path, joined := strings.Cut(arg, "=")
		if !joined {
			option, path = args[i], arg
		}
		ofFile := strings.Contains(option, "pid") || strings.Contains(option, "sock")
		if strings.HasPrefix(option, "-") && ofFile && within(dir, path) {
			return true
		}
	}
	return false
}

// within reports whether path is a file in dir, whatever links lead there.
func within(dir, path string) bool {
	want, err := os.Stat(dir)
	if err != nil || !filepath.IsAbs(path) {
		return false
	}
	have, err := os.Stat(filepath.Dir(path))
	return err == nil && os.SameFile(want, have)
}

// parseProcArgs parses what macOS returns for kern.procargs2: the number of arguments, the path of the program, zeros,
// and the arguments, each with a zero after it.
func parseProcArgs(text []byte) ([]string, error) {
	if len(text) < 4 {
		return nil, errors.New("the arguments of a process are cut off")
	}
	count := int(binary.NativeEndian.Uint32(text))
	_, rest, _ := bytes.Cut(text[4:], []byte{0})
	rest = bytes.TrimLeft(rest, "\x00")
	args := strings.Split(string(rest), "\x00")
	if count <= 0 || count > len(args) {
		return nil, errors.New("the arguments of a process are cut off")
	}
	return args[:count], nil
}

// displacePIDFiles moves those pid files of the instance called name out of Lima's way whose processes are not its own.
func (c Client) displacePIDFiles(name string, line func(string)) error {
	if c.Home == "" {
		return nil
	}
	for _, file := range PIDFiles(filepath.Join(c.Home, name)) {
		if !file.Stale {
			continue
		}
		if err := os.Rename(file.Path, file.Path+".stale"); err != nil {
			return fmt.Errorf("%s, and can't be moved aside: %w", file, err)
		}
		if line != nil {
			line(file.String() + "; it was moved aside")
		}
	}
	return nil
}
