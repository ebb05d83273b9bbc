package profile

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Arch is the setting of that name.
func Arch(c *limatype.LimaYAML) *string { return c.Arch }

// VMType is the setting of that name.
func VMType(c *limatype.LimaYAML) *string { return c.VMType }

// MountType is the setting of that name.
func MountType(c *limatype.LimaYAML) *string { return c.MountType }

// Memory is the setting of that name.
func Memory(c *limatype.LimaYAML) *string { return c.Memory }

// Disk is the setting of that name.
func Disk(c *limatype.LimaYAML) *string { return c.Disk }

// DefaultVMType is the type of a new VM on this machine.
func DefaultVMType() string {
	if platform.OS() == "darwin" {
		return limatype.VZ
	}
	return limatype.QEMU
}

// HasRosetta reports whether this Mac has it.
func HasRosetta() bool {
	_, err := os.Stat(platform.File(checks.RosettaFile))
	return err == nil
}

// HomeLeftOut reports whether the home directory was left out of an instance, which may be nil.
func HomeLeftOut(instance *limatype.Instance) bool {
	if instance == nil {
		return false
	}
	return lima.HomeLeftOut(ConfigText(instance))
}

// ConfigText is the text of an instance's lima.yaml; empty without one.
func ConfigText(instance *limatype.Instance) []byte {
	text, _ := os.ReadFile(filepath.Join(instance.Dir, filenames.LimaYAML)) // without one, nothing was chosen
	return text
}

// Project is the project of an instance: what it shows at /src, or what is staged in it; empty for none.
func Project(instance *limatype.Instance) string {
	return cmp.Or(ShownProject(instance.Config), StagedProject(instance))
}

// StagedProject is the project that an instance's lima.yaml says to be staged; empty for none.
func StagedProject(instance *limatype.Instance) string {
	if instance == nil {
		return ""
	}
	return lima.StagedProject(ConfigText(instance))
}

// ShownProject is the directory that a VM shows at /src; empty for none.
func ShownProject(config *limatype.LimaYAML) (project string) {
	for _, mount := range config.Mounts {
		if mount.MountPoint != nil && *mount.MountPoint == layout.ProjectMount {
			project = mount.Location
		}
	}
	return project
}
