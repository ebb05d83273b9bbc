package fake

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// powerOn starts the VM's processes and boots the guest up to the point where ssh could answer.
func (vm *VM) powerOn(config *limatype.LimaYAML) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	vm.agentPID, vm.driverPID = vm.world.next(), vm.world.next()
	vm.guest.powerOn(config)
	vm.write("ha.pid", fmt.Sprintln(vm.agentPID))
	vm.write("ha.stdout.log", "")
	vm.write("serial.log", "systemd[1]: Reached target basic.target - Basic System.\n")
	vm.write("ssh.config", fmt.Sprintf("Host lima-%s\n  User %s\n  ControlPath %q\n  Hostname 127.0.0.1\n  Port %d\n",
		vm.name, *config.User.Name, vm.file("ssh.sock"), vm.port))
}

// write makes a file in the instance's directory. Nothing in the fake depends on one.
func (vm *VM) write(name, text string) { _ = os.WriteFile(vm.file(name), []byte(text), 0o600) }

// connect makes Lima's shared ssh connection: its users have the groups that the user has now. Lima gives up, after
// ten minutes, on a guest that does not let it in, and leaves it running.
func (vm *VM) connect() error {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	if !vm.running() {
		return nil // the power went away meanwhile
	}
	if vm.guest.sshd = true; !vm.guest.key {
		vm.booted()
		return fatal("degraded, status={Running:true Degraded:true Errors:[failed to satisfy the essential " +
			"requirement 1 of 2 \"ssh\"]}")
	}
	vm.share()
	return nil
}

// share makes the shared connection, and the control socket that others find it by.
func (vm *VM) share() {
	session := session{vm.guest.member}
	vm.shared = &session
	if control, err := listen(vm.file("ssh.sock"),
		func(connection net.Conn) { vm.world.linger(connection) }); err == nil {
		vm.sockets = append(vm.sockets, control)
	}
}

// mount mounts the directories that the guest's kernel can mount; the others are silently not there.
func (vm *VM) mount(config *limatype.LimaYAML) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	if !vm.running() {
		return
	}
	for _, mount := range config.Mounts {
		vm.guest.mounts[*mount.MountPoint] = mounted{location: mount.Location, kind: *config.MountType,
			writable: *mount.Writable}
	}
}

// forward forwards the guest's sockets over the shared connection, and returns what Lima says of it.
func (vm *VM) forward(config *limatype.LimaYAML) (log []string) {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	for _, rule := range config.PortForwards {
		if !vm.running() || vm.shared == nil || rule.GuestSocket == "" || rule.Reverse || rule.Ignore {
			continue
		}
		log = append(log, fmt.Sprintf("Forwarding %q (guest) to %q (host)", rule.GuestSocket, rule.HostSocket))
		err := os.MkdirAll(filepath.Dir(rule.HostSocket), 0o750)
		if err == nil {
			var forwarded *socket
			if forwarded, err = listen(rule.HostSocket, vm.relay(vm.shared)); err == nil {
				vm.sockets = append(vm.sockets, forwarded)
			}
		}
		if err != nil {
			log = append(log, fmt.Sprintf("failed to set up forward from %q (guest) to %q (host): %v",
				rule.GuestSocket, rule.HostSocket, err))
		}
	}
	return log
}

// booted is the host agent's event of the end of a boot.
func (vm *VM) booted() { vm.write("ha.stdout.log", `{"status":{"running":true}}`+"\n") }

// finish is the end of Lima's own boot scripts. They let the user's services linger, at every boot.
func (vm *VM) finish() {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	if vm.running() {
		vm.booted()
	}
	if vm.running() && !vm.conditions.NoLinger {
		vm.guest.linger = true
	}
}
