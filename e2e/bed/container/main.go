//go:build linux

// Command container is the part of the test bed's stand-in for QEMU that needs root: it runs a guest's systemd in
// namespaces of its own. See the package wire for how the stand-in and it talk.
//
// The rules are:
//   - It is installed setuid root for one group, by the test suite, for as long as that runs. It believes nothing that
//     its caller sends: the disk image comes as an open file of the caller's own, and the root file system by a name
//     below one folder, which is compiled in.
//   - Everything it makes lives in the guest's own namespaces and is gone with them: mounts, network, loop device. Only
//     the control group has a place outside; an empty one that a killed helper left is removed by the next.
//   - The guest ends when the stand-in does, whatever ended it.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/e2e/bed/wire"
)

// roots is the folder of the root file systems. It is set when the suite builds this program.
var roots string

// initArgument makes this program the process 1 of new namespaces, which builds the root file system and becomes init.
const initArgument = "--init"

var rootName = regexp.MustCompile(`^[a-z]+-[0-9a-f]+/(plain|ubuntu)$`)

func main() {
	runtime.LockOSThread() // a child dies with the thread that started it
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == initArgument && os.Getpid() == 1 && os.Getuid() == 0:
		err = becomeInit(os.Args[2])
	case len(os.Args) == 2:
		err = serve(os.Args[1])
	default:
		err = errors.New("this is a part of worldsetup's test bed, which its stand-in for QEMU starts")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "root helper of the test bed:", err)
		os.Exit(1)
	}
}

// serve runs a guest until it powers off or the stand-in ends.
func serve(name string) error {
	root := filepath.Join(roots, name)
	if !rootName.MatchString(name) {
		return fmt.Errorf("%q is no name of a root file system", name)
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no root file system %q in %s", name, roots)
	}
	if err := checkDisk(); err != nil {
		return err
	}
	if err := becomeRoot(); err != nil {
		return err
	}
	group, err := makeGroup(os.Getppid())
	if err != nil {
		return fmt.Errorf("make a control group: %w", err)
	}
	defer removeGroup(group)
	g := &guest{root: root, group: group}
	go g.obey(os.NewFile(wire.ControlFD, "control"))
	for {
		again, err := g.boot()
		if !again || err != nil {
			return err
		}
	}
}

// checkDisk wants the disk image to be a regular file of the caller's.
func checkDisk() error {
	var disk unix.Stat_t
	if err := unix.Fstat(wire.DiskFD, &disk); err != nil {
		return fmt.Errorf("the disk image: %w", err)
	}
	if disk.Mode&unix.S_IFMT != unix.S_IFREG || int(disk.Uid) != os.Getuid() {
		return errors.New("the disk image is no regular file of the caller's")
	}
	return nil
}

// becomeRoot takes on root's identity altogether, so that the user can't signal this process, and keeps nothing of the
// caller's surroundings.
func becomeRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("it is not installed setuid root, or its file system is mounted nosuid")
	}
	syscall.Umask(0o022)
	os.Clearenv()
	return errors.Join(
		syscall.Setgroups(nil), syscall.Setresgid(0, 0, 0), syscall.Setresuid(0, 0, 0), os.Chdir("/"),
		os.Setenv("PATH", searchPath),
	)
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// boot runs the container until it ends. again reports that the guest asked for a reboot.
func (g *guest) boot() (again bool, err error) {
	group, err := os.Open(g.group)
	if err != nil {
		return false, err
	}
	defer group.Close()
	cmd := exec.Command("/proc/self/exe", initArgument, g.root)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// No control connection: nothing in the guest may talk to the stand-in.
	for _, fd := range []uintptr{wire.DiskFD, wire.CidataFD, wire.ConsoleFD} {
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(fd, "passed"))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET,
		UseCgroupFD: true, CgroupFD: int(group.Fd()),
		Pdeathsig: syscall.SIGKILL,
		Setsid:    true,
	}
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("start the container: %w", err)
	}
	g.began(cmd.Process)
	defer g.ended()
	err = cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false, err
	}
	// How the kernel reports the end of a PID namespace, see reboot(2).
	switch status := exit.Sys().(syscall.WaitStatus); {
	case status.Signaled() && status.Signal() == syscall.SIGHUP:
		return !g.stopping(), nil
	case status.Signaled(): // SIGINT: powered off. SIGKILL: its power was taken away.
		return false, nil
	}
	return false, fmt.Errorf("the container's init: %w", exit)
}
