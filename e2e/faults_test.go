//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/bed"
)

// keep makes a file tree and starts a process in the user's home, as far as they are not there. The process is known by
// its name and its start: what was started again is not the same.
const keep = `
mkdir -p "$HOME/kept/tree"
[ -f "$HOME/kept/tree/file" ] || printf 'kept\n' >"$HOME/kept/tree/file"
kill -0 "$(cat "$HOME/kept/pid" 2>/dev/null)" 2>/dev/null && exit 0
setsid sleep 1000000 >/dev/null 2>&1 </dev/null &
echo $! >"$HOME/kept/pid"
`

// Keep implements [scenario.World].
func (p *place) Keep() error {
	if files, process := p.Kept(); p.rig.bed != nil && files && process {
		return nil
	}
	return failed(p.guest(p.t, "sh", "-c", keep))
}

// Kept implements [scenario.World]. A guest that does not run keeps its files for later, and no process.
func (p *place) Kept() (files, process bool) {
	const lookInto = `cat "$1/kept/tree/file"; grep -c sleep "/proc/$(cat "$1/kept/pid")/cmdline"`
	if p.rig.bed != nil {
		if group, err := bed.Guest(filepath.Join(p.dir, vm)); err != nil || !exists(group) {
			return true, false
		}
		stdout, _ := p.throughBackDoor("set +e; "+lookInto, p.home) // what is missing shows in what it prints
		return keptIn(stdout)
	}
	r := p.limactl(p.t, "list", "--format", "{{.Status}}", vm)
	if strings.TrimSpace(r.stdout) != "Running" {
		return true, false
	}
	command := p.command(p.t.Context(), "timeout", "30", p.rig.host.Lima, "--tty=false", "shell",
		"--workdir", "/", vm, "sh", "-c",
		`set -- "$HOME"; `+lookInto)
	return keptIn(finish(p.t, command).stdout)
}

func keptIn(stdout string) (files, process bool) {
	lines := strings.Fields(stdout)
	return len(lines) > 0 && lines[0] == "kept", len(lines) > 1 && lines[1] == "1"
}

// strike sends a signal to the process whose number is in a file.
func strike(path string, signal syscall.Signal) error {
	pid, err := processIn(path)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, signal)
}

// rewrite changes a file of the ordinary user's, and keeps what it was under another name.
func rewrite(path string, change func(text string) string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	before := path + ".before"
	return errors.Join(
		os.WriteFile(before, text, 0o644), os.Chown(before, int(owner.Uid), int(owner.Gid)),
		os.WriteFile(path, []byte(change(string(text))), 0o644),
	)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// until waits for something that Lima does by itself.
func (p *place) until(done func() bool) error {
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(200 * time.Millisecond) {
		if p.t.Context().Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("it did not come about within a minute")
		}
	}
	return nil
}

// endMasters ends every ssh connection to the VM: those that were asked to take no more sessions go on for their
// mounts.
func endMasters(config string) error {
	masters, err := sshMasters(config)
	for _, pid := range masters {
		_ = syscall.Kill(pid, syscall.SIGTERM) // one that has ended is as good
	}
	return err
}

// sshMasters are the processes of all ssh connections to the VM. Nothing but their TCP connection to the port in the
// configuration reports whose they are.
func sshMasters(config string) (pids []int, err error) {
	text, err := os.ReadFile(config)
	if err != nil {
		return nil, err
	}
	match := regexp.MustCompile(`(?m)^\s*Port "?([0-9]+)"?$`).FindSubmatch(text)
	if match == nil {
		return nil, fmt.Errorf("%s names no port", config)
	}
	port, err := strconv.Atoi(string(match[1]))
	if err != nil {
		return nil, err
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return nil, err
	}
	var sockets []string
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 9 && strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", port)) {
			sockets = append(sockets, "socket:["+fields[9]+"]")
		}
	}
	descriptors, err := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, path := range descriptors {
		target, _ := os.Readlink(path) // it may have been closed meanwhile
		process := filepath.Dir(filepath.Dir(path))
		name, _ := os.ReadFile(filepath.Join(process, "comm"))
		if !slices.Contains(sockets, target) || strings.TrimSpace(string(name)) != "ssh" {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(process)); err == nil && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids, err
}
