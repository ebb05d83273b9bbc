package sim

import "github.com/atomize-hq/worldsetup/provision/guest"

// KillDriver kills the VM itself. Lima's host agent sees it, and ends.
func (vm *VM) KillDriver() { vm.powerOff() }

// Freeze stops the driver's process, as SIGSTOP does: everything in the guest hangs.
func (vm *VM) Freeze() {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	vm.frozen = true
}

// Stranger binds another socket at the agent's path: it listens and never answers, or is dead, with the owner and mode that are due.
func (vm *VM) Stranger(listens bool) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	m := vm.guest
	m.remove(guest.SocketPath)
	if listens {
		m.stranger = m.put(guest.SocketPath, file{kind: socketFile, mode: 0o755})
		return
	}
	dead := file{kind: socketFile, mode: 0o660}
	if group := m.groupCalled(socketGroup); group != nil { // else root's, as chown would leave it
		dead.gid = group.gid
	}
	m.put(guest.SocketPath, dead)
}

// ReplaceAgent installs a program that goes by the word in its text, see [DefaultProgram], and restarts the service.
func (vm *VM) ReplaceAgent(text string) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	m := vm.guest
	m.put(guest.AgentPath, file{kind: regular, mode: 0o755, data: []byte("#!/usr/bin/python3\n# " + text + "\n")})
	_ = m.stopUnit(guest.ServiceName) // units are there
	_ = m.startUnit(guest.ServiceName)
}

// RemountReadOnly makes the guest's root file system read-only, as the kernel does with one that it finds damaged.
func (vm *VM) RemountReadOnly(damaged bool) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	vm.guest.readOnly, vm.conditions.RootDamaged = true, damaged
}

// OpenDeleted has a program hold a file open that was deleted, until the VM stops.
func (vm *VM) OpenDeleted() {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	vm.guest.openDeleted = true
}

// Fill fills the guest's disk, with fetched packages or with what nobody may throw away.
func (vm *VM) Fill(data bool) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	if vm.conditions.DiskUsed = 100; data {
		vm.conditions.DiskData = 100
	}
}

// Keep makes a file tree and starts a process of the user's, and Kept says whether they are there.
func (vm *VM) Keep() {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	m := vm.guest
	if m.kept == nil {
		m.kept = map[string]bool{"user's": true}
	}
	if m.user != nil && m.files[m.user.home+"/kept/file"] == nil {
		m.put(m.user.home+"/kept", file{kind: directory, mode: 0o755, uid: m.user.uid, gid: m.user.uid})
		m.put(m.user.home+"/kept/file", file{kind: regular, mode: 0o644, uid: m.user.uid, gid: m.user.uid, data: []byte("kept\n")})
	}
}

// Kept says whether the file tree and the process that Keep made are there.
func (vm *VM) Kept() (files, process bool) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	m := vm.guest
	return m.user != nil && m.is(m.user.home+"/kept/file", regular), m.kept["user's"]
}

// LoseGroupInSession leaves Lima with a shared connection that was made while the user was not in the group.
func (vm *VM) LoseGroupInSession() error {
	if err := vm.Root("gpasswd -d $1 substrate"); err != nil {
		return err
	}
	vm.world.mu.Lock()
	session := vm.guest.login()
	vm.shared = &session
	vm.world.mu.Unlock()
	return vm.Root("usermod -aG substrate $1")
}

// Unboot has Lima's files say that the VM is booting still, and Boot that it has come up.
func (vm *VM) Unboot() { vm.write("ha.stdout.log", "") }

// Boot is the end of what Unboot began.
func (vm *VM) Boot() { vm.write("ha.stdout.log", `{"status":{"running":true}}`+"\n") }
