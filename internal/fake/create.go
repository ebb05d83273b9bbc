package fake

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
)

// maxSocketPath is the room for the path of a UNIX socket.
func maxSocketPath() int {
	if runtime.GOOS == "linux" {
		return 108
	}
	return 104
}

func (w *World) create(_ context.Context, c *console, words []string) error {
	name := words[0]
	if err := checkName(name); err != nil {
		return err
	}
	dir := filepath.Join(w.options.LimaHome, name)
	longest := filepath.Join(dir, "ssh.sock.1234567890123456")
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, exists := w.vms[name]; exists {
		return fatalf("instance `%s` already exists", name)
	}
	c.info("Terminal is not available, proceeding without opening an editor")
	if len(longest) >= maxSocketPath() {
		return fatalf("instance name %q too long: %q must be less than UNIX_PATH_MAX=%d characters, but is %d", name,
			longest, maxSocketPath(), len(longest))
	}
	path := filepath.Join(dir, "lima.yaml")
	config, err := w.load(c, path, dir, c.stdin)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fatalf("instance %q already exists (%q)", name, dir)
	}
	for file, content := range map[string]string{"lima.yaml": string(c.stdin), "lima-version": w.options.Version} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
			return fatal(err.Error())
		}
	}
	keys := filepath.Join(w.options.LimaHome, "_config")
	_ = os.MkdirAll(keys, 0o700) // a missing key is found by who reads it
	_ = os.WriteFile(filepath.Join(keys, "user.pub"), []byte(publicKey+"\n"), 0o644)
	vm := w.newVM(name)
	return vm.download(c, config.Images[0].Location, "create")
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
	if vm.installed { // its disk was lost, and all that was in the guest with it
		vm.renew()
	}
	if err := os.WriteFile(vm.file("disk"), vm.disk(), 0o644); err != nil {
		return fatal(err.Error())
	}
	vm.installed = true
	return nil
}

func (w *World) delete(_ context.Context, c *console, words []string) error {
	vm := w.VM(words[0])
	if vm == nil {
		c.warn("Ignoring non-existent instance `%s`", words[0])
		return nil
	}
	if _, err := os.Lstat(vm.file("protected")); err == nil {
		return fatalf("failed to delete instance `%s`: instance is protected to prohibit accidental removal (Hint: "+
			"use `limactl unprotect`)", vm.name)
	}
	vm.kill(c)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.vms, vm.name)
	if err := os.RemoveAll(vm.dir); err != nil {
		return fatal(err.Error())
	}
	c.info("Deleted `%s` (`%s`)", vm.name, vm.dir)
	return nil
}

// publicKey is Lima's own.
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNpbXVsYXRlZA lima"
