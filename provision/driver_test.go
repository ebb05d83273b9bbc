package provision

import (
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestDriverRefuses: what Lima's drivers refuse (validateConfig of pkg/driver/vz and pkg/driver/qemu, v2.2.0) is known
// before anything is stopped.
func TestDriverRefuses(t *testing.T) {
	const vz, qemu, arm, x86 = limatype.VZ, limatype.QEMU, limatype.AARCH64, limatype.X8664
	for name, test := range map[string]struct {
		vmType, arch, config, override, goos string
		option                               string // that is refused; empty for none
	}{
		"vz as it comes":          {vz, arm, "", "", "darwin", ""},
		"vz, virtiofs":            {vz, arm, "mountType: virtiofs\n", "", "darwin", ""},
		"vz, reverse-sshfs":       {vz, arm, "mountType: reverse-sshfs\n", "", "darwin", ""},
		"vz, 9p":                  {vz, arm, "mountType: 9p\n", "", "darwin", "mount-type"},
		"vz, 9p by override.yaml": {vz, arm, "mountType: virtiofs\n", "mountType: 9p\n", "darwin", "mount-type"},
		"QEMU on a Mac, 9p":       {qemu, arm, "mountType: 9p\n", "", "darwin", ""},
		"QEMU on a Mac, virtiofs": {qemu, arm, "mountType: virtiofs\n", "", "darwin", "mount-type"},
		"QEMU on Linux, virtiofs": {qemu, arm, "mountType: virtiofs\n", "", "linux", ""},
		"vz, another processor":   {vz, x86, "", "", "darwin", "vm-type"},
		"QEMU, another processor": {qemu, x86, "", "", "darwin", ""},
		"vz, firmware": {vz, arm, "firmware: {images: [{location: /fw, arch: aarch64}]}\n", "", "darwin",
			"profile"},
		"vz, firmware of QEMU": {vz, arm, "firmware: {images: [{location: /fw, arch: aarch64, vmType: qemu}]}\n", "",
			"darwin", ""},
	} {
		read := func(text string) *limatype.LimaYAML {
			config, err := lima.ParseProfile([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			return config
		}
		at := target{vmType: test.vmType, arch: test.arch}
		if test.override != "" {
			at.files = []lima.File{{Path: "/lima/_config/override.yaml", Config: read(test.override)}}
		}
		got := ""
		if refused := at.driverRefuses(read(test.config), test.goos, "arm64"); refused != nil {
			got = refused.Option
		}
		if got != test.option {
			t.Errorf("%s: refused for %q, want %q", name, got, test.option)
		}
	}
}
