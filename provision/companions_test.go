package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// The report shows what is there, what was left out, and what is not of a file of this project; only what differs is
// wrong.
func TestCompanionsAreReported(t *testing.T) {
	target, state := healthyTarget(), healthyState(t)
	withGateway(&target)
	target.leftOut = []Rejected{{Path: filepath.Join("/p", "bin/substrate"), Why: "it is a Mach-O file"}}
	state.Guest.Files["/usr/local/bin/substrate"] = guest.File{Type: "regular file", Mode: "755"}
	health := Health{}
	health.reportCompanions(target, state.Guest)
	if len(health.Items) != 2 || health.Items[0].Outcome != Failed || health.Items[1].Outcome != Info ||
		!strings.Contains(health.Items[1].Found, "Mach-O") || !strings.Contains(health.Items[1].Found,
		"/usr/local/bin/substrate was not installed from this project") {
		t.Errorf("%+v", health.Items)
	}
	state.Guest.Files["/usr/local/bin/substrate-gateway"] = guest.File{Type: "regular file", Mode: "755",
		Owner: "root", Group: "root", SHA256: "2"}
	health = Health{}
	if health.reportCompanions(target, state.Guest); health.Items[0].Outcome != OK {
		t.Errorf("%+v", health.Items)
	}
}

// A gateway that is not there, or can't be run, is a warning that says what fails and what to type.
func TestGatewayIsMissed(t *testing.T) {
	for name, test := range map[string]struct {
		file      *guest.File
		spec      Spec
		buildable bool
		words     []string
	}{
		"missing": {nil, Spec{VM: "substrate", Project: "/p"}, false,
			[]string{"is missing", "world gateway ...` fails", "/p/bin/linux/substrate-gateway"}},
		"to be built": {nil, Spec{VM: "dev"}, true, []string{"worldsetup --vm dev --companions build"}},
		"not to be": {nil, Spec{VM: "substrate", SkipGuestBuild: true}, true,
			[]string{"--skip-guest-build=false --companions build"}},
		"not executable": {&guest.File{Type: "regular file", Mode: "644", Owner: "root", Group: "root"},
			Spec{VM: "substrate"}, false, []string{"mode 0644", "fails"}},
	} {
		target, state := healthyTarget(), healthyState(t)
		target.spec = test.spec
		if test.buildable {
			target.spec.Project = gatewayWorkspace(t)
		}
		if test.file != nil {
			state.Guest.Files["/usr/local/bin/substrate-gateway"] = *test.file
		}
		var health Health
		health.reportCompanions(target, state.Guest)
		if len(health.Items) != 1 || health.Items[0].Outcome != Warning || len(health.Wrong()) > 0 {
			t.Fatalf("%s: %+v", name, health.Items)
		}
		for _, words := range test.words {
			if text := health.Items[0].Found + "\n" + health.Items[0].Next; !strings.Contains(text, words) {
				t.Errorf("%s: %q is not in %q", name, words, text)
			}
		}
	}
}

// gatewayWorkspace returns a project that the gateway can be built from.
func gatewayWorkspace(t *testing.T) (project string) {
	t.Helper()
	project = t.TempDir()
	for name, text := range map[string]string{
		"Cargo.toml": "[package]\nname = \"substrate-gateway\"\n",
		"Cargo.lock": "version = 4\n[[package]]\nname = \"substrate-gateway\"\n",
	} {
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return project
}
