package fake

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// To Lima an instance is a directory in its home, and the guest is what is on the disk in it. So a VM goes where its
// disk is moved to, by whomever, and is gone when the disk is.

// newVM makes a VM in its directory, which has no disk yet. The world must be locked.
func (w *World) newVM(name string) *VM {
	vm := &VM{world: w, name: name, dir: filepath.Join(w.options.LimaHome, name), port: w.next()}
	vm.guest = newMachine(vm)
	w.vms[name] = vm
	return vm
}

// disk is the content of the VM's disk: something that no other has.
func (vm *VM) disk() []byte { return fmt.Appendf(nil, "disk %d, in memory\n", vm.port) }

// hasDisk says whether the VM's disk is in dir.
func (vm *VM) hasDisk(dir string) bool {
	content, err := os.ReadFile(filepath.Join(dir, "disk"))
	return err == nil && string(content) == string(vm.disk())
}

// directories are the names of what Lima takes for instances, sorted.
func (w *World) directories() (names []string) {
	entries, _ := os.ReadDir(w.options.LimaHome) // without a home there are none
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(entry.Name(), "_") {
			names = append(names, entry.Name())
		}
	}
	return names
}

// settle finds out where the VMs are by now.
func (w *World) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.vms
	w.vms = map[string]*VM{}
	for _, name := range w.directories() {
		dir := filepath.Join(w.options.LimaHome, name)
		if vm := owner(was, name, dir); vm != nil {
			if vm.name != name {
				vm.name, vm.dir = name, dir
			}
			w.vms[name] = vm
		} else if _, err := os.Stat(filepath.Join(dir, "lima.yaml")); err == nil {
			w.newVM(name)
		}
	}
}

// owner is the VM whose disk is in dir; without a disk there it is the one that was called name, unless its disk is
// elsewhere.
func owner(vms map[string]*VM, name, dir string) *VM {
	for _, vm := range vms {
		if vm.hasDisk(dir) {
			return vm
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "disk")); err == nil {
		return nil
	}
	if vm := vms[name]; vm != nil && !vm.elsewhere() {
		return vm
	}
	return nil
}

// elsewhere says whether the VM's disk is in another directory than its own.
func (vm *VM) elsewhere() bool {
	for _, name := range vm.world.directories() {
		if dir := filepath.Join(vm.world.options.LimaHome, name); dir != vm.dir && vm.hasDisk(dir) {
			return true
		}
	}
	return false
}

// renew makes it another VM, in the same place.
func (vm *VM) renew() {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	vm.port, vm.conditions = vm.world.next(), Conditions{}
	vm.guest = newMachine(vm)
}

// VMDir is the directory that the VM called name has, or would have.
func (w *World) VMDir(name string) string { return filepath.Join(w.options.LimaHome, name) }

// HasFile says whether there is something at path in the guest, on its disk or in its memory.
func (vm *VM) HasFile(path string) bool {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	return vm.guest.files[path] != nil
}
