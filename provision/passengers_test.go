package provision

import (
	"debug/elf"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Passengers come from the agent's places, in the same order; what could not run is told of and left out.
func TestFindPassengers(t *testing.T) {
	project, content := t.TempDir(), newProgram(elf.EM_X86_64).bytes()
	put(t, project, "bin/substrate-gateway", []byte("\xcf\xfa\xed\xfe of a Mac"))
	gateway := put(t, project, "target/debug/substrate-gateway", content)
	put(t, project, "target/release/substrate", newProgram(elf.EM_AARCH64).bytes())

	found, left := findPassengers(project, limatype.X8664)
	if len(found) != 1 || found[0].name != "substrate-gateway" || found[0].path != gateway || found[0].sha256 != sum(content) {
		t.Errorf("found %+v", found)
	}
	if len(left) != 2 || !strings.Contains(left[0].Why, "Mach-O") || !strings.Contains(left[1].Why, "aarch64") {
		t.Errorf("left out %+v", left)
	}
	if found, left := findPassengers(t.TempDir(), limatype.X8664); found != nil || left != nil {
		t.Errorf("of nothing: %v, %v", found, left)
	}
}

// The report shows what is there, what was left out, and what is somebody's own; only what differs is wrong.
func TestPassengersAreReported(t *testing.T) {
	target, state := healthyTarget(), healthyState(t)
	withGateway(&target)
	target.left = []Rejected{{Path: filepath.Join("/p", "bin/substrate"), Why: "it is a Mach-O file"}}
	state.Guest.Files["/usr/local/bin/substrate"] = guest.File{Type: "regular file", Mode: "755"}
	health := Health{}
	health.passengers(target, state.Guest)
	if len(health.Items) != 2 || health.Items[0].Outcome != Failed || health.Items[1].Outcome != Info ||
		!strings.Contains(health.Items[1].Found, "Mach-O") || !strings.Contains(health.Items[1].Found, "/usr/local/bin/substrate is not from this project") {
		t.Errorf("%+v", health.Items)
	}
	state.Guest.Files["/usr/local/bin/substrate-gateway"] = guest.File{Type: "regular file", Mode: "755", Owner: "root", Group: "root", SHA256: "2"}
	health = Health{}
	if health.passengers(target, state.Guest); health.Items[0].Outcome != OK {
		t.Errorf("%+v", health.Items)
	}
}

func TestPassengersExplained(t *testing.T) {
	project := t.TempDir()
	put(t, project, "bin/substrate", newProgram(elf.EM_X86_64).bytes())
	put(t, project, "bin/substrate-gateway", []byte("#!/bin/sh\n"))
	target := target{spec: Spec{Project: project}, arch: limatype.X8664}
	target.passengers, target.left = findPassengers(project, target.arch)
	var lines []string
	for _, one := range target.passengerCandidates() {
		lines = append(lines, strings.TrimPrefix(one.From, project+"/")+": "+one.Why)
	}
	text := strings.Join(lines, "\n")
	for _, words := range []string{"bin/substrate-gateway: it is a script", "substrate-gateway: the project has none", "bin/substrate: installed beside the agent"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is not in\n%s", words, text)
		}
	}
}
