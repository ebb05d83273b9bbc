package checks

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// A requirement that is misspelt, or stands behind what requires it, would never be waited for.
func TestList(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, check := range List(Target{VM: VM{Name: "substrate"}, VMType: limatype.QEMU, Arch: limatype.X8664,
		Starts: true}) {
		if !kebab.MatchString(check.ID) || seen[check.ID] {
			t.Errorf("the id %q is not in kebab case, or not the only one", check.ID)
		}
		if check.Title == "" || check.Probe == nil {
			t.Errorf("%s has no title or no probe", check.ID)
		}
		for _, id := range check.Requires {
			if !seen[id] {
				t.Errorf("%s requires %s, and no check before it has that id", check.ID, id)
			}
		}
		seen[check.ID] = true
	}
}

func TestListApplicability(t *testing.T) {
	for _, test := range []struct {
		target Target
		id     string
		why    string
	}{
		{Target{VMType: limatype.QEMU}, "qemu", "the VM is running"},
		{Target{VMType: limatype.QEMU}, "acceleration", "the VM is running"},
		{Target{VMType: limatype.VZ}, "virtualization", "the VM is running"},
		{Target{VMType: limatype.VZ, Starts: true}, "qemu", "the VM's type is vz"},
		{Target{VMType: limatype.VZ, Starts: true}, "acceleration", "QEMU on Linux only"},
		{Target{Unlisted: true, Images: []string{"https://host/i"}}, "image-host", "Lima can't list its VMs"},
		{Target{VMType: limatype.QEMU, Arch: limatype.X8664, Starts: true, Firmware: Firmware{LegacyBIOS: true}},
			"firmware", "the VM boots by QEMU's own BIOS"},
		{Target{VMType: limatype.QEMU, Starts: true, Firmware: Firmware{Own: true}}, "firmware",
			"the VM has its own, or its profile names one"},
		{Target{VMType: limatype.VZ, Starts: true}, "firmware", "the VM's type is vz"},
		{Target{Unlisted: true}, "memory", "Lima can't list its VMs"},
		{Target{Unlisted: true}, "agent", "Lima can't list its VMs"},
		{Target{NoHome: true}, "home-directory", "it is not mounted in the VM"},
	} {
		for _, check := range List(test.target) {
			if check.ID != test.id {
				continue
			}
			if result := Run(t.Context(), []Check{check}, nil)[0]; result.Outcome != Omitted ||
				result.Found != test.why {
				t.Errorf("%+v: %s is %s (%s), want omitted (%s)", test.target, test.id,
					result.Outcome, result.Found, test.why)
			}
		}
	}
}

// Programs without a terminal use this package: what draws on one must not come with it, not even indirectly.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		if strings.HasPrefix(path, "charm.land/") || strings.HasSuffix(path, "/worldsetup/tui") ||
			strings.HasSuffix(path, "/worldsetup/provision") {
			t.Errorf("checks imports %s", path)
		}
	}
}
