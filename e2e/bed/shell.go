//go:build linux

package bed

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Shell is a command that runs as root in the guest of a running VM, whatever became of the ways that lead there: the
// test bed's back door. instance is the folder of Lima's instance. Its processes belong to the guest and end with it.
func Shell(ctx context.Context, instance, script string, args ...string) (cmd *exec.Cmd, done func(), err error) {
	group, err := Guest(instance)
	if err != nil {
		return nil, nil, err
	}
	scope := filepath.Join(group, "init.scope")
	pids, err := os.ReadFile(filepath.Join(scope, "cgroup.procs"))
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.Open(scope)
	if err != nil {
		return nil, nil, err
	}
	init, _, _ := strings.Cut(string(pids), "\n")
	words := append([]string{"--target", init, "--all", "--", "/bin/sh", "-ec", script, "fault"}, args...)
	cmd = exec.CommandContext(ctx, "nsenter", words...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "LANG=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	return cmd, func() { dir.Close() }, nil
}

// Freeze makes a guest stand still, or go on, as a laptop's sleep does.
func Freeze(instance string, still bool) error {
	group, err := Guest(instance)
	if err != nil {
		return err
	}
	state := "0"
	if still {
		state = "1"
	}
	return os.WriteFile(filepath.Join(group, "cgroup.freeze"), []byte(state), 0)
}
