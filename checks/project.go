package checks

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// project checks the directory that the world shows writable: a program in the VM can change all of it.
func project(path, home, limaHome string) Check {
	access := func(path string) error { return unix.Access(path, unix.W_OK|unix.X_OK) }
	return projectCheck(path, home, limaHome, access)
}

func projectCheck(path, home, limaHome string, access func(string) error) Check {
	return dirCheck("project", "project directory", func() Finding {
		other := "name the project's own directory: worldsetup DIR"
		switch {
		case within(home, path):
			return warning("%s", path).because("the VM may change your whole home directory", path+" is shown writable in the VM, and your home directory is in it", other)
		case within(limaHome, path):
			return warning("%s", path).because("the VM may change its own disk", path+" is shown writable in the VM, and Lima's home directory is in it", other)
		case within(path, limaHome):
			return warning("%s", path).because("the project lies in Lima's home directory", "Lima keeps VMs in "+limaHome+", and `limactl delete` removes them", other)
		}
		if err := access(path); err != nil {
			return warning("%s", path).because("you may not write to the project directory", err.Error()+": nothing in the VM will be able to, either",
				`if it should be yours: sudo chown "$USER" `+path)
		}
		return ok("%s", path)
	})
}

// within says whether path is directory, or lies in it. An unknown path lies nowhere.
func within(path, directory string) bool {
	if path == "" || directory == "" {
		return false
	}
	relative, err := filepath.Rel(directory, path)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, "../")
}
