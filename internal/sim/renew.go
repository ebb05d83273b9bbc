package sim

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Renew implements guest.Transport: mounts go on over the old connection, and so do the sockets that it forwards, whose files
// the new one replaces.
func (t transport) Renew(ctx context.Context, forwards []guest.Pair) error {
	t.world.note(Call{VM: t.name, Script: "ssh -O stop", Route: guest.Shared})
	fresh, vm, err := t.world.login(ctx, t.name, guest.Fresh)
	if err != nil {
		return err
	}
	vm.CloseForwards()
	vm.closeControl()
	t.world.mu.Lock()
	defer t.world.mu.Unlock()
	vm.shared, vm.stale = &fresh, false
	if control, err := listen(vm.file("ssh.sock"), func(connection net.Conn) { vm.world.linger(connection) }); err == nil {
		vm.sockets = append(vm.sockets, control)
	}
	for _, pair := range forwards {
		if err := os.MkdirAll(filepath.Dir(pair.Host), 0o750); err != nil {
			return err
		}
		forwarded, err := listen(pair.Host, vm.relay(pair.Guest, vm.shared, true))
		if err != nil {
			return err
		}
		vm.sockets = append(vm.sockets, forwarded)
	}
	return nil
}

// closeControl removes the shared connection's control socket.
func (vm *VM) closeControl() {
	vm.world.mu.Lock()
	sockets := vm.sockets
	vm.sockets = nil
	vm.world.mu.Unlock()
	for _, socket := range sockets {
		socket.remove()
	}
}
