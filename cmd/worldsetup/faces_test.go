package main

import (
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// number puts what every event has into a sequence of them.
func number(events []provision.Event) []provision.Event {
	start := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	for i := range events {
		events[i].Schema, events[i].Seq, events[i].Time = provision.Schema, i+1, start.Add(time.Duration(i)*time.Second)
	}
	return events
}

func planned(plan provision.Plan) provision.Event {
	return provision.Event{Type: provision.EventPlan, Plan: &plan}
}

func checked(finding provision.Finding) provision.Event {
	return provision.Event{Type: provision.EventCheck, Check: &checks.Result{Finding: finding}}
}

func stepped(kind provision.EventType, message string, status provision.StepStatus) provision.Event {
	return provision.Event{Type: kind, Message: message, Step: &status}
}

func finished(result provision.Result) provision.Event {
	return provision.Event{Type: provision.EventFinished, Result: &result}
}

// healthy returns the report of a healthy world.
func healthy() provision.Health {
	answered := func(who provision.Who, title string, took time.Duration) provision.Finding {
		return provision.Finding{ID: who, Title: title, Outcome: provision.OK, Want: "answered", Found: "answered",
			Elapsed: took}
	}
	return provision.Health{
		Schema: provision.Schema, VM: "substrate", Time: time.Date(2026, 3, 14, 9, 28, 0, 0, time.UTC), Ready: true,
		Instance: "running",
		Socket: provision.Socket{
			Path: "/run/substrate.sock", Type: "socket", Owner: "root", Group: "substrate", Mode: "0660",
			Reach: []provision.Reach{{Who: "ada", How: "in the group substrate", Expected: true}},
			Host:  "/home/ada/.lima/substrate/sock/substrate.sock",
		},
		Access: []provision.Finding{
			answered(provision.WhoUser, "the user, on a fresh connection", 21*time.Millisecond),
			answered(provision.WhoRoot, "root in the guest", 9*time.Millisecond),
			{ID: provision.WhoOutsider, Title: "a user outside the group", Want: "refused", Found: "refused",
				Outcome: provision.OK},
			answered(provision.WhoShared, "the user, on Lima's shared connection", 312*time.Millisecond),
			answered(provision.WhoClient, "the host, through a socket of its own", 18*time.Millisecond),
			answered(provision.WhoHost, "the host, through Lima's socket", 16*time.Millisecond),
		},
		Agent: provision.AgentInfo{
			SHA256: strings.Repeat("0123456789abcdef", 4), Version: "v1", Backend: "world-agent", Platform: "linux",
			Features: []string{"execute", "doctor"},
		},
		Items: []provision.Item{
			{Finding: provision.Finding{ID: "instance", Title: "VM", Outcome: provision.OK, Want: "running",
				Found: "running"}},
			{Finding: provision.Finding{ID: "clock", Title: "clock of the guest", Outcome: provision.OK,
				Want: "within 2s of the host's", Found: "+0.1 s from the host's"}},
		},
		Drift: provision.Plan{VM: "substrate", Steps: []provision.Step{}},
	}
}

// firstRun returns the events of a run from nothing to a verified world.
func firstRun() []provision.Event {
	start := provision.StepStatus{
		Number: 2, Of: 3, ID: provision.StepStart, Title: "start the VM", Reason: "it is new", Usual: 20 * time.Second,
		State: provision.StepRunning,
	}
	silent, done := start, start
	silent.Elapsed = 10 * time.Second
	done.State, done.Elapsed = provision.StepDone, 112*time.Second
	create := provision.StepStatus{Number: 1, Of: 3, ID: provision.StepCreate, Title: "create the VM",
		Reason: "there is no VM called substrate", State: provision.StepRunning}
	created := create
	created.State, created.Elapsed = provision.StepDone, 412*time.Millisecond
	plan := provision.Plan{VM: "substrate", Steps: []provision.Step{
		{ID: provision.StepCreate, Title: "create the VM",
			Reason: "there is no VM called substrate", Usual: time.Second},
		{ID: provision.StepStart, Title: "start the VM", Reason: "it is new", Usual: 20 * time.Second},
		{ID: provision.StepPackages, Title: "install packages in the guest", Reason: "the VM is new",
			Usual: 75 * time.Second, Conditional: true},
	}}
	health := healthy()
	return number([]provision.Event{
		{Type: provision.EventStarted, Message: "the VM substrate with the project /home/ada/Grüße"},
		checked(provision.Finding{ID: "limactl", Title: "Lima", Outcome: checks.OK, Found: "2.1.4",
			Elapsed: 50 * time.Millisecond}),
		checked(provision.Finding{ID: "rosetta", Title: "Rosetta", Outcome: checks.Omitted, Found: "this is no Mac"}),
		checked(provision.Finding{ID: "acceleration", Title: "hardware acceleration", Outcome: checks.Info,
			Found: "software emulation"}),
		planned(plan),
		stepped(provision.EventStep, "", create),
		stepped(provision.EventStep, "", created),
		stepped(provision.EventStep, "", start),
		stepped(provision.EventLog, "Starting the instance \"substrate\" with internal VM driver \"qemu\"", start),
		stepped(provision.EventLog,
			"\x1b[32mgreen\x1b[0m \x1b]0;title\x07and\a \u009b1mbold, 10%\r99% of \u202eGrüße\x00", start),
		stepped(provision.EventLog, "two\nready: a line of its own", start),
		stepped(provision.EventHeartbeat, "", silent),
		stepped(provision.EventStep, "", done),
		planned(provision.Plan{VM: "substrate", Steps: []provision.Step{}}),
		{Type: provision.EventHealth, Health: &health},
		finished(provision.Result{Ready: true, Changed: true, Steps: 2, Elapsed: 114 * time.Second}),
	})
}

// failingRun ends in a step.
func failingRun() []provision.Event {
	failure := &provision.Error{
		Kind: provision.KindProvisioning, What: "the packages could not be installed",
		Why:  "E: Unable to locate package fuse3\nE: no network",
		Next: "connect the machine to the network, then run worldsetup again",
	}
	stop := provision.Step{ID: provision.StepStop, Title: "stop the VM", Reason: "the mount /src is lost",
		Usual: 3 * time.Second, Interrupts: true}
	step := provision.StepStatus{Number: 1, Of: 1, ID: provision.StepPackages, Title: "install packages in the guest",
		State: provision.StepRunning}
	failed := step
	failed.State, failed.Elapsed, failed.Error = provision.StepFailed, 61*time.Minute, failure
	return number([]provision.Event{
		{Type: provision.EventStarted, Message: "the VM substrate with the project /home/ada/project"},
		checked(provision.Finding{ID: "space", Title: "free space", Outcome: checks.Warning,
			Found: "21 GiB", Why: "the plan needs 20 GiB", Next: "make room"}),
		checked(provision.Finding{ID: "ssh", Title: "ssh", Outcome: checks.OK, Found: "OpenSSH 9.2"}),
		planned(provision.Plan{VM: "substrate", Steps: []provision.Step{stop}, Unseen: true}),
		stepped(provision.EventStep, "", step),
		stepped(provision.EventStep, "", failed),
		finished(provision.Result{Changed: true, Steps: 0, Elapsed: 62 * time.Minute, Error: failure}),
	})
}

// unhealthyRun finds nothing to change and a world that is not ready.
func unhealthyRun() []provision.Event {
	health := healthy()
	health.Ready = false
	health.Agent = provision.AgentInfo{SHA256: health.Agent.SHA256, Probe: true}
	outsider := &health.Access[2]
	outsider.Outcome, outsider.Found = provision.Failed, "answered"
	outsider.Next = "see its log: limactl shell …"
	health.Items = append(health.Items, provision.Item{Finding: provision.Finding{
		ID: "disk", Title: "disk of the guest", Outcome: provision.Warning, Want: "under 85 % used",
		Found: "91 % used, 1.8 GiB free", Next: "worldsetup --disk SIZE",
	}})
	health.Drift.Steps = []provision.Step{{ID: provision.StepUnits, Title: "install and enable the systemd units",
		Reason: "the socket unit has another mode"}}
	failure := &provision.Error{Kind: provision.KindUnhealthy, What: "the world in the VM substrate is not ready",
		Next: "run worldsetup"}
	return number([]provision.Event{
		{Type: provision.EventStarted, Message: "the VM substrate with the project /home/ada/project"},
		planned(provision.Plan{VM: "substrate", Steps: []provision.Step{}}),
		{Type: provision.EventHealth, Health: &health},
		finished(provision.Result{Elapsed: 4 * time.Second, Error: failure}),
	})
}

func TestFaces(t *testing.T) {
	runs := map[string][]provision.Event{"first-run": firstRun(), "failing": failingRun(), "unhealthy": unhealthyRun()}
	for name, events := range runs {
		var plain, json strings.Builder
		faces := map[*strings.Builder]face{&plain: newPlainFace(newLines(&plain, false)), &json: &jsonFace{out: &json}}
		for out, face := range faces {
			for _, event := range events {
				face.show(event)
			}
			if i := strings.IndexFunc(out.String(),
				func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
				t.Errorf("%s: %q in the output", name, out.String()[i:i+1])
			}
		}
		golden(t, "testdata/faces/"+name+".plain.golden", plain.String())
		golden(t, "testdata/faces/"+name+".json.golden", json.String())
	}
}

func TestPrintError(t *testing.T) {
	var out strings.Builder
	printError(newLines(&out, false), &provision.Error{What: "it\nbroke", Why: "first \x1b[1mcause\n\nsecond cause\n",
		Next: "do\nthis"})
	want := "error: it\n       broke\n  why: first cause\n\n       second cause\n  next: do\n        this\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestHuman(t *testing.T) {
	tests := map[time.Duration]string{
		0: "0s", 16300 * time.Microsecond: "16ms", 1234 * time.Millisecond: "1.2s", 42400 * time.Millisecond: "42s",
		90 * time.Second: "1m30s", 61*time.Minute + 40*time.Second: "1h02m", 59*time.Minute +
			59900*time.Millisecond: "1h00m",
	}
	for duration, want := range tests {
		if got := plaintext.Duration(duration); got != want {
			t.Errorf("plaintext.Duration(%v) = %s, want %s", duration, got, want)
		}
	}
}
