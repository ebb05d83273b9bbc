package fake

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// VM is one instance of Lima: its processes on the host, Lima's shared ssh connection, and the guest.
type VM struct {
	world  *World
	name   string
	number int

	running bool
	broken  string // why Lima calls it broken; empty when it doesn't
	guest   *machine
	shared  *session // Lima's shared ssh connection; nil when there is none
	sockets []*socket

	conditions Conditions
}

// newVM makes a VM in its directory, which has no disk yet. The world must be locked.
func (w *World) newVM(name string) *VM {
	w.number++
	vm := &VM{world: w, name: name, number: w.number}
	vm.guest = newMachine(vm)
	w.vms[name] = vm
	return vm
}

// Conditions are what is wrong with a VM in ways that no change in the guest brings about. They last until they are
// changed.
type Conditions struct {
	// Dead: the VM "runs", and lets no one in; ssh hangs.
	Dead bool
	// Offline: the guest cannot reach its package mirrors.
	Offline bool
	// NoSudo: sudo asks the user for a password, whatever Lima's rule reports.
	NoSudo bool
	// BootScriptFails: the profile's boot script fails. Lima calls the start a success all the same.
	BootScriptFails bool
	// NoLinger: logind refuses to let the user's services linger.
	NoLinger bool
	// Intruder is a user whom another program has put into the socket's group; empty for none.
	Intruder string
	// Broker is a unit of a broker's, which the VM belongs to; empty for none.
	Broker string
	// Pinned: lima-warm.sh has fixed the guest's name servers.
	Pinned bool
	// ClockAhead is how far the guest's clock is before the host's.
	ClockAhead time.Duration
	// ForwardsAsRoot: Lima forwards sockets by its guest agent, as 2.3 does, and not over its ssh connection.
	ForwardsAsRoot bool
}

// Change changes the conditions of the VM.
func (vm *VM) Change(change func(*Conditions)) { vm.locked(func() { change(&vm.conditions) }) }

// Remove removes files from the guest.
func (vm *VM) Remove(paths ...string) {
	vm.locked(func() {
		for _, path := range paths {
			delete(vm.guest.files, path)
		}
	})
}

// Put writes a file of root's in the guest.
func (vm *VM) Put(path, text string) {
	vm.locked(func() { vm.guest.put(path, file{data: []byte(text)}) })
}

// Chmod changes the mode of a file in the guest.
func (vm *VM) Chmod(path string, mode uint32) { vm.locked(func() { vm.guest.files[path].mode = mode }) }

// Text is that of the file at path in the guest; empty when there is none.
func (vm *VM) Text(path string) (text string) {
	vm.locked(func() {
		if f := vm.guest.files[path]; f != nil {
			text = string(f.data)
		}
	})
	return text
}

// HasFile reports whether there is something at path in the guest, on its disk or in its memory.
func (vm *VM) HasFile(path string) (has bool) {
	vm.locked(func() { has = vm.guest.files[path] != nil })
	return has
}

// SetLinger lets the user's services linger, or not.
func (vm *VM) SetLinger(on bool) { vm.locked(func() { vm.guest.linger = on }) }

// RemoveGroup removes the socket's group.
func (vm *VM) RemoveGroup() { vm.locked(func() { vm.guest.group, vm.guest.member = false, false }) }

// RemoveKey has ssh refuse Lima's key until the next boot, and ends Lima's shared connection, so that no way in is
// left.
func (vm *VM) RemoveKey() { vm.locked(func() { vm.guest.key, vm.shared = false, nil }) }

// RemoveSudoRule has sudo ask the user for a password until the next boot.
func (vm *VM) RemoveSudoRule() { vm.locked(func() { vm.guest.sudo = false }) }

// KillDriver kills the VM itself. Lima's host agent sees it, and ends.
func (vm *VM) KillDriver() { vm.locked(vm.powerOff) }

// Break has Lima call the VM broken, for a reason, until it is stopped by force.
func (vm *VM) Break(reason string) { vm.locked(func() { vm.broken = reason }) }

// Unboot has Lima's files report that the VM is booting still, and Boot that it has come up.
func (vm *VM) Unboot() { vm.write("ha.stdout.log", "") }

// Boot is the end of what Unboot began.
func (vm *VM) Boot() { vm.write("ha.stdout.log", `{"status":{"running":true}}`+"\n") }

// open reports whether Lima's shared connection is open.
func (vm *VM) open() (open bool) {
	vm.locked(func() { open = vm.shared != nil })
	return open
}

// CloseForwards ends the forwarding of the guest's sockets, as `ssh -O cancel` does, and leaves everything else.
func (vm *VM) CloseForwards() {
	vm.locked(func() {
		vm.closeSockets()
		vm.connect(*vm.shared)
	})
}

// locked does something with the world locked.
func (vm *VM) locked(do func()) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	do()
}

// Fingerprint is the state of the VM as text, for comparing: two equal ones mean that nothing was changed in between.
func (vm *VM) Fingerprint() (text string) {
	vm.locked(func() {
		config, _ := os.ReadFile(vm.file("lima.yaml")) // without one: no line
		m := vm.guest
		lines := []string{string(config), fmt.Sprint(vm.running, m.group, m.member, m.linger, m.enabled, m.lacks,
			len(m.mounts), m.service != nil, m.failed)}
		for path, f := range m.files {
			lines = append(lines, fmt.Sprint(path, " ", f.mode, " ", f.version))
		}
		slices.Sort(lines)
		text = strings.Join(lines, "\n")
	})
	return text
}

// powerOff takes the VM's power away, which ends everything on the host as well.
func (vm *VM) powerOff() {
	vm.closeSockets()
	vm.running, vm.broken, vm.shared = false, "", nil
	_ = os.Remove(vm.file("ha.pid")) // gone already: just as well
	vm.guest.powerOff()
}

// disk is the content of the VM's disk: something that no other has.
func (vm *VM) disk() string { return fmt.Sprintf("disk %d, in memory\n", vm.number) }

func (vm *VM) dir() string { return vm.world.VMDir(vm.name) }

func (vm *VM) file(name string) string { return filepath.Join(vm.dir(), name) }

// write makes a file in the instance's directory. What is not there is found by who reads it.
func (vm *VM) write(name, text string) { _ = os.WriteFile(vm.file(name), []byte(text), 0o600) }
