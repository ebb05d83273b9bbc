package demo

import (
	"context"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Scenario is a state of a simulated world that the demo starts with.
type Scenario struct {
	Name, Help string
	prepare    func(*World)
}

// Scenarios are all scenarios; the first is the default.
var Scenarios = []Scenario{
	{"first-run", "a machine with all prerequisites, and no VM yet", func(*World) {}},
	{"healthy", "a healthy world", (*World).setUp},
	{"repair", "a world without its agent, and with a socket that is open to all users", func(w *World) {
		w.setUp()
		if vm := w.fake.VM(w.spec.VM); vm != nil {
			vm.Remove(layout.AgentV1.Agent())
			vm.Chmod(guest.SocketPath, 0o666)
		}
	}},
	{"replace", "a world that must be replaced: a disk never shrinks", func(w *World) {
		w.setUp()
		w.spec.Disk = 5 << 30
	}},
	{"kept", "a world that was replaced, with the old VM kept, which can be restored", func(w *World) {
		w.setUp()
		spec := w.spec
		spec.Replace, spec.KeepOld = w.spec.VM, true
		_, _ = w.Engine(provision.Setup{Spec: spec}).Run(context.Background())
	}},
	{"foreign", "a VM of that name that worldsetup did not make", func(w *World) {
		client := lima.Client{Runner: w.fake}
		_ = client.Create(context.Background(), w.spec.VM, []byte("images:\n- location: /image\n"), nil)
		_ = client.Start(context.Background(), w.spec.VM, nil)
	}},
	{"failure", "a first run that loses the network, and its repetition", func(w *World) { w.offline = true }},
	{"prerequisites", "a machine that lacks a tool, which can be installed", func(w *World) { w.lacking = true }},
}
