package provision_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// TestMain gives all tests one empty home directory, so that some can run side by side.
func TestMain(m *testing.M) {
	if _, err := os.Stat("/dev/shm"); err == nil {
		// in memory: there are many worlds, and what a power cut would leave is not the question
		os.Setenv("TMPDIR", "/dev/shm")
	}
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(home)
	os.Setenv("HOME", home)
	m.Run() // the exit code is taken from it
}

// bench is a Setup on a simulated Lima.
type bench struct {
	*fake.World
	t      *testing.T // nil: the list of its runs is not checked
	spec   provision.Spec
	events []provision.Event
	runner lima.Runner // nil: the World itself
	cargo  *cargo      // nil: the guest has none
	// trustUnits is the Setup's.
	trustUnits func(context.Context, provision.ProjectUnits) error
	chaos      *chaos       // nil: nothing goes wrong but by the World's own faults
	later      atomic.Int64 // by how many nanoseconds the run's clock was put forward
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "ws") // short: it holds UNIX sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &bench{t: t, World: fake.New(fake.Options{LimaHome: dir, Missing: []string{}})}
	t.Cleanup(b.Close)
	b.spec = provision.Spec{Project: t.TempDir(), LimaHome: dir, StateDir: filepath.Join(t.TempDir(), "state"),
		Agent: provision.AgentBuiltin}
	return b
}

func (b *bench) setup() *provision.Setup {
	b.events = nil
	setup := b.second()
	setup.Events = func(event provision.Event) {
		b.events = append(b.events, event)
		if event.Type == provision.EventFinished && b.t != nil {
			checkList(b.t, b.events)
		}
	}
	return setup
}

// second is another setup of the same world, as from another terminal.
func (b *bench) second() *provision.Setup {
	runner := b.runner
	if runner == nil {
		runner = b.World
	}
	enter, folders := b.Guest, vmswap.Folders(nil)
	if b.cargo != nil {
		enter = b.cargo.guest
	}
	if b.chaos != nil {
		runner, enter, folders = b.chaos, b.chaos.guest, chaosFolders{b.chaos}
	}
	return &provision.Setup{
		Spec: b.spec, TrustUnits: b.trustUnits,
		Edges: func(provision.Spec) provision.Edges {
			return provision.Edges{Lima: runner, Guest: enter, Folders: folders, Now: b.now,
				Checks: func(target checks.Target) []checks.Check {
					return []checks.Check{checks.Limactl(target.Lima)}
				}}
		},
	}
}

func (b *bench) now() time.Time { return time.Now().Add(time.Duration(b.later.Load())) }

func (b *bench) run(t *testing.T) error {
	t.Helper()
	_, err := b.setup().Run(t.Context())
	return err
}

func (b *bench) mustRun(t *testing.T) {
	t.Helper()
	if err := b.run(t); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) steps() (ids []provision.StepID) {
	for _, event := range b.events {
		if event.Type == provision.EventStep && event.Step.State == provision.StepRunning {
			ids = append(ids, event.Step.ID)
		}
	}
	return ids
}

// changes are the calls since the last ForgetCalls that may have changed something.
func (b *bench) changes() (verbs []string) {
	for _, call := range b.Calls() {
		if call.Changes() {
			verbs = append(verbs, call.Verb())
		}
	}
	return verbs
}

func wantKind(t *testing.T, err error, kind provision.Kind, words ...string) {
	t.Helper()
	failure, ok := errors.AsType[*provision.Error](err)
	if !ok {
		t.Fatalf("got %v, want an error of kind %q", err, kind)
	}
	text := failure.What + "\n" + failure.Why + "\n" + failure.Next
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in %q", word, text)
		}
	}
	if failure.Kind != kind || failure.What == "" || failure.Next == "" {
		t.Errorf("got %+v, want the kind %q", failure, kind)
	}
}

// TestRerun: a healthy world is only observed, over one fresh connection.
func TestRerun(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	before := b.VM("substrate").Fingerprint()
	b.ForgetCalls()
	b.mustRun(t)
	fresh := 0
	for _, call := range b.Calls() {
		if call.Via == guest.Fresh {
			fresh++
		}
	}
	if changes := b.changes(); len(changes) > 0 || fresh != 1 || len(b.steps()) > 0 {
		t.Errorf("it changed %v over %d fresh connections with the steps %v", changes, fresh, b.steps())
	}
	if after := b.VM("substrate").Fingerprint(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// TestEventsAreInOrder: numbered without gaps, steps that never go back, and one end.
func TestEventsAreInOrder(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	step, finished := 0, 0
	for i, event := range b.events {
		if event.Seq != i+1 || event.Schema != provision.Schema || event.Time.IsZero() {
			t.Errorf("event %d is %+v", i+1, event)
		}
		if event.Type == provision.EventStep && event.Step.State != provision.StepSkipped {
			if event.Step.Number < step {
				t.Errorf("step %d after step %d", event.Step.Number, step)
			}
			step = event.Step.Number
		}
		if event.Type == provision.EventFinished {
			finished = i + 1
		}
	}
	if finished != len(b.events) {
		t.Errorf("the run finished with event %d of %d", finished, len(b.events))
	}
	if log, err := os.ReadFile(provision.LogPath(b.resolved(t))); err != nil ||
		!strings.Contains(string(log), `"finished"`) {
		t.Errorf("the log holds %q, %v", log, err)
	}
}

func (b *bench) resolved(t *testing.T) provision.Spec {
	t.Helper()
	spec, err := b.spec.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestTwoRuns: the second one reports who is at work, and so does a reader, which is not held up.
func TestTwoRuns(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.VM("substrate").Remove(guest.MarkerPath)
	var once sync.Once
	var second, status error
	other := &bench{World: b.World, spec: b.spec}
	b.BeforeGuest = func(name string) error {
		if name == "WriteMarker" {
			once.Do(func() {
				second = other.run(t)
				_, status = other.setup().Status(t.Context())
			})
		}
		return nil
	}
	b.mustRun(t)
	wantKind(t, second, provision.KindBusy, "another run", "process")
	wantKind(t, status, provision.KindBusy, "provisioning in progress", "write the layout marker")
}

// TestInterruptedBoot: what we started is stopped, the state is reported, and the next run carries on.
func TestInterruptedBoot(t *testing.T) {
	b := newBench(t)
	b.Faults.Hang = map[string]bool{"start": true}
	ctx, cancel := context.WithCancelCause(t.Context())
	b.Before = func(args []string) error {
		if slices.Contains(args, "start") {
			time.AfterFunc(10*time.Millisecond, func() { cancel(errors.New("the signal interrupt")) })
		}
		return nil
	}
	_, err := b.setup().Run(ctx)
	wantKind(t, err, provision.KindInterrupted, "the signal interrupt", "was stopped; its disk is kept",
		"it came as far as: ", "again")
	if changes := b.changes(); changes[len(changes)-1] != "stop" {
		t.Errorf("the last change was %v", changes)
	}
	b.Faults.Hang, b.Before = nil, nil
	b.mustRun(t)
	if b.steps()[0] != provision.StepStart {
		t.Errorf("the next run did %v", b.steps())
	}
}

// TestHopelessBoot: a guest whose console reports that nothing more will come is not waited for.
func TestHopelessBoot(t *testing.T) {
	b := newBench(t)
	b.Faults.Hang = map[string]bool{"start": true}
	const last = "[    3.1] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---\n"
	setup := b.setup()
	record := setup.Events
	setup.Events = func(event provision.Event) {
		if record(event); event.Step != nil && strings.HasSuffix(event.Message, `requirement 1 of 2: "ssh"`) {
			_ = os.WriteFile(filepath.Join(b.spec.LimaHome, "substrate", "serial.log"), []byte(last), 0o600)
		}
	}
	_, err := setup.Run(t.Context())
	wantKind(t, err, provision.KindProvisioning, "kernel panicked: ", "Attempted to kill init",
		"was stopped; its disk is kept", "serial*.log")
	b.Faults.Hang = nil
	b.mustRun(t)
}

// TestInterruptedStep: it is not the guest's fault.
func TestInterruptedStep(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.VM("substrate").Remove(guest.MarkerPath)
	ctx, cancel := context.WithCancelCause(t.Context())
	b.BeforeGuest = func(name string) error {
		if name != "WriteMarker" {
			return nil
		}
		cancel(errors.New("SIGTERM was received"))
		return &guest.ConnectionError{Route: guest.Shared, Err: context.Cause(ctx)}
	}
	_, err := b.setup().Run(ctx)
	wantKind(t, err, provision.KindInterrupted,
		"SIGTERM was received; what was done so far is kept, and the VM is left running", "write the layout")
	if strings.Contains(err.Error(), "no way into the guest") {
		t.Error(err)
	}
}

// TestInterruptedWhileBooting: what is booting is stopped, and that is all that is said about it.
func TestInterruptedWhileBooting(t *testing.T) {
	b := newBench(t)
	slow := slowStart{World: b.World, release: make(chan struct{})}
	b.runner = slow
	ctx, cancel := context.WithCancelCause(t.Context())
	b.BeforeGuest = func(name string) error {
		if name != "InstallUnits" {
			return nil
		}
		cancel(errors.New("SIGTERM was received"))
		return &guest.ConnectionError{Route: guest.Shared, Err: context.Cause(ctx)}
	}
	_, err := b.setup().Run(ctx)
	wantKind(t, err, provision.KindInterrupted, "SIGTERM was received; what was done so far is kept", "units")
	if strings.Contains(err.Error(), "left running") {
		t.Error(err)
	}
}

// TestFailedCreate: a VM that never had a disk is taken away again, so that a corrected rerun is not stuck with it.
func TestFailedCreate(t *testing.T) {
	b := newBench(t)
	b.Faults.Fail = map[string]string{"create": "failed to download the image: 404"}
	wantKind(t, b.run(t), provision.KindProvisioning, "create the VM", "404", "removed")
	if b.VM("substrate") != nil {
		t.Error("the incomplete VM is still there")
	}
	b.Faults.Fail = nil
	b.mustRun(t)
}

// TestUnusableLima: each is a prerequisite, reported with a way out, and nothing is changed.
func TestUnusableLima(t *testing.T) {
	for name, test := range map[string]struct {
		result lima.Result
		err    error
		words  string
	}{
		"missing": {lima.Result{}, &lima.NotInstalledError{Name: "limactl", Err: exec.ErrNotFound}, "install"},
		"old":     {lima.Result{Stdout: []byte("limactl version 1.2.3\n")}, nil, "1.2.3"},
		"garbage": {lima.Result{Stdout: []byte("<html>Welcome to the hotel's network</html>\n")}, nil, "limactl"},
		"killed":  {lima.Result{ExitCode: 137}, nil, "killed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.runner = limactl(func(context.Context, lima.Command) (lima.Result, error) {
				return test.result, test.err
			})
			wantKind(t, b.run(t), provision.KindPrerequisite, test.words)
			if changes := b.changes(); len(changes) > 0 {
				t.Errorf("it changed %v", changes)
			}
		})
	}
}

// TestRefusedBeforeAnyChange: bad input that only Lima or a file's content shows.
func TestRefusedBeforeAnyChange(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	script := filepath.Join(t.TempDir(), "agent")
	for path, content := range map[string]string{image: "an image", script: "#!/bin/sh\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		change func(*bench)
		kind   provision.Kind
		words  string
	}{
		"wrong digest": {func(b *bench) {
			b.spec.Image, b.spec.ImageDigest = image, "sha256:"+strings.Repeat("0", 64)
		}, provision.KindUsage, "is not the one that was asked for"},
		"profile refused": {func(
			b *bench) {
			b.Faults.Fail = map[string]string{"validate": "field `mountType` must be"}
		},
			provision.KindUsage, "mountType"},
		"agent a script": {func(b *bench) { b.spec.Agent = script }, provision.KindUsage, "script"},
		"no agent":       {func(b *bench) { b.spec.Agent = "" }, provision.KindPrerequisite, "--agent builtin"},
		"gone already":   {func(*bench) {}, provision.KindInterrupted, "no one reads"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			test.change(b)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if name == "gone already" {
				cancel(errors.New("no one reads the output any more"))
			}
			_, err := b.setup().Run(ctx)
			wantKind(t, err, test.kind, test.words)
			if changes := b.changes(); len(changes) > 0 || len(b.steps()) > 0 {
				t.Errorf("it changed %v with the steps %v", changes, b.steps())
			}
		})
	}
}

// TestPlanAndStatusChangeNothing: neither in the VM nor on the host, whatever they find.
func TestPlanAndStatusChangeNothing(t *testing.T) {
	b := newBench(t)
	if plan, err := b.setup().Plan(t.Context()); err != nil || plan.Steps[0].ID != provision.StepCreate {
		t.Errorf("got %+v, %v", plan, err)
	}
	health, err := b.setup().Status(t.Context())
	wantKind(t, err, provision.KindUnhealthy, "absent")
	if health.Ready || health.Instance != "absent" {
		t.Errorf("got %+v", health)
	}
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("they changed %v", changes)
	}
	if _, err := os.Lstat(b.spec.StateDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state directory: %v", err)
	}
}

// TestOutsider: a world that anyone gets into is not ready, whatever else is right.
func TestOutsider(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.VM("substrate").Chmod(guest.SocketPath, 0o666)
	health, err := b.setup().Status(t.Context())
	wantKind(t, err, provision.KindUnhealthy, "outsider")
	found := slices.ContainsFunc(health.Access, func(a provision.Finding) bool {
		return a.ID == provision.WhoOutsider && a.Outcome == provision.Failed && a.Found == "answered"
	})
	if !found || health.Ready {
		t.Errorf("access %+v", health.Access)
	}
}

// TestDirectoriesThatAreNoVMs: limactl list fails as a whole because of one of them.
func TestDirectoriesThatAreNoVMs(t *testing.T) {
	b := newBench(t)
	b.Faults.Fail = map[string]string{
		"list": "unable to load instance other: open lima.yaml: no such file or directory",
	}
	if plan, err := b.setup().Plan(t.Context()); err != nil || plan.Steps[0].ID != provision.StepCreate {
		t.Errorf("another's: %+v, %v", plan, err)
	}
	ours := filepath.Join(b.spec.LimaHome, "substrate")
	if err := errors.Join(os.Mkdir(ours, 0o700),
		os.WriteFile(filepath.Join(ours, "cidata.iso"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	wantKind(t, b.run(t), provision.KindUnhealthy, ours, "no lima.yaml", "rm -r "+ours)
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("it changed %v", changes)
	}
}

// slowStart is a Lima whose start lets people in long before it ends, as a real one's does.
type slowStart struct {
	*fake.World
	release chan struct{}
}

func (l slowStart) Run(ctx context.Context, command lima.Command) (lima.Result, error) {
	result, err := l.World.Run(ctx, command)
	if slices.Contains(command.Args, "start") {
		select {
		case <-l.release:
		case <-ctx.Done():
			return result, context.Cause(ctx)
		}
	}
	return result, err
}

// TestImageWithThingsOfOurs: what an image comes with is observed before anything is done in a new VM, so that systemd,
// which may know a unit of it, reads the new ones.
func TestImageWithThingsOfOurs(t *testing.T) {
	for _, has := range []bool{false, true} {
		b := newBench(t)
		slow := slowStart{World: b.World, release: make(chan struct{})}
		b.runner = slow
		b.BeforeGuest = func(name string) error {
			switch {
			case name == "new" && has:
				b.VM("substrate").Put(layout.AgentV1.ServicePath(), "[Unit]\n")
			case name == "InstallUnits":
				close(slow.release)
			}
			return nil
		}
		b.mustRun(t)
		var installed []guest.InstallUnits
		for _, call := range b.Calls() {
			if units, ok := call.Change.(guest.InstallUnits); ok {
				installed = append(installed, units)
			}
		}
		if len(installed) != 1 || installed[0].Reload != has {
			t.Errorf("with a unit in the image %v: the units were installed by %+v", has, installed)
		}
	}
}

// TestBootOverlaps: the layout is laid while the VM still boots, and only the marker waits for the end of booting.
func TestBootOverlaps(t *testing.T) {
	b := newBench(t)
	slow := slowStart{World: b.World, release: make(chan struct{})}
	b.runner = slow
	setup := b.setup()
	record := setup.Events
	setup.Events = func(event provision.Event) {
		record(event)
		if event.Type == provision.EventStep && event.Step.ID == provision.StepWaitForBoot &&
			event.Step.State == provision.StepRunning {
			close(slow.release)
		}
	}
	if _, err := setup.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []provision.StepID{
		provision.StepCreate, provision.StepStart, provision.StepDirectories, provision.StepUnits, provision.StepAgent,
		provision.StepActivate, provision.StepWaitForBoot, provision.StepMarker,
	}
	if steps := b.steps(); !slices.Equal(steps, want) {
		t.Errorf("the steps %v, want %v", steps, want)
	}
}

// TestBootOverlapsAnOpenSocket: what is observed while the VM still boots is observed when it is there.
func TestBootOverlapsAnOpenSocket(t *testing.T) {
	b := newBench(t)
	slow := slowStart{World: b.World, release: make(chan struct{})}
	b.runner = slow
	setup := b.setup()
	record := setup.Events
	socket := filepath.Join(b.VMDir("substrate"), "sock", "substrate.sock")
	b.BeforeGuest = func(name string) error {
		if name == "mounts" { // after everything else
			return os.Chmod(socket, 0o666)
		}
		return nil
	}
	setup.Events = func(event provision.Event) {
		record(event)
		if event.Type == provision.EventStep && event.Step.ID == provision.StepWaitForBoot &&
			event.Step.State == provision.StepRunning {
			close(slow.release)
		}
	}
	health, err := setup.Run(t.Context())
	if info, statErr := os.Stat(socket); err != nil || !health.Ready || statErr != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, and the socket is %v after the steps %v", err, statErr, info.Mode(), b.steps())
	}
}
