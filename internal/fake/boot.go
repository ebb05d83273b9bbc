package fake

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// start boots a VM in the phases that Lima's log reports. A caller who gives up leaves the VM booting: here, booted.
func (w *World) start(ctx context.Context, c *console, words []string) error {
	vm, err := w.find(words[len(words)-1])
	if err != nil {
		return err
	}
	config, err := vm.config()
	if err != nil {
		return err
	}
	w.mu.Lock()
	running := vm.running
	w.mu.Unlock()
	if running {
		c.info("The instance `%s` is already running. Run `limactl shell %s` to open the shell.", vm.name, vm.name)
		return nil
	}
	c.info("Starting the instance %q with internal VM driver %q", vm.name, *config.VMType)
	if err := vm.download(c, config.Images[0].Location, "start"); err != nil {
		return err
	}
	if message := w.Faults.Fail["start"]; message != "" {
		return fatal(message)
	}
	if late := w.Faults.Late; late != nil {
		vm.newLogs()
		go func() {
			<-late
			_ = vm.boot(context.Background(), &console{}, config) // no one waits for it
		}()
		return fatalf("hostagent (%q) did not start up in 5s (hint: see %q)", vm.file("ha.pid"), vm.file("ha.stderr.log"))
	}
	return vm.boot(ctx, c, config)
}

// newLogs makes new files for what the host agent writes, as Lima does at every start.
func (vm *VM) newLogs() {
	for _, name := range []string{"ha.stdout.log", "ha.stderr.log"} {
		_ = os.Remove(vm.file(name)) // before the first start there is none
		vm.write(name, "")
	}
}

// boot goes through the phases of a boot.
func (vm *VM) boot(ctx context.Context, c *console, config *limatype.LimaYAML) error {
	w := vm.world
	var gaveUp error
	log := func(format string, args ...any) {
		if gaveUp == nil {
			line := "[hostagent] " + fmt.Sprintf(format, args...)
			c.info("%s", line)
			w.delay(line)
			gaveUp = context.Cause(ctx)
		}
	}
	hang := func(fault string) {
		if gaveUp == nil && w.Faults.Hang[fault] {
			gaveUp = w.hang(ctx)
		}
	}
	vm.locked(func() {
		vm.running = true
		vm.guest.powerOn(config)
		vm.write("ha.pid", "") // of no process on this host
		vm.newLogs()
		vm.write("serial.log", "systemd[1]: Reached target basic.target - Basic System.\n")
		vm.write("ssh.config", "")
	})
	log("Starting %s (hint: to watch the boot progress, see `%s`)",
		strings.ToUpper(*config.VMType), vm.file("serial*.log"))
	log(`Waiting for the essential requirement 1 of 2: "ssh"`)
	hang("start")
	vm.locked(func() {
		vm.guest.sshd = true
		vm.connect(session{vm.guest.member})
	})
	log("The essential requirement 1 of 2 is satisfied")
	log(`Waiting for the essential requirement 2 of 2: "user session is ready for ssh"`)
	log("The essential requirement 2 of 2 is satisfied")
	for _, mount := range config.Mounts {
		log("Mounting %q on %q", mount.Location, *mount.MountPoint)
	}
	vm.locked(func() { vm.guest.mounts = config.Mounts })
	log("Waiting for the guest agent to be running")
	for _, rule := range config.PortForwards {
		if rule.GuestSocket != "" {
			log("Forwarding %q (guest) to %q (host)", rule.GuestSocket, rule.HostSocket)
			vm.locked(func() { vm.forward(rule.HostSocket) })
		}
	}
	log("Guest agent is running")
	log(`Waiting for the final requirement 1 of 1: "boot scripts must have finished"`)
	hang("start-late")
	vm.locked(func() {
		vm.Boot()
		vm.guest.linger = vm.guest.linger || !vm.conditions.NoLinger // Lima's scripts do that at every boot
		if by := w.Faults.Degraded; by != "" {
			vm.write("ha.stdout.log", fmt.Sprintf(`{"status":{"running":true,"degraded":true,"errors":[%q]}}`+"\n", by))
		}
	})
	log("The final requirement 1 of 1 is satisfied")
	if by := w.Faults.Degraded; by != "" && gaveUp == nil {
		return fatalf("degraded, status={Running:true Degraded:true Exiting:false Errors:[%s]}", by)
	}
	c.info("READY. Run `limactl shell %s` to open the shell.", vm.name)
	return gaveUp
}

// connect makes Lima's shared ssh connection, with its control socket.
func (vm *VM) connect(as session) {
	vm.shared = &as
	vm.listen(vm.file("ssh.sock"), http.NotFound) // only that it is there is observed
}

// forward forwards the agent's socket to the host over the shared connection.
func (vm *VM) forward(path string) {
	if os.MkdirAll(filepath.Dir(path), 0o750) == nil {
		vm.listen(path, vm.relay(*vm.shared, true))
	}
}
