package fake

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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
	sockets []*socket

	conditions Conditions
}

// Conditions are what is wrong with a VM in ways that no change in the guest brings about. They last until they are
// changed.
type Conditions struct {
	// Dead: the VM "runs", and lets no one in; ssh hangs.
	Dead bool
	// Offline: the guest cannot reach its package mirrors.
	Offline bool
	// NoSudo: sudo asks the user for a password, whatever Lima's rule says.
	NoSudo bool
	// BootScriptFails: the profile's boot script fails. Lima calls the start a success all the same.
	BootScriptFails bool
	// NoLinger: logind refuses to let the user's services linger.
	NoLinger bool
	// DiskUsed is how full the guest's root file system is, in percent; 0 means as usual. At 100, writing fails.
	DiskUsed int
	// DiskData is how full it is of what cannot be deleted, in percent; 0 means as usual.
	DiskData int
	// ClockAhead is how far the guest's clock is before the host's, in seconds.
	ClockAhead float64
}

// Change changes the conditions of the VM.
func (vm *VM) Change(change func(*Conditions)) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	change(&vm.conditions)
}

// clockAhead returns how far the guest's clock is before the host's.
func (vm *VM) clockAhead() time.Duration {
	return time.Duration(vm.conditions.ClockAhead * float64(time.Second))
}

// Remove removes files from the guest.
func (vm *VM) Remove(paths ...string) {
	vm.edit(func(m *machine) {
		for _, path := range paths {
			delete(m.files, path)
		}
	})
}

// Put writes a file of root's in the guest.
func (vm *VM) Put(path, text string) {
	vm.edit(func(m *machine) {
		m.put(path, file{kind: "regular file", mode: 0o644, owner: "root", group: "root", data: []byte(text)})
	})
}

// Chmod changes the mode of a file in the guest.
func (vm *VM) Chmod(path string, mode uint32) {
	vm.edit(func(m *machine) { m.files[path].mode = mode })
}

// SetLinger lets the user's services linger, or not.
func (vm *VM) SetLinger(on bool) { vm.edit(func(m *machine) { m.linger = on }) }

// RemoveGroup removes the socket's group.
func (vm *VM) RemoveGroup() { vm.edit(func(m *machine) { m.group, m.member = false, false }) }

// RemoveKey has ssh refuse Lima's key until the next boot, and ends Lima's shared connection, so that no way in is
// left.
func (vm *VM) RemoveKey() {
	vm.edit(func(m *machine) { m.key, vm.shared = false, nil })
}

// RemoveSudoRule has sudo ask the user for a password until the next boot.
func (vm *VM) RemoveSudoRule() { vm.edit(func(m *machine) { m.sudo = false }) }

func (vm *VM) edit(change func(*machine)) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	change(vm.guest)
}

// KillDriver kills the VM itself. Lima's host agent sees it, and ends.
func (vm *VM) KillDriver() { vm.powerOff() }

// Unboot has Lima's files say that the VM is booting still, and Boot that it has come up.
func (vm *VM) Unboot() { vm.write("ha.stdout.log", "") }

// Boot is the end of what Unboot began.
func (vm *VM) Boot() { vm.booted() }

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

// closeSockets closes all of the VM's sockets on the host, and removes their files.
func (vm *VM) closeSockets() {
	vm.world.mu.Lock()
	sockets := vm.sockets
	vm.sockets = nil
	vm.world.mu.Unlock()
	for _, socket := range sockets {
		socket.remove()
	}
}

// Fingerprint is the state of the VM as text, for comparing: two equal ones mean that nothing was changed in between.
func (vm *VM) Fingerprint() string {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	config, _ := os.ReadFile(vm.file("lima.yaml")) // without one: no line
	lines := append(vm.guest.fingerprint(), fmt.Sprintf("processes %d %d", vm.agentPID, vm.driverPID))
	return string(config) + strings.Join(lines, "\n")
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
		vm.shared = nil
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
