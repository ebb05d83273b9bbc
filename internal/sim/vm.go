package sim

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// VM is one instance of Lima: its processes on the host, Lima's shared ssh connection, and the guest.
type VM struct {
	world *World
	name  string
	dir   string
	port  int // of ssh on the host

	installed bool // it has had a disk

	// Lima calls a VM running when both of its processes live, stopped when none does, and broken otherwise.
	agentPID, driverPID int

	guest   *machine
	shared  *session // Lima's shared ssh connection; nil when there is none
	stale   bool     // the shared connection's peer is gone
	frozen  bool     // the driver's process is stopped: the guest does nothing
	sockets []*socket

	conditions Conditions
}

// Conditions are what is wrong with a VM in ways that no command in the guest brings about. They last until they are changed.
type Conditions struct {
	// Dead: the VM "runs", and nobody gets in; ssh hangs.
	Dead bool
	// Offline: the guest cannot reach its package mirrors.
	Offline bool
	// NoSudo: sudo asks the user for a password, whatever Lima's rule says.
	NoSudo bool
	// NoLinger: logind refuses to let the user's services linger.
	NoLinger bool
	// BootScriptFails: the profile's boot script fails. Lima calls the start a success all the same.
	BootScriptFails bool
	// DiskUsed is how full the guest's root file system is, in percent; 0 means as the image has it. At 100, writing fails.
	DiskUsed int
	// DiskData is how full it is of what cannot be thrown away, in percent; 0 means as the image has it.
	DiskData int
	// RootDamaged: the root file system cannot be made writable before it was checked.
	RootDamaged bool
	// ClockAhead is how far the guest's clock is before the host's, in seconds.
	ClockAhead float64
}

// Change changes the conditions of the VM.
func (vm *VM) Change(change func(*Conditions)) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	change(&vm.conditions)
}

// KillHostAgent kills Lima's process that looks after the VM, and not the VM itself: Lima calls such a VM broken. The
// ssh connection is a process of its own and stays; reverse-sshfs mounts are served by the one that is gone.
func (vm *VM) KillHostAgent() {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	vm.agentPID = 0
	vm.guest.unmount(limatype.REVSSHFS)
}

// EndSharedConnection ends Lima's shared ssh connection as `ssh -O exit` does: reverse-sshfs mounts and forwarded sockets
// go with it, and nothing says so. The next `limactl shell` makes a new connection, without those.
func (vm *VM) EndSharedConnection() {
	vm.drop(func() {
		vm.shared = nil
		vm.guest.unmount(limatype.REVSSHFS)
	})
}

// CloseForwards ends the forwarding of the guest's sockets, as `ssh -O cancel` does, and leaves everything else.
func (vm *VM) CloseForwards() {
	vm.world.mu.Lock()
	var forwards, others []*socket
	for _, socket := range vm.sockets {
		if socket.listener.Addr().String() == vm.file("ssh.sock") {
			others = append(others, socket)
		} else {
			forwards = append(forwards, socket)
		}
	}
	vm.sockets = others
	vm.world.mu.Unlock()
	for _, socket := range forwards {
		socket.close()
	}
}

// StaleSharedConnection leaves the shared ssh connection without a peer, as waking from a long sleep or going back to a
// snapshot does: whatever uses it hangs, and reverse-sshfs mounts are dead.
func (vm *VM) StaleSharedConnection() {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	vm.stale = true
}

// drop closes the VM's sockets on the host and makes the change with the world locked.
func (vm *VM) drop(change func()) {
	vm.world.mu.Lock()
	sockets := vm.sockets
	vm.sockets = nil
	change()
	vm.world.mu.Unlock()
	for _, socket := range sockets {
		// ssh removes its control socket, and leaves those that it forwarded.
		if socket.listener.Addr().String() == vm.file("ssh.sock") {
			socket.remove()
		} else {
			socket.close()
		}
	}
}

// powerOff takes the VM's power away, which ends everything on the host as well.
func (vm *VM) powerOff() {
	vm.drop(func() {
		vm.agentPID, vm.driverPID = 0, 0
		vm.shared, vm.stale, vm.frozen = nil, false, false
		_ = os.Remove(vm.file("ha.pid")) // gone already: just as well
		vm.guest.powerOff()
	})
}

func (vm *VM) running() bool { return vm.agentPID > 0 && vm.driverPID > 0 }

// status is Lima's word for the state of the VM's processes, and what Lima says is wrong with them.
func (vm *VM) status() (string, error) {
	switch {
	case vm.running():
		return limatype.StatusRunning, nil
	case vm.agentPID > 0:
		return limatype.StatusBroken, errors.New("host agent is running but driver is not")
	case vm.driverPID > 0:
		return limatype.StatusBroken, errors.New("qemu driver is running but host agent is not")
	}
	return limatype.StatusStopped, nil
}

func (vm *VM) file(name string) string { return filepath.Join(vm.dir, name) }

// config is the VM's configuration as it stands in its lima.yaml.
func (vm *VM) config(c *console) (*limatype.LimaYAML, error) {
	path := vm.file("lima.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fatal(err.Error())
	}
	return vm.world.load(c, path, vm.dir, text)
}
