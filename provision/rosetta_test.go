package provision

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const withRosetta = "vmOpts:\n  vz:\n    rosetta:\n      enabled: true\n      binfmt: true\n"

// TestRosettaLost: it is lost where a VM on Apple silicon is to have it, and the Mac lacks it.
func TestRosettaLost(t *testing.T) {
	for name, test := range map[string]struct {
		vmType, arch, config string
		has, lost            bool
	}{
		"lost":              {limatype.VZ, limatype.AARCH64, withRosetta, false, true},
		"there":             {limatype.VZ, limatype.AARCH64, withRosetta, true, false},
		"not asked for":     {limatype.VZ, limatype.AARCH64, "cpus: 2\n", false, false},
		"of an Intel Mac":   {limatype.VZ, limatype.X8664, withRosetta, false, false},
		"of QEMU":           {limatype.QEMU, limatype.AARCH64, withRosetta, false, false},
		"no configuration":  {limatype.VZ, limatype.AARCH64, "", false, false},
		"not to be read":    {limatype.VZ, limatype.AARCH64, "\x00", false, false},
		"turned off before": {limatype.VZ, limatype.AARCH64, "vmOpts: {vz: {rosetta: {enabled: false}}}\n", false, false},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "lima.yaml"), []byte(test.config), 0o600); err != nil {
			t.Fatal(err)
		}
		of := target{vmType: test.vmType, arch: test.arch, rosetta: test.has}
		instance := &limatype.Instance{Name: "w", Dir: dir}
		if lost := of.rosettaLost(instance); lost != test.lost {
			t.Errorf("%s: %v", name, lost)
		}
		if refused := needsRosetta(State{Instance: instance, RosettaLost: test.lost}); (refused != nil) != test.lost {
			t.Errorf("%s: a start is refused: %v", name, refused)
		}
	}
}

// TestRosettaOfNewVMs: a new VM on Apple silicon has what the Mac has, whatever a profile asks for; no other has it.
func TestRosettaOfNewVMs(t *testing.T) {
	for name, test := range map[string]struct {
		vmType, arch, text string
		has, want          bool
	}{
		"Apple silicon":              {limatype.VZ, limatype.AARCH64, "", true, true},
		"Apple silicon, without":     {limatype.VZ, limatype.AARCH64, "", false, false},
		"a profile asks for it":      {limatype.VZ, limatype.AARCH64, withRosetta, false, false},
		"an Intel Mac":               {limatype.VZ, limatype.X8664, "", true, false},
		"QEMU on Apple silicon":      {limatype.QEMU, limatype.AARCH64, "", true, false},
		"a profile turns it off":     {limatype.VZ, limatype.AARCH64, "rosetta: {enabled: false}\n", true, true},
		"the older way of asking it": {limatype.VZ, limatype.AARCH64, "rosetta: {enabled: true}\n", false, false},
	} {
		at := healthyTarget()
		at.vmType, at.arch, at.rosetta = test.vmType, test.arch, test.has
		at.text = append([]byte(test.text), embed.Profile()...)
		var err error
		if at.profile, err = lima.ParseProfile(at.text); err != nil {
			t.Fatal(err)
		}
		text, err := at.newProfile()
		if err != nil || lima.RosettaOn(text) != test.want {
			t.Errorf("%s: %v in\n%s", name, err, text)
		}
	}
}
