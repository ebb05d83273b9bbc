package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// list lists the instance that is named, or all of them. One directory that is none spoils the list of all.
func (w *World) list(_ context.Context, c *console, words []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := w.directories()
	if len(words) > 0 {
		names = slices.DeleteFunc(names, func(name string) bool { return name != words[0] })
	}
	if len(words) > 0 && len(names) == 0 {
		c.warn("No instance matching %s found.", words[0])
		c.exit = 1
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(w.options.LimaHome, name, "lima.yaml")); err != nil {
			return fatalf("unable to load instance %s: %v", name, err)
		}
		line, err := json.Marshal(w.vms[name].inspect())
		if err != nil {
			return fatal(err.Error())
		}
		// Lima adds fields of the host's to each line.
		extra, err := json.Marshal(map[string]string{
			"HostOS": runtime.GOOS, "HostArch": limatype.NewArch(runtime.GOARCH), "LimaHome": w.options.LimaHome,
			"IdentityFile": filepath.Join(w.options.LimaHome, "_config", "user"),
		})
		if err != nil {
			return fatal(err.Error())
		}
		fmt.Fprintf(&c.stdout, "%s,%s\n", bytes.TrimSuffix(line, []byte("}")), extra[1:])
	}
	return nil
}

// inspect is what Lima lists of the VM. What it knows to be wrong with an instance is not in the list of Lima 2.1.4,
// where "errors" is always empty: a configuration that cannot be read shows by there being none, and no status.
func (vm *VM) inspect() *limatype.Instance {
	instance := &limatype.Instance{Name: vm.name, Hostname: hostname(vm.name), Dir: vm.dir}
	config, err := vm.config(&console{now: vm.world.options.Now}) // its warnings go nowhere: --log-level error
	if err != nil {
		return instance
	}
	instance.Config = config
	instance.VMType, instance.Arch, instance.CPUs = *config.VMType, *config.Arch, *config.CPUs
	instance.Memory, _ = units.RAMInBytes(*config.Memory) // checked when it was loaded
	instance.Disk, _ = units.RAMInBytes(*config.Disk)
	instance.SSHAddress, instance.SSHConfigFile = "127.0.0.1", vm.file("ssh.config")
	if vm.agentPID > 0 {
		instance.SSHLocalPort = vm.port
	}
	instance.HostAgentPID, instance.DriverPID = vm.agentPID, vm.driverPID
	instance.Status, _ = vm.status()
	_, err = os.Lstat(vm.file("protected"))
	instance.Protected = err == nil
	instance.LimaVersion, instance.Param = vm.world.options.Version, config.Param
	return instance
}
