package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// script is an engine that a test programs.
type script struct {
	run    func(context.Context) (provision.Health, error)
	plan   provision.Plan
	health provision.Health
	err    error
}

func (s script) Run(ctx context.Context) (provision.Health, error) { return s.run(ctx) }
func (s script) Plan(context.Context) (provision.Plan, error)      { return s.plan, s.err }
func (s script) Status(context.Context) (provision.Health, error)  { return s.health, s.err }
func (s script) Quick(context.Context) (provision.QuickStatus, error) {
	return provision.QuickStatus{Schema: provision.Schema, VM: "w", Answers: s.err == nil,
		Error: provision.AsError(s.err)}, s.err
}
func (s script) Restore(context.Context) (provision.Health, error) { return s.health, s.err }
func (s script) Checks(context.Context) ([]checks.Check, error)    { return nil, s.err }
func (s script) Remove(context.Context) error                      { return s.err }

func (s script) Start(context.Context) error { return s.err }
func (s script) Stop(context.Context) error  { return s.err }

func (s script) Stage(context.Context) (provision.Plan, error) { return provision.Plan{}, s.err }

func (s script) Find(context.Context) (*provision.Existing, error)   { return s.plan.Existing, s.err }
func (s script) PlanRestore(context.Context) (provision.Plan, error) { return s.plan, nil }
func (s script) PlanRemove(context.Context) (provision.Plan, error)  { return s.plan, nil }

// Watch reports a run, then the health.
func (s script) Watch(_ context.Context, changed func(provision.Health)) error {
	changed(provision.Health{Run: &provision.RunInfo{PID: 7}})
	changed(s.health)
	return s.err
}

// call runs the command with such an engine.
func call(t *testing.T, make func(events func(provision.Event)) script, args ...string) (code int, stdout,
	stderr string) {
	t.Helper()
	var out, err strings.Builder
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	maker := func(setup provision.Setup) engine { return make(setup.Events) }
	code = runWith(ctx, cancel, maker, append(args, t.TempDir()),
		streams{Out: &out, Err: &err, Getenv: func(string) string { return "" }})
	return code, out.String(), err.String()
}

func TestStatus(t *testing.T) {
	unhealthy := &provision.Error{Kind: provision.KindUnhealthy, What: "the world is not ready", Next: "run worldsetup"}
	engine := script{health: provision.Health{Schema: provision.Schema, VM: "w", Instance: "absent"}, err: unhealthy}
	code, stdout, stderr := call(t, func(func(provision.Event)) script { return engine }, "status")
	if code != 6 || !strings.HasPrefix(stdout, "x w: not ready - no VM\n") ||
		!strings.HasPrefix(stderr, "error: the world is not ready\n") {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
	code, stdout, _ = call(t, func(func(provision.Event)) script { return engine }, "status", "--json")
	var health provision.Health
	if err := json.Unmarshal([]byte(stdout), &health); code != 6 || err != nil || health.VM != "w" {
		t.Errorf("%d %v\n%s", code, err, stdout)
	}
}

func TestStatusWatch(t *testing.T) {
	ended := &provision.Error{Kind: provision.KindInterrupted, What: "the watch has ended",
		Next: "see worldsetup status"}
	engine := script{err: ended, health: provision.Health{Items: []provision.Item{
		{Finding: provision.Finding{ID: "linger", Title: "linger", Outcome: provision.OK}},
		{Finding: provision.Finding{ID: "socket", Title: "socket", Outcome: provision.Failed, Found: "it is\nmissing"}},
	}, Access: []provision.Finding{{ID: provision.WhoRoot, Title: "root in the guest", Outcome: provision.Failed,
		Found: "refused"}}}}
	code, stdout, _ := call(t, func(func(provision.Event)) script { return engine }, "status", "--watch")
	want := "00:00:00 provisioning in progress: process 7\n" +
		"00:00:00 not ready: socket: it is; missing; root in the guest: refused\n"
	if code != 130 || stdout != want {
		t.Errorf("%d\n%s", code, stdout)
	}
	engine.health = provision.Health{Ready: true}
	if _, stdout, _ = call(t, func(func(provision.Event)) script { return engine }, "status",
		"--watch"); !strings.HasSuffix(stdout, "00:00:00 ready\n") {
		t.Error(stdout)
	}
}

// patient is an engine whose watch ends with its context.
type patient struct{ script }

func (p patient) Watch(ctx context.Context, changed func(provision.Health)) error {
	changed(p.health)
	<-ctx.Done()
	return &provision.Error{Kind: provision.KindInterrupted, What: "the watch has ended"}
}

// TestWatchTimeout: --timeout ends a watch, which then tells by its exit code how the world is.
func TestWatchTimeout(t *testing.T) {
	for ready, want := range map[bool]int{true: 0, false: 6} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			health := provision.Health{Schema: provision.Schema, Ready: ready, VM: "substrate"}
			maker := func(provision.Setup) engine { return patient{script{health: health}} }
			began := time.Now()
			code := runWith(ctx, cancel, maker, []string{"status", "--watch", "--timeout", "90s", os.TempDir()},
				streams{Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }})
			if took := time.Since(began); code != want || took != 90*time.Second {
				t.Errorf("ready=%v: exit code %d after %v", ready, code, took)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	step := provision.Step{ID: provision.StepStart, Title: "start the VM", Reason: "it does not run"}
	blocked := &provision.Error{Kind: provision.KindPrerequisite, What: "there is no agent", Next: "--agent FILE"}
	tests := []struct {
		name   string
		plan   provision.Plan
		code   int
		stdout string
	}{
		{"empty", provision.Plan{VM: "w"}, 0, "plan: nothing to change\n"},
		{"steps", provision.Plan{VM: "w", Steps: []provision.Step{step}}, 0,
			"plan: 1 step for the VM w\n   1. start the VM: it does not run\n"},
		{"replace", provision.Plan{VM: "w", Replace: []string{"its disk has 40GiB"}}, 4,
			"plan: none; the VM w would have to be replaced:\n  - its disk has 40GiB\n"},
		{"blocked", provision.Plan{VM: "w", Blocked: blocked}, 3, "plan: not possible: there is no agent\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			engine := func(func(provision.Event)) script { return script{plan: test.plan} }
			code, stdout, stderr := call(t, engine, "plan")
			if code != test.code || !strings.HasPrefix(stdout, "VM w: no VM\n"+test.stdout+"settings:\n") ||
				(stderr == "") != (code == 0) {
				t.Errorf("%d\n%s\n%s", code, stdout, stderr)
			}
			code, stdout, _ = call(t, engine, "plan", "--json")
			var object planObject
			if err := json.Unmarshal([]byte(stdout), &object); err != nil || code != test.code ||
				object.Schema != provision.Schema || object.VM != "w" {
				t.Errorf("%d %v\n%s", code, err, stdout)
			}
			if strings.Contains(stdout, "null") {
				t.Errorf("a list that is null: %s", stdout)
			}
		})
	}
}

func TestAsksForJSON(t *testing.T) {
	tests := map[string]bool{
		"": false, "--json": true, "plan --json": true, "--json=true": true, "--json=1": true,
		"--json --json=false": false,
		"-- --json":           false, "--jsonx": false, "--bogus --json -- x": true,
	}
	for args, want := range tests {
		if asksForJSON(strings.Fields(args)) != want {
			t.Errorf("%q: not %v", args, want)
		}
	}
}

// A panic would exit with Go's 2, which means a usage error here.
func TestPanicIsAnInternalError(t *testing.T) {
	engine := func(events func(provision.Event)) script {
		return script{run: func(context.Context) (provision.Health, error) {
			events(provision.Event{Schema: 1, Seq: 1, Type: provision.EventStarted})
			panic("out of cheese")
		}}
	}
	code, stdout, stderr := call(t, engine, "--json")
	if code != 1 || !strings.Contains(stderr, "out of cheese") || !strings.Contains(stdout, `"seq":2`) ||
		!strings.Contains(stdout, `"type":"finished"`) {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
}

// closed is an output without a reader from some write on.
type closed struct{ after int }

func (c *closed) Write(p []byte) (int, error) {
	if c.after--; c.after < 0 {
		return 0, syscall.EPIPE
	}
	return len(p), nil
}

// The engine's context ends with the first event that is not read: nothing was changed by then.
func TestUnreadOutputCancels(t *testing.T) {
	for _, args := range [][]string{{}, {"--json"}} {
		var stderr strings.Builder
		ctx, cancel := context.WithCancelCause(t.Context())
		maker := func(setup provision.Setup) engine {
			events := setup.Events
			return script{run: func(context.Context) (provision.Health, error) {
				events(provision.Event{Schema: 1, Seq: 1, Type: provision.EventStarted, Message: "hello"})
				return provision.Health{}, &provision.Error{Kind: provision.KindInterrupted, What: "stopped",
					Why: context.Cause(ctx).Error()}
			}}
		}
		code := runWith(ctx, cancel, maker, append(args, t.TempDir()),
			streams{Out: &closed{}, Err: &stderr, Getenv: os.Getenv})
		if code != 130 || !strings.Contains(stderr.String(), "the reader of the output has gone") {
			t.Errorf("%v: %d\n%s", args, code, stderr.String())
		}
	}
}

// A run that worked, with a result that was not read, is not a success.
func TestUnreadResult(t *testing.T) {
	var stderr strings.Builder
	maker := func(provision.Setup) engine { return script{plan: provision.Plan{VM: "w"}} }
	code := runWith(t.Context(), func(error) {}, maker, []string{"plan", t.TempDir()},
		streams{Out: &closed{}, Err: &stderr, Getenv: os.Getenv})
	if code != 130 {
		t.Errorf("%d\n%s", code, stderr.String())
	}
}

func TestSignals(t *testing.T) {
	tests := []struct {
		name    string
		signals []os.Signal
		pause   time.Duration // between them
		cause   string
		insists bool
	}{
		{"Ctrl-C", []os.Signal{syscall.SIGINT}, 0, "SIGINT (Ctrl-C) was received", false},
		{"supervisor", []os.Signal{syscall.SIGTERM}, 0, "SIGTERM was received", false},
		{"terminal closed", []os.Signal{syscall.SIGHUP}, 0, "SIGHUP (the terminal was closed) was received", false},
		{"terminal closed, sent twice", []os.Signal{syscall.SIGHUP, syscall.SIGHUP}, insistAfter,
			"SIGHUP (the terminal was closed) was received", false},
		{"twice", []os.Signal{syscall.SIGTERM, syscall.SIGINT}, insistAfter, "SIGTERM was received", true},
		// timeout(1) does this, and a run was abandoned halfway by it.
		{"the same request, sent twice", []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, insistAfter / 2,
			"SIGTERM was received", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				signals, insists := make(chan os.Signal), make(chan struct{})
				go handle(signals, cancel, insists)
				for _, signal := range test.signals {
					signals <- signal
					time.Sleep(test.pause)
				}
				close(signals)
				synctest.Wait()
				if cause := context.Cause(ctx); cause == nil || cause.Error() != test.cause {
					t.Errorf("cause %v", cause)
				}
				select {
				case <-insists:
					if !test.insists {
						t.Error("taken for insisting")
					}
				default:
					if test.insists {
						t.Error("not taken for insisting")
					}
				}
			})
		})
	}
}

// A real signal reaches the run, and SIGPIPE does not kill.
func TestSignalsOfThisProcess(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	_, stop := onSignals(cancel)
	defer stop()
	for _, signal := range []syscall.Signal{syscall.SIGPIPE, syscall.SIGTERM} {
		if err := syscall.Kill(os.Getpid(), signal); err != nil {
			t.Fatal(err)
		}
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); cause.Error() != "SIGTERM was received" {
		t.Error(cause)
	}
}

func TestErrorsWithoutWordsAreInternal(t *testing.T) {
	engine := func(func(provision.Event)) script { return script{err: errors.New("odd")} }
	if code, _, stderr := call(t, engine, "status"); code != 1 || !strings.Contains(stderr, "odd") {
		t.Errorf("%d\n%s", code, stderr)
	}
}
