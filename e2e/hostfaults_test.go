//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/bed"
	"github.com/atomize-hq/worldsetup/internal/scenario"
)

// foreignText is what is added to a configuration, and has to survive whatever is done with it.
const foreignText = "# a comment of the user's\nx-of-another-tool:\n  keep: me\n"

// breakLima does damage to Lima's processes, and to its files of the VM, which lie in dir.
func (p *place) breakLima(fault scenario.HostFault, dir string) error {
	limaYAML, key := filepath.Join(dir, "lima.yaml"), filepath.Join(p.dir, "_config", "user")
	hostSocket := filepath.Join(dir, "sock", "substrate.sock")
	switch fault {
	case scenario.GuestSlept:
		return p.sleep(dir)
	case scenario.SSHStopped:
		masters, err := sshMasters(filepath.Join(dir, "ssh.config"))
		if err != nil {
			return err
		}
		return p.stopProcesses(masters)
	case scenario.SSHContinued:
		return p.signalStopped(syscall.SIGKILL)
	case scenario.HostAgentStopped:
		agent, err := processIn(filepath.Join(dir, "ha.pid"))
		if err != nil {
			return err
		}
		return p.stopProcesses([]int{agent})
	case scenario.MountStopped:
		servers, err := p.mountServers(dir)
		if err != nil {
			return err
		}
		return p.stopProcesses(servers)
	case scenario.HostAgentContinued, scenario.MountContinued:
		return p.signalStopped(syscall.SIGCONT)
	case scenario.SSHSocketRemoved:
		return os.Remove(filepath.Join(dir, "ssh.sock"))
	case scenario.HostAgentSocketRemoved:
		return os.Remove(filepath.Join(dir, "ha.sock"))
	case scenario.HostSocketReplaced:
		return errors.Join(os.Remove(hostSocket), os.WriteFile(hostSocket, []byte("x"), 0o644),
			os.Chown(hostSocket, int(p.rig.host.User.UID), int(p.rig.host.User.GID)))
	case scenario.ProjectSettled:
		return p.settle()
	case scenario.HostSocketOpened:
		return errors.Join(os.Chmod(hostSocket, 0o666), os.Chmod(filepath.Dir(hostSocket), 0o777), os.Chmod(dir, 0o777))
	case scenario.KeyOpened:
		return os.Chmod(key, 0o644)
	case scenario.KeyClosed:
		return os.Chmod(key, 0o600)
	case scenario.ConfigExtended:
		return rewrite(limaYAML, func(text string) string { return foreignText + text })
	case scenario.ConfigStillExtended:
		text, err := os.ReadFile(limaYAML)
		if err == nil && !strings.Contains(string(text), foreignText) {
			err = fmt.Errorf("what was added to %s is gone", limaYAML)
		}
		return err
	}
	return fmt.Errorf("the fault %q is not known here", fault)
}

// settle waits until worldsetup no longer expects the guest to see an older state of the project.
func (p *place) settle() error {
	const lag = time.Minute
	info, err := os.Stat(p.project)
	if err != nil {
		return err
	}
	// Nothing shows that a guest's cache has expired: only time does.
	time.Sleep(time.Until(info.ModTime().Add(lag + time.Second)))
	return nil
}

// sleep has the VM stand still while the connections to it end.
func (p *place) sleep(dir string) error {
	still := func(still bool) error { return bed.Freeze(dir, still) }
	if p.rig.bed == nil {
		still = func(still bool) error {
			signal := syscall.SIGCONT
			if still {
				signal = syscall.SIGSTOP
			}
			return strike(filepath.Join(dir, "qemu.pid"), signal)
		}
	}
	return errors.Join(still(true), endMasters(filepath.Join(dir, "ssh.config")), still(false))
}

// stopProcesses stops processes, and remembers them.
func (p *place) stopProcesses(pids []int) error {
	if len(pids) == 0 || slices.Min(pids) <= 0 { // which would stand for groups of processes
		return errors.New("there is no such process")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
		p.stopped = append(p.stopped, pid)
	}
	return nil
}

// signalStopped sends a signal to the processes that were stopped, as far as they are stopped still.
func (p *place) signalStopped(signal syscall.Signal) error {
	for _, pid := range p.stopped {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // it may have ended
		if _, state, found := strings.Cut(string(status), ") "); found && strings.HasPrefix(state, "T") {
			_ = syscall.Kill(pid, signal)
		}
	}
	p.stopped = nil
	return nil
}

// mountServers are the host's ends of the reverse-sshfs mounts: children of Lima's host agent.
func (p *place) mountServers(dir string) (pids []int, err error) {
	agent, err := processIn(filepath.Join(dir, "ha.pid"))
	if err != nil {
		return nil, err
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		status, _ := os.ReadFile(filepath.Join(process, "stat")) // it may have ended
		name, rest, found := strings.Cut(string(status), ") ")
		if !found || !strings.HasSuffix(name, "(sftp-server") || strings.Fields(rest)[1] != strconv.Itoa(agent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(process)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}

// processIn is the process whose number is in a file.
func processIn(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
