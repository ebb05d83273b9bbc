package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// demoScenario is a state in which the demo finds a simulated world.
type demoScenario struct {
	name, help string
	prepare    func(*demoWorld)
}

// demoScenarios are all of them; the first is the usual one.
var demoScenarios = []demoScenario{
	{"first-run", "a machine that has everything, and no VM yet", func(*demoWorld) {}},
	{"healthy", "a world that is as it should be", (*demoWorld).settle},
	{"repair", "a world whose agent was removed, and whose socket is open to everybody", func(w *demoWorld) {
		w.settle()
		if vm := w.VM(w.spec.VM); vm != nil {
			vm.Remove(guest.AgentPath)
			vm.Chmod(guest.SocketPath, 0o666)
		}
	}},
	{"replace", "a world that only another VM could be: a disk never shrinks", func(w *demoWorld) {
		w.settle()
		w.spec.Disk = 5 << 30
	}},
	{"kept", "a world that was replaced, with the old VM kept: it can be brought back", func(w *demoWorld) {
		w.settle()
		spec := w.spec
		spec.Replace, spec.KeepOld = w.spec.VM, true
		_, _ = w.engine(provision.Setup{Spec: spec}).Run(context.Background())
	}},
	{"failure", "a first run that loses the network, and its repetition", func(w *demoWorld) { w.offline = true }},
	{"prerequisites", "a machine that lacks a tool, which can be installed", func(w *demoWorld) { w.lacking = true }},
}

// scenarioTable is them as text.
func scenarioTable() string {
	var table strings.Builder
	for _, scenario := range demoScenarios {
		fmt.Fprintf(&table, "  %-13s  %s\n", scenario.name, scenario.help)
	}
	return strings.TrimSuffix(table.String(), "\n")
}
