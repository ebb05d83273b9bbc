package fake

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/fields"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// userName is the name that Lima gives a guest's user; it should be no one's on the host.
const userName = "sam"

// config is the VM's configuration as it stands in its lima.yaml.
func (vm *VM) config() (*limatype.LimaYAML, error) {
	text, err := os.ReadFile(vm.file("lima.yaml"))
	if err != nil {
		return nil, fatal(err.Error())
	}
	return load(vm.dir(), text)
}

// load reads the profile of an instance that is, or is to be, in dir, and gives it those of the values that Lima fills
// in at which something observes.
func load(dir string, text []byte) (*limatype.LimaYAML, error) {
	config, err := lima.ParseProfile(text)
	if err != nil {
		return nil, fatalf("failed to unmarshal YAML: %v", err)
	}
	files, err := lima.ReadFiles(filepath.Dir(dir))
	if err != nil {
		return nil, fatal(err.Error())
	}
	for _, file := range files {
		merge(config, file)
	}
	preset(&config.Arch, limatype.NewArch(platform.Arch()))
	preset(&config.VMType, limatype.QEMU)
	preset(&config.CPUs, min(4, runtime.NumCPU()))
	preset(&config.Memory, "4GiB")
	preset(&config.Disk, "100GiB")
	preset(&config.MountType, limatype.NINEP)
	for i := range config.Mounts {
		mount := &config.Mounts[i]
		mount.Location = expand(mount.Location, dir)
		preset(&mount.MountPoint, mount.Location)
		*mount.MountPoint = expand(*mount.MountPoint, dir)
		preset(&mount.Writable, false)
	}
	for i := range config.PortForwards {
		rule := &config.PortForwards[i]
		if rule.HostSocket = expand(rule.HostSocket, dir); rule.HostSocket != "" && !filepath.IsAbs(rule.HostSocket) {
			rule.HostSocket = filepath.Join(dir, filenames.SocketDir, rule.HostSocket)
		}
	}
	for i := range config.Provision {
		if script := config.Provision[i].Script; script != nil {
			*script = expand(*script, dir)
		}
	}
	return config, nil
}

// merge adds to a configuration what a file for all VMs decides of the things that tests observe.
func merge(config *limatype.LimaYAML, file lima.File) {
	if file.Overrides() && file.Config.CPUs != nil {
		config.CPUs = file.Config.CPUs
	}
	if file.Overrides() || config.Plain == nil {
		config.Plain = cmp.Or(file.Config.Plain, config.Plain)
	}
	for _, mount := range file.Config.Mounts {
		for i := range config.Mounts {
			if file.Overrides() && config.Mounts[i].Location == mount.Location {
				config.Mounts[i].Writable = mount.Writable
			}
		}
	}
	if config.Plain != nil && *config.Plain {
		config.Mounts, config.PortForwards = nil, nil
	}
}

func preset[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// expand executes text as a template. Lima leaves a text that is none as it is.
func expand(text, dir string) string {
	if expanded, ok := fields.Expand(text, map[string]any{"Dir": dir, "User": userName}); ok {
		return expanded
	}
	return text
}
