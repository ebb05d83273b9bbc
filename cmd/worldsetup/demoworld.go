package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
)

// demoWorld is a simulated Lima that takes its time, and the engine over it.
type demoWorld struct {
	*fake.World
	spec    provision.Spec
	dir     string
	home    string // as it was
	offline bool   // the first installation of packages finds no network
	lacking bool   // this machine lacks a tool
	speed   float64

	// freeze is what never ends, and stops the clock: for pictures.
	freeze string

	mu     sync.Mutex
	ctx    context.Context // of the call under way: what is waited for ends with it
	clock  bool            // things take their time
	begun  time.Time       // when they began to
	frozen time.Time       // when the clock was stopped; zero while it goes
}

// newDemoWorld makes a world without VMs in a temporary directory, which is also the home directory meanwhile: the real
// one is neither shown nor looked at.
func newDemoWorld(speed float64) (*demoWorld, error) {
	// Short, since it holds UNIX sockets, and always as long, since pictures show it.
	dir := filepath.Join(os.TempDir(), "demo"+rand.Text()[:6])
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	w := &demoWorld{dir: dir, home: os.Getenv("HOME"), speed: speed, freeze: os.Getenv("WORLDSETUP_DEMO_FREEZE"), ctx: context.Background()}
	lima, project := filepath.Join(dir, ".lima"), filepath.Join(dir, "project")
	if err := errors.Join(os.Mkdir(lima, 0o700), os.Mkdir(project, 0o700), os.Setenv("HOME", dir)); err != nil {
		w.close()
		return nil, err
	}
	w.World = fake.New(fake.Options{LimaHome: lima, Patience: time.Second})
	w.World.Delay = w.delay
	w.spec = provision.Spec{
		VM: provision.DefaultVM, Project: project, LimaHome: lima, StateDir: filepath.Join(dir, "state"), Agent: provision.AgentBuiltin,
	}
	return w, nil
}

func (w *demoWorld) close() {
	if w.World != nil {
		w.World.Close()
	}
	_ = os.Setenv("HOME", w.home)
	_ = os.RemoveAll(w.dir)
}

// settle sets the world up, in no time.
func (w *demoWorld) settle() {
	_, _ = w.engine(provision.Setup{Spec: w.spec}).Run(context.Background())
}

// begin lets things take their time from now on.
func (w *demoWorld) begin() { w.clock, w.begun = true, time.Now() }

// now is the time in the simulation, which goes as much faster as everything does.
func (w *demoWorld) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.clock:
		return time.Now()
	case !w.frozen.IsZero():
		return w.frozen
	}
	return w.begun.Add(time.Duration(float64(time.Since(w.begun)) * w.speed))
}

// stopClock waits for the end of the call under way.
func (w *demoWorld) stopClock() {
	now := w.now()
	w.mu.Lock()
	w.frozen = now
	ctx := w.ctx
	w.mu.Unlock()
	<-ctx.Done()
}

// took is how long the real thing takes; what is not named is a line of a starting VM's log.
var took = map[string]time.Duration{
	"version": 100 * time.Millisecond, "list": 50 * time.Millisecond, "validate": 200 * time.Millisecond, "create": time.Second,
	"start": time.Second, "stop": 3 * time.Second, "edit": time.Second, "delete": time.Second, "shell": 50 * time.Millisecond,
	"observe": 300 * time.Millisecond, "prove": 600 * time.Millisecond, "packages": 15 * time.Second, "group": 500 * time.Millisecond,
	"directories": 300 * time.Millisecond, "agent": 700 * time.Millisecond, "units": 800 * time.Millisecond,
	"linger": 300 * time.Millisecond, "activate": 2 * time.Second, "marker": 300 * time.Millisecond,
}

func (w *demoWorld) delay(what string) {
	if what == "packages" && w.clock {
		w.VM(w.spec.VM).Change(func(c *fake.Conditions) { c.Offline = w.offline })
		w.offline = false
	}
	if w.freeze != "" && w.clock && strings.Contains(what, w.freeze) {
		w.stopClock()
	}
	usual, known := took[what]
	if !known {
		usual = 1200 * time.Millisecond
	}
	w.wait(usual)
}

// wait takes its time, scaled, or until the call under way is cancelled.
func (w *demoWorld) wait(usual time.Duration) {
	w.mu.Lock()
	ctx := w.ctx
	w.mu.Unlock()
	if !w.clock {
		return
	}
	select {
	case <-time.After(time.Duration(float64(usual) / w.speed)):
	case <-ctx.Done():
	}
}

// engine is the real engine over the simulation.
func (w *demoWorld) engine(setup provision.Setup) engine {
	setup.Edges = func(provision.Spec) provision.Edges {
		return provision.Edges{Lima: w.World, Guest: w.Guest, Now: w.now, Checks: w.checks}
	}
	return demoEngine{w, &setup}
}

// demoEngine tells the world whose context its delays have to heed.
type demoEngine struct {
	world *demoWorld
	setup *provision.Setup
}

func (e demoEngine) heeding(ctx context.Context) context.Context {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	e.world.ctx = ctx
	return ctx
}

func (e demoEngine) Run(ctx context.Context) (provision.Health, error) {
	return e.setup.Run(e.heeding(ctx))
}

func (e demoEngine) Plan(ctx context.Context) (provision.Plan, error) {
	return e.setup.Plan(e.heeding(ctx))
}

func (e demoEngine) Status(ctx context.Context) (provision.Health, error) {
	return e.setup.Status(e.heeding(ctx))
}

func (e demoEngine) Restore(ctx context.Context) (provision.Health, error) {
	return e.setup.Restore(e.heeding(ctx))
}

func (e demoEngine) PlanRestore(ctx context.Context) (provision.Plan, error) {
	return e.setup.PlanRestore(e.heeding(ctx))
}

func (e demoEngine) PlanRemove(ctx context.Context) (provision.Plan, error) {
	return e.setup.PlanRemove(e.heeding(ctx))
}

func (e demoEngine) Watch(ctx context.Context, changed func(provision.Health)) error {
	return e.setup.Watch(e.heeding(ctx), changed)
}

func (e demoEngine) Remove(ctx context.Context) error { return e.setup.Remove(e.heeding(ctx)) }
