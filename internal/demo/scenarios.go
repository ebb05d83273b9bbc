package demo

import (
	"context"
	"errors"
	"time"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/fake"
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
	{"not-ready", "a world that only a person can repair: a stranger is in the socket's group", func(w *World) {
		w.setUp()
		if vm := w.fake.VM(w.spec.VM); vm != nil {
			vm.Change(func(c *fake.Conditions) { c.Intruder = "mallory" })
		}
	}},
	{"upgrade", "a healthy world with an older agent than the one that is offered", func(w *World) {
		w.setUp()
		if vm := w.fake.VM(w.spec.VM); vm != nil {
			vm.Put(layout.AgentV1.Agent(), "#!/bin/sh\n# an older agent\n")
			vm.Chmod(layout.AgentV1.Agent(), 0o755)
		}
	}},
	{"no-agent", "a project that has no agent for the world", func(w *World) { w.spec.Agent = "" }},
	{"busy", "a world that another run is about to repair", (*World).occupy},
	{"watch", "a healthy world, whose socket is opened and closed again while you watch it (w)", (*World).meddle},
	{"failure", "a first run that loses the network, and its repetition", func(w *World) { w.offline = true }},
	{"prerequisites", "a machine that lacks a tool, which can be installed", func(w *World) { w.lacking = true }},
}

// occupy has another run wait for its consent to a repair, and be refused it in the end.
func (w *World) occupy() {
	w.setUp()
	if vm := w.fake.VM(w.spec.VM); vm != nil {
		vm.Remove(layout.AgentV1.Agent())
	}
	asked := make(chan struct{})
	other := w.Engine(provision.Setup{Spec: w.spec, Approve: func(context.Context, provision.Plan) error {
		close(asked)
		w.later(80 * time.Second)
		return errors.New("it was refused")
	}})
	go crash.Guard(func() { _, _ = other.setup.Run(context.Background()) })()
	<-asked
}

// meddle opens the socket to all users after a while, and closes it again, and so on.
func (w *World) meddle() {
	w.setUp()
	go crash.Guard(func() {
		for mode := uint32(0o666); w.later(40 * time.Second); mode ^= 0o006 {
			if vm := w.fake.VM(w.spec.VM); vm != nil && vm.HasFile(guest.SocketPath) {
				vm.Chmod(guest.SocketPath, mode)
			}
		}
	})()
}
