package provision

import "github.com/lima-vm/lima/v2/pkg/limatype"

func mountTypeOf(c *limatype.LimaYAML) *string { return c.MountType }

// driverRefuses returns why Lima's driver would not run a VM with this configuration on a machine of that system and
// processor, as Go calls it; nil when it would. `limactl validate` never asks the driver: create and edit do, the
// latter after the VM was stopped (validateConfig in pkg/driver/vz and pkg/driver/qemu).
func (t target) driverRefuses(config *limatype.LimaYAML, goos, goarch string) *Error {
	mounts := t.setting(mountTypeOf, deref(config.MountType))
	native := limatype.NewArch(goarch)
	vz, mac := t.vmType == limatype.VZ, goos == "darwin"
	switch {
	case vz && mounts == limatype.NINEP:
		return about("mount-type", usage("use --mount-type virtiofs, or reverse-sshfs",
			"VMs of the type vz have no mounts of the type 9p"))
	case !vz && mac && mounts == limatype.VIRTIOFS:
		return about("mount-type", usage("use --mount-type 9p, or --vm-type vz",
			"on a Mac, VMs of the type %s have no mounts of the type virtiofs", t.vmType))
	case vz && t.arch != native:
		return about("vm-type", usage("use --vm-type qemu, which emulates it, or an image for this Mac's processor",
			"VMs of the type vz have the processor of this Mac, %s, and %s was asked for", native, t.arch))
	}
	for _, image := range config.Firmware.Images {
		if vz && image.Arch == t.arch && (image.VMType == "" || image.VMType == limatype.VZ) {
			return about("profile", usage("remove firmware.images from it, or use --vm-type qemu",
				"VMs of the type vz have firmware of their own, and the profile names another"))
		}
	}
	return nil
}
