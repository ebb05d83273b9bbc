// Package demo simulates a machine with a Lima for `worldsetup demo`: the real engine over package fake, with a clock.
//
// The rules are: nothing on this machine is read or changed, but for a temporary directory that is HOME meanwhile.
// Actions take as long as real ones, divided by the speed; they end when the call that they are part of is cancelled.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/finding"
)

// World is a simulated Lima that takes as long as a real one, and the engine over it.
type World struct {
	fake    *fake.World
	spec    provision.Spec
	dir     string
	home    string // the real HOME
	offline bool   // the first installation of packages finds no network
	lacking bool   // this machine lacks a tool
	speed   float64

	closed chan struct{} // closed by Close

	// For pictures, paced has the clock go by what the actions take, however long the machine takes for them; and freeze
	// names what never ends, and stops the clock.
	paced  bool
	freeze string

	mu     sync.Mutex
	booted chan struct{}   // closed when the boot scripts of a new VM may end; nil when they always may
	ctx    context.Context // of the current call: waits end with it
	clock  bool            // actions take time
	begun  time.Time       // when they began to
	gone   time.Duration   // by a clock that is paced
	frozen time.Time       // when the clock was stopped; zero while it runs
}

// New returns a world in the state that a scenario starts with. It changes HOME. Call Close when done.
func New(scenario Scenario, speed float64) (*World, error) {
	// Short, since it holds UNIX sockets, and always of the same length, since pictures show it.
	dir := filepath.Join(os.TempDir(), "demo"+rand.Text()[:6])
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	w := &World{
		dir: dir, home: os.Getenv("HOME"), speed: speed, ctx: context.Background(), closed: make(chan struct{}),
	}
	w.freeze, w.paced = os.LookupEnv("WORLDSETUP_DEMO_FREEZE")
	lima, project := filepath.Join(dir, ".lima"), filepath.Join(dir, "project")
	if err := errors.Join(os.Mkdir(lima, 0o700), os.Mkdir(project, 0o700), os.Setenv("HOME", dir)); err != nil {
		w.Close()
		return nil, err
	}
	w.fake = fake.New(fake.Options{LimaHome: lima, Patience: time.Second})
	w.fake.Delay = w.delay
	w.spec = provision.Spec{
		VM: provision.DefaultVM, Project: project, LimaHome: lima, StateDir: filepath.Join(dir, "state"),
		Agent: provision.AgentBuiltin,
	}
	if err := w.recallRate(); err != nil {
		w.Close()
		return nil, err
	}
	state := w.spec.StateDir
	w.spec.StateDir = filepath.Join(dir, "before") // how long steps took there counts for nothing: it took no time
	scenario.prepare(w)
	w.spec.StateDir = state
	w.startClock()
	return w, nil
}

// startClock has the time run faster from now on. What prepared the world may be looking at it.
func (w *World) startClock() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock, w.begun = true, time.Now()
}

// recallRate has the engine know a download of before, over a line that is fast enough for a demo.
func (w *World) recallRate() error {
	if err := os.Mkdir(w.spec.StateDir, 0o700); err != nil {
		return err
	}
	text := fmt.Appendf(nil, `{"rate":%d}`, imageSize/int64(took["create"]/time.Second))
	return os.WriteFile(filepath.Join(w.spec.StateDir, "durations.json"), text, 0o600)
}

// Spec returns the Spec of the world.
func (w *World) Spec() provision.Spec { return w.spec }

// Settle is how long the wizard ignores keys after a page changed by itself; 0 for its own time, and less for none.
// Scripts, which ask for more speed than anybody could follow, need not wait.
func (w *World) Settle() time.Duration {
	const followed = 20
	if w.speed > followed {
		return -1
	}
	return 0
}

// Close removes the world and restores HOME.
func (w *World) Close() {
	close(w.closed)
	if w.fake != nil {
		w.fake.Close()
	}
	_ = os.Setenv("HOME", w.home)
	_ = os.RemoveAll(w.dir)
}

// setUp sets the world up, in no time.
func (w *World) setUp() {
	_, _ = w.Engine(provision.Setup{Spec: w.spec}).Run(context.Background())
}

// Now returns the time in the simulation, which runs faster by the same factor as all actions.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.clock:
		return time.Now()
	case !w.frozen.IsZero():
		return w.frozen
	case w.paced:
		return w.begun.Add(w.gone)
	}
	return w.begun.Add(time.Duration(float64(time.Since(w.begun)) * w.speed))
}

// stopClock stops the clock and waits for the end of the current call.
func (w *World) stopClock() {
	now := w.Now()
	w.mu.Lock()
	w.frozen = now
	ctx := w.ctx
	w.mu.Unlock()
	<-ctx.Done()
}

// imageSize is how much a new VM's image has, in bytes.
const imageSize = 612 << 20

// took is how long the real actions take; those without an entry are lines of a starting VM's log.
var took = map[string]time.Duration{
	"version": 100 * time.Millisecond, "list": 50 * time.Millisecond, "validate": 200 * time.Millisecond,
	"create": 12 * time.Second, "start": time.Second, "stop": 3 * time.Second, "delete": time.Second,
	"observe": 300 * time.Millisecond, "verify": 600 * time.Millisecond,
	"InstallPackages": 15 * time.Second, "AddToGroup": 500 * time.Millisecond, "MakeDirectories": 300 * time.Millisecond,
	"InstallAgent": 700 * time.Millisecond, "InstallUnits": 800 * time.Millisecond, "EnableLinger": 300 * time.Millisecond,
	"Activate": 2 * time.Second, "WriteMarker": 300 * time.Millisecond,
}

// delay takes the time of an action of the simulation.
func (w *World) delay(action string) {
	if action == "InstallPackages" && w.clock {
		w.fake.VM(w.spec.VM).Change(func(c *fake.Conditions) { c.Offline = w.offline })
		w.offline = false
	}
	w.order(action)
	if w.freeze != "" && w.clock && strings.Contains(action, w.freeze) {
		w.stopClock()
	}
	usual, ok := took[action]
	if !ok {
		usual = 1200 * time.Millisecond
	}
	w.wait(usual)
}

// order keeps an order of what goes on at the same time, which is that of real VMs, and the same on every machine
// however busy it is: the boot scripts of a new VM end after what is installed while they run.
func (w *World) order(action string) {
	if !w.clock {
		return
	}
	w.mu.Lock()
	booted, ctx := w.booted, w.ctx
	switch {
	case action == "create":
		w.booted = make(chan struct{})
	case action == "EnableLinger" && booted != nil: // the last of it
		close(booted)
		w.booted = nil
	}
	w.mu.Unlock()
	if booted != nil && strings.Contains(action, "boot scripts must have finished") {
		select {
		case <-booted:
		case <-ctx.Done():
		}
	}
}

// wait waits for a time, scaled, or until the current call is cancelled.
func (w *World) wait(usual time.Duration) {
	w.mu.Lock()
	ctx, until := w.ctx, w.gone+usual
	w.mu.Unlock()
	if !w.clock {
		return
	}
	select {
	case <-time.After(time.Duration(float64(usual) / w.speed)):
		w.mu.Lock()
		w.gone = max(w.gone, until)
		w.mu.Unlock()
	case <-ctx.Done():
	}
}

// later waits for a time, scaled. It reports whether the world is still there.
func (w *World) later(usual time.Duration) bool {
	select {
	case <-time.After(time.Duration(float64(usual) / w.speed)):
		return true
	case <-w.closed:
		return false
	}
}

// Engine returns the real engine over the simulation.
func (w *World) Engine(setup provision.Setup) *Engine {
	setup.Edges = func(provision.Spec) provision.Edges {
		return provision.Edges{Lima: w.fake, Guest: w.fake.Guest, Now: w.Now, Checks: w.checks}
	}
	return &Engine{w, &setup}
}

// Engine is a provision.Setup that passes the context of each call to the world, whose delays end with it.
type Engine struct {
	world *World
	setup *provision.Setup
}

// with returns the engine for a call with this context.
func (e *Engine) with(ctx context.Context) *provision.Setup {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	e.world.ctx = ctx
	return e.setup
}

func (e *Engine) Run(ctx context.Context) (provision.Health, error) { return e.with(ctx).Run(ctx) }
func (e *Engine) Plan(ctx context.Context) (provision.Plan, error)  { return e.with(ctx).Plan(ctx) }
func (e *Engine) Status(ctx context.Context) (provision.Health, error) {
	return e.with(ctx).Status(ctx)
}
func (e *Engine) Quick(ctx context.Context) (provision.QuickStatus, error) {
	return e.with(ctx).Quick(ctx)
}
func (e *Engine) Restore(ctx context.Context) (provision.Health, error) {
	return e.with(ctx).Restore(ctx)
}
func (e *Engine) Remove(ctx context.Context) error { return e.with(ctx).Remove(ctx) }
func (e *Engine) Start(ctx context.Context) error  { return e.with(ctx).Start(ctx) }
func (e *Engine) Stop(ctx context.Context) error   { return e.with(ctx).Stop(ctx) }
func (e *Engine) Stage(ctx context.Context) (provision.Plan, error) {
	return e.with(ctx).Stage(ctx)
}
func (e *Engine) Find(ctx context.Context) (*provision.Existing, error) {
	return e.with(ctx).Find(ctx)
}
func (e *Engine) PlanRestore(ctx context.Context) (provision.Plan, error) {
	return e.with(ctx).PlanRestore(ctx)
}
func (e *Engine) PlanRemove(ctx context.Context) (provision.Plan, error) {
	return e.with(ctx).PlanRemove(ctx)
}
func (e *Engine) Checks(ctx context.Context) ([]checks.Check, error) { return e.with(ctx).Checks(ctx) }
func (e *Engine) Watch(ctx context.Context, changed func(provision.Health)) error {
	return e.with(ctx).Watch(ctx, changed)
}

// checks returns the prerequisites of a machine that lacks nothing, or one tool.
func (w *World) checks(target checks.Target) (list []checks.Check) {
	for i, ok := range []struct{ id, title, found string }{
		{"host-user", "ordinary user", "sam"},
		{"limactl", "Lima", "2.1.4 (simulated)"},
		{"ssh-client", "ssh client", "OpenSSH 9.6"},
		{"qemu", "QEMU", "8.2.2"},
		{"acceleration", "hardware acceleration", "/dev/kvm"},
		{"lima-home", "Lima's home", "48 GiB free"},
		{"image-host", "download of the image", "it can be downloaded"},
	} {
		if ok.id == "image-host" && len(target.Images) == 0 {
			continue
		}
		check := checks.Check{ID: ok.id, Title: ok.title, Deadline: time.Hour,
			Probe: func(context.Context) checks.Result {
				w.wait(time.Duration(i+1) * 500 * time.Millisecond)
				if ok.id == "qemu" && w.lacking {
					return lackingQEMU
				}
				result := checks.Result{Finding: finding.Finding{Outcome: checks.OK, Found: ok.found}}
				if ok.id == "image-host" {
					result.Size = imageSize
				}
				return result
			}}
		switch ok.id {
		case "qemu":
			check.RunFix = w.install
		case "acceleration":
			check.Requires = []string{"qemu"}
		}
		list = append(list, check)
	}
	return list
}

// lackingQEMU is the finding of the scenario prerequisites.
var lackingQEMU = checks.Result{
	Finding: finding.Finding{
		Outcome: checks.Failed, Found: "QEMU is not installed",
		Why:  `exec: "qemu-system-x86_64": executable file not found in $PATH`,
		Next: "install it: sudo apt-get install qemu-system-x86 qemu-utils ovmf",
	},
	Fix: &checks.FixInfo{Command: []string{"sudo", "apt-get", "install", "-y",
		"qemu-system-x86", "qemu-utils", "ovmf"}},
}

// install simulates the installation of QEMU.
func (w *World) install(_ context.Context, _ []string, emit func(string)) error {
	for _, line := range []string{
		"SIMULATION: nothing is installed", "Reading package lists... Done",
		"Setting up qemu-utils ...", "Setting up qemu-system-x86 ...",
	} {
		emit(line)
		w.wait(time.Second)
	}
	w.lacking = false
	return nil
}
