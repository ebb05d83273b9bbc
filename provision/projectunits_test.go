package provision_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// The units of a project, with the lines that the contract needs.
const (
	broughtService = "[Service]\nType=simple\nRestart=always\nExecStart=/usr/local/bin/substrate-world-service\n" +
		"Environment=\"A=${SUBSTRATE_NEW}\" HOME=${SUBSTRATE_GUEST_HOME}\n${WORLD_NETFILTER_ENV}\nGroup=substrate\n" +
		"NoNewPrivileges=yes\nProtectSystem=strict\n[Install]\nWantedBy=multi-user.target\n"
	broughtSocket = "[Unit]\nPartOf=substrate-world-service.service\n[Socket]\nListenStream=/run/substrate.sock\n" +
		"SocketMode=0660\nSocketGroup=substrate\nRemoveOnStop=yes\n[Install]\nWantedBy=sockets.target\n"
	servicePlace = "scripts/mac/lima/units/substrate-world-service.service.tmpl"
	socketPlace  = "scripts/mac/lima/units/substrate-world-service.socket"
)

// withUnits is a bench whose project brings units, which are trusted by their digests.
func withUnits(t *testing.T) (b *bench, trusted map[string]bool) {
	t.Helper()
	b, trusted = newBench(t), map[string]bool{}
	b.spec.Layout = layout.StagedV2.Name
	b.write(t, servicePlace, broughtService)
	b.write(t, socketPlace, broughtSocket)
	b.trustUnits = func(_ context.Context, units provision.ProjectUnits) error {
		if !trusted[units.Digest] {
			return provision.UntrustedUnits(units, "")
		}
		return nil
	}
	return b, trusted
}

// TestProjectUnits: a project's units are installed byte for byte once they are trusted, and again when they have
// changed.
func TestProjectUnits(t *testing.T) {
	b, trusted := withUnits(t)
	wantKind(t, b.run(t), provision.KindUsage, "not trusted yet", servicePlace, "PartOf=", "worldsetup trust ")
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("it changed %v", changes)
	}
	plan, err := b.setup().Plan(t.Context())
	if err != nil || plan.Units == nil || len(plan.Units.Warnings) != 1 || !slices.Equal(plan.Units.Empty,
		[]string{"SUBSTRATE_NEW (substrate-world-service.service.tmpl:5)"}) {
		t.Fatalf("%v, %+v", err, plan.Units)
	}
	trusted[plan.Units.Digest] = true
	b.spec.Netfilter = provision.On
	b.mustRun(t)
	want := strings.NewReplacer("${SUBSTRATE_NEW}", "", "${SUBSTRATE_GUEST_HOME}", "/home/sam.guest/.substrate",
		"${WORLD_NETFILTER_ENV}", "Environment=WORLD_NETFILTER_ENABLE=1").Replace(broughtService)
	vm := b.VM(provision.DefaultVM)
	if service, socket := vm.Text(layout.StagedV2.ServicePath()), vm.Text(layout.StagedV2.SocketPath()); service != want ||
		socket != broughtSocket {
		t.Errorf("the units are\n%s%s", service, socket)
	}
	b.spec.Netfilter = provision.Unset
	if b.mustRun(t); len(b.steps()) > 0 {
		t.Errorf("again: the steps were %v", b.steps())
	}
	if item := b.health(t, "project-units"); item.Outcome != provision.Warning ||
		!strings.Contains(item.Found, "PartOf=") {
		t.Errorf("%+v", item)
	}

	b.write(t, socketPlace, broughtSocket+"# changed\n")
	health, err := b.setup().Status(t.Context())
	if err == nil || health.Ready {
		t.Errorf("changed: %v", err)
	}
	wantKind(t, b.run(t), provision.KindUsage, "not trusted yet")
	trusted[health.Drift.Units.Digest] = true
	b.events = nil
	if b.mustRun(t); !slices.Contains(b.steps(), provision.StepUnits) {
		t.Errorf("changed: the steps were %v", b.steps())
	}
}

// TestProjectUnitsAreRefused: what can't be used is said before anything is changed, and a world that has worked goes
// on.
func TestProjectUnitsAreRefused(t *testing.T) {
	b, _ := withUnits(t)
	b.trustUnits = func(context.Context, provision.ProjectUnits) error { return nil }
	b.write(t, socketPlace, strings.Replace(broughtSocket, "0660", "0666", 1))
	wantKind(t, b.run(t), provision.KindUsage, "substrate-world-service.socket:5", "must not reach", "SocketMode=0660")
	if plan, err := b.setup().Plan(t.Context()); err != nil || plan.Blocked == nil || plan.Units.Fault == nil {
		t.Errorf("%v, %+v", err, plan)
	}
	if err := os.Remove(filepath.Join(b.spec.Project, socketPlace)); err != nil {
		t.Fatal(err)
	}
	wantKind(t, b.run(t), provision.KindUsage, socketPlace, "it is missing")
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("it changed %v", changes)
	}

	b.write(t, socketPlace, broughtSocket)
	b.mustRun(t)
	b.write(t, servicePlace, strings.Replace(broughtService, "/usr/local/bin/substrate-world-service", "/bin/sh", 1))
	b.ForgetCalls()
	wantKind(t, b.run(t), provision.KindUsage, "service.tmpl:4", "breaks the contract")
	if len(b.steps()) > 0 {
		t.Errorf("the steps were %v", b.steps())
	}
}

// TestProjectUnitsOfOthers: a generation without templates has worldsetup's own, whatever the project has.
func TestProjectUnitsOfOthers(t *testing.T) {
	b, _ := withUnits(t)
	b.spec.Layout = layout.ServiceV1.Name
	b.mustRun(t)
	if text := b.VM(provision.DefaultVM).Text(layout.ServiceV1.SocketPath()); strings.Contains(text, "PartOf") {
		t.Errorf("the socket is\n%s", text)
	}
}
