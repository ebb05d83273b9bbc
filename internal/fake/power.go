package fake

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// start boots a VM in the phases that Lima's log tells of. A caller who gives up leaves the VM booting: here, booted.
func (w *World) start(ctx context.Context, c *console, words []string) error {
	name := words[len(words)-1]
	vm := w.VM(name)
	if vm == nil { // Lima would make one from a template of that name
		return fatalf("template %q not found", name+".yaml")
	}
	w.mu.Lock()
	status, problem := vm.status()
	config, err := vm.config(c)
	w.mu.Unlock()
	switch {
	case err != nil:
		return err
	case problem != nil:
		return fatalf("errors inspecting instance: [%v]", problem)
	case status == limatype.StatusRunning:
		c.info("The instance `%s` is already running. Run `limactl shell %s` to open the shell.", name, name)
		return nil
	}
	c.info("Starting the instance %q with internal VM driver %q", name, *config.VMType)
	if err := vm.download(c, config.Images[0].Location, "start"); err != nil {
		return err
	}
	if message := w.Faults.Fail["start"]; message != "" {
		return fatal(message)
	}
	return vm.boot(ctx, c, config)
}

// boot goes through the phases of a boot.
func (vm *VM) boot(ctx context.Context, c *console, config *limatype.LimaYAML) error {
	w := vm.world
	var gaveUp error
	say := func(line string) {
		if gaveUp == nil {
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
	vm.powerOn(config)
	say("[hostagent] Starting " + strings.ToUpper(*config.VMType) + " (hint: to watch the boot progress, see `" +
		vm.file("serial*.log") + "`)")
	say("[hostagent] Waiting for the essential requirement 1 of 2: \"ssh\"")
	hang("start")
	if err := vm.connect(); err != nil && gaveUp == nil {
		return err
	}
	say("[hostagent] The essential requirement 1 of 2 is satisfied")
	say("[hostagent] Waiting for the essential requirement 2 of 2: \"user session is ready for ssh\"")
	say("[hostagent] The essential requirement 2 of 2 is satisfied")
	for _, mount := range config.Mounts {
		say("[hostagent] Mounting \"" + mount.Location + "\" on \"" + *mount.MountPoint + "\"")
	}
	vm.mount(config)
	say("[hostagent] Waiting for the guest agent to be running")
	for _, line := range vm.forward(config) {
		say("[hostagent] " + line)
	}
	say("[hostagent] Guest agent is running")
	say("[hostagent] Waiting for the final requirement 1 of 1: \"boot scripts must have finished\"")
	hang("start-late")
	vm.finish()
	say("[hostagent] The final requirement 1 of 1 is satisfied")
	say("READY. Run `limactl shell " + vm.name + "` to open the shell.")
	w.mu.Lock()
	defer w.mu.Unlock()
	if gaveUp == nil && !vm.running() {
		return fatal("host agent process has exited: signal: killed")
	}
	return gaveUp
}

// stop shuts the guest down in good order.
func (w *World) stop(_ context.Context, c *console, words []string) error {
	vm := w.VM(words[0])
	if vm == nil {
		return noInstance(w, words[0])
	}
	w.mu.Lock()
	status, _ := vm.status()
	pid := vm.agentPID
	w.mu.Unlock()
	if status != limatype.StatusRunning {
		return fatalf("expected status \"Running\", got %q (maybe use `limactl stop -f`?)", status)
	}
	c.info("Sending SIGINT to hostagent process %d", pid)
	c.info("Waiting for the host agent and the driver processes to shut down")
	vm.powerOff()
	_ = os.RemoveAll(vm.file("sock")) // the forwarded sockets
	c.info("Waiting for the instance to shut down")
	c.info("The instance %s has shut down", vm.name)
	return nil
}

// kill takes the power away.
func (w *World) kill(_ context.Context, c *console, words []string) error {
	vm := w.VM(words[0])
	if vm == nil {
		return noInstance(w, words[0])
	}
	vm.kill(c)
	return nil
}

func (vm *VM) kill(c *console) {
	c.info("Sending SIGKILL to the driver and host agent processes, if they live")
	vm.powerOff()
	c.info("Removing *.pid *.sock *.tmp under %q", vm.dir)
}

func noInstance(w *World, name string) error {
	return fatalf("open %s: no such file or directory", filepath.Join(w.options.LimaHome, name, "lima.yaml"))
}
