package fake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"
)

func (w *World) version(_ context.Context, c *console, _ []string) error {
	fmt.Fprintf(&c.stdout, "limactl version %s\n", w.options.Version)
	return nil
}

// list lists the instance that is named, or all of them. One directory that is none spoils the list of all.
func (w *World) list(_ context.Context, c *console, words []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locate()
	names := w.directories()
	if len(words) > 0 {
		names = slices.DeleteFunc(names, func(name string) bool { return name != words[0] })
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(w.VMDir(name), "lima.yaml")); err != nil {
			return fatalf("unable to load instance %s: %v", name, err)
		}
		if err := json.NewEncoder(&c.stdout).Encode(w.vms[name].inspect()); err != nil {
			return err
		}
	}
	return nil
}

// inspect is what Lima lists of the VM. A configuration that cannot be read shows by there being none, and no status.
func (vm *VM) inspect() *limatype.Instance {
	instance := &limatype.Instance{Name: vm.name, Dir: vm.dir(), SSHConfigFile: vm.file("ssh.config")}
	config, err := vm.config()
	if err != nil {
		return instance
	}
	instance.Config = config
	instance.VMType, instance.Arch, instance.CPUs = *config.VMType, *config.Arch, *config.CPUs
	instance.Memory, _ = units.RAMInBytes(*config.Memory) // nothing here writes a wrong one
	instance.Disk, _ = units.RAMInBytes(*config.Disk)
	if instance.Status = limatype.StatusStopped; vm.running {
		instance.Status = limatype.StatusRunning
	}
	if vm.broken != "" {
		instance.Status, instance.Errors = limatype.StatusBroken, []error{errors.New(vm.broken)}
	}
	_, err = os.Lstat(vm.file("protected"))
	instance.Protected = err == nil
	return instance
}

func (w *World) validate(_ context.Context, _ *console, words []string) error {
	text, err := os.ReadFile(words[0])
	if err != nil {
		return fatal(err.Error())
	}
	_, err = load(w.VMDir("validate"), text)
	return err
}

func (w *World) create(_ context.Context, c *console, words []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locate()
	dir := w.VMDir(words[0])
	config, err := load(dir, c.command.Stdin)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); err == nil {
		return fatalf("instance %q already exists (%q)", words[0], dir)
	}
	keys := filepath.Join(w.options.LimaHome, "_config")
	if err := errors.Join(
		os.Mkdir(dir, 0o700), os.MkdirAll(keys, 0o700),
		os.WriteFile(filepath.Join(dir, "lima.yaml"), c.command.Stdin, 0o644),
		os.WriteFile(filepath.Join(dir, "lima-version"), []byte(w.options.Version), 0o644),
		os.WriteFile(filepath.Join(keys, "user.pub"), []byte("ssh-ed25519 AAAA lima\n"), 0o644),
	); err != nil {
		return fatal(err.Error())
	}
	return w.newVM(words[0]).download(c, config.Images[0].Location, "create")
}

// download gets the VM its disk, when it has none yet. A failure leaves the VM as it is, listed and without a disk.
func (vm *VM) download(c *console, image, verb string) error {
	if _, err := os.Stat(vm.file("disk")); err == nil {
		return nil
	}
	c.info("Attempting to download the image")
	if message := vm.world.Faults.Fail[verb]; message != "" {
		return fatal(message)
	}
	c.info("Downloaded the image from `%s`", image)
	vm.write("disk", vm.disk())
	return nil
}

// find returns the VM called name, or Lima's error.
func (w *World) find(name string) (*VM, error) {
	if vm := w.VM(name); vm != nil {
		return vm, nil
	}
	return nil, fatalf("open %s: no such file or directory", filepath.Join(w.VMDir(name), "lima.yaml"))
}

// stop shuts the guest down in good order.
func (w *World) stop(_ context.Context, c *console, words []string) error {
	vm, err := w.find(words[0])
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !vm.running {
		return fatal("expected status \"Running\", got \"Stopped\" (maybe use `limactl stop -f`?)")
	}
	c.info("Waiting for the host agent and the driver processes to shut down")
	vm.powerOff()
	_ = os.RemoveAll(vm.file("sock")) // the forwarded sockets
	c.info("The instance %s has shut down", vm.name)
	return nil
}

// kill takes the power away.
func (w *World) kill(_ context.Context, c *console, words []string) error {
	vm, err := w.find(words[0])
	if err != nil {
		return err
	}
	c.info("Sending SIGKILL to the driver and host agent processes, if they live")
	vm.KillDriver()
	return nil
}

func (w *World) delete(_ context.Context, c *console, words []string) error {
	vm, err := w.find(words[0])
	if err != nil {
		return nil // Lima ignores a missing one
	}
	if vm.inspect().Protected {
		return fatal("instance is protected to prohibit accidental removal (Hint: use `limactl unprotect`)")
	}
	vm.KillDriver()
	if err := os.RemoveAll(vm.dir()); err != nil {
		return fatal(err.Error())
	}
	c.info("Deleted `%s` (`%s`)", vm.name, vm.dir())
	return nil
}

func (w *World) protect(_ context.Context, c *console, words []string) error {
	vm, err := w.find(words[0])
	if err != nil {
		return err
	}
	vm.write("protected", "")
	c.info("Protected `%s`", vm.name)
	return nil
}

func (w *World) unprotect(_ context.Context, c *console, words []string) error {
	vm, err := w.find(words[0])
	if err != nil {
		return err
	}
	_ = os.Remove(vm.file("protected")) // Lima warns of one that is not there
	c.info("Unprotected `%s`", vm.name)
	return nil
}

// embed prints a template as it is: no test has one that refers to others.
func (w *World) embed(_ context.Context, c *console, words []string) error {
	text, err := os.ReadFile(words[0])
	if err != nil {
		return fatal(err.Error())
	}
	_, err = c.stdout.Write(text)
	return err
}
