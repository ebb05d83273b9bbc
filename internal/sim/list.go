package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"
)

func (w *World) list(_ context.Context, c *console, _ []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.vms)) {
		if _, err := os.Stat(w.vms[name].file("lima.yaml")); err != nil { // one such instance spoils the whole list
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

// inspect is what Lima lists of the VM. What it knows to be wrong with an instance is not in the list of Lima 2.1.4, where
// "errors" is always empty: a configuration that cannot be read shows by there being none, and no status.
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
