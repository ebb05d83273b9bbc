package sim

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Fingerprint is the state of the VM as text, for comparing: its configuration, whether it runs, and of the guest the
// accounts, files, units, mounts and missing commands. Two equal ones mean that nothing was changed in between.
func (vm *VM) Fingerprint() string {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	m := vm.guest
	config, _ := os.ReadFile(vm.file("lima.yaml")) // without one: no line
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for path, f := range m.files {
		add("file %s %s %o %d:%d version %d %s", path, f.kind, f.mode, f.uid, f.gid, f.version, sum(f.data))
	}
	for _, g := range m.groups {
		add("group %s", g.entry())
	}
	for name, on := range m.enabled {
		add("unit %s enabled %v", name, on)
	}
	for name, u := range m.units {
		if u.loaded != nil {
			add("unit %s %s version %s", name, u.active, u.loaded.version)
		}
	}
	for point, mount := range m.mounts {
		add("mount %s %v", point, mount)
	}
	add("lacks %v", m.lacks)
	add("processes %d %d", vm.agentPID, vm.driverPID)
	slices.Sort(lines)
	return string(config) + strings.Join(lines, "\n")
}
