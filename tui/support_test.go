package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// wizard is a model under test: its engine is the test itself, and its clock goes when the test says so.
type wizard struct {
	t     *testing.T
	model *model
	clock time.Time
	seq   int
}

func newWizard(t *testing.T, change func(*Options)) *wizard {
	t.Helper()
	w := &wizard{t: t, clock: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	options := Options{
		Engine: func(func(provision.Event)) Engine { panic("the model called the engine by itself") },
		VM:     "substrate", LogPath: "/home/ada/.local/state/worldsetup/substrate-1234abcd.log", UTF8: true,
		Now: func() time.Time { return w.clock },
	}
	if change != nil {
		change(&options)
	}
	w.model = newModel(t.Context(), options)
	w.model.Init()
	w.resize(80, 24)
	return w
}

func (w *wizard) resize(width, height int) {
	w.model.Update(tea.WindowSizeMsg{Width: width, Height: height})
}

// press presses keys and returns what the last one asks for.
func (w *wizard) press(keys ...string) (asked tea.Cmd) {
	for _, key := range keys {
		_, asked = w.model.Update(keyPress(key))
	}
	return asked
}

func keyPress(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"home": tea.KeyHome, "end": tea.KeyEnd, "tab": tea.KeyTab, "backspace": tea.KeyBackspace,
	}
	if code, known := codes[name]; known {
		return tea.KeyPressMsg{Code: code}
	}
	if letter, ctrl := strings.CutPrefix(name, "ctrl+"); ctrl {
		return tea.KeyPressMsg{Code: []rune(letter)[0], Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// tells has the engine tell events, and time pass until the next beat.
func (w *wizard) tells(after time.Duration, events ...provision.Event) {
	for _, event := range events {
		w.seq++
		event.Seq, event.Time = w.seq, w.clock
		w.model.worker.mailbox.put(event)
	}
	w.clock = w.clock.Add(after)
	w.model.Update(tickMsg{w.clock})
}

// ends has the engine end the call that it was asked for, which must be what.
func (w *wizard) ends(what call, plan provision.Plan, health *provision.Health, err *provision.Error) {
	w.t.Helper()
	if w.model.facts.doing != what {
		w.t.Fatalf("the engine was asked for %d, want %d; the screen:\n%s", w.model.facts.doing, what, w.screen())
	}
	w.model.Update(endedMsg{call: what, now: w.clock, plan: plan, health: health, err: err})
}

func (w *wizard) screen() string { return ansi.Strip(w.model.View().Content) }

// shows wants texts on the screen, wherever lines break.
func (w *wizard) shows(texts ...string) {
	w.t.Helper()
	screen := w.screen()
	flat := strings.Join(strings.Fields(screen), " ")
	for _, text := range texts {
		if !strings.Contains(flat, text) {
			w.t.Errorf("there is no %q on\n%s", text, screen)
		}
	}
}

func checked(outcome checks.Outcome, title, found string, problem *checks.Problem) provision.Event {
	return provision.Event{Type: provision.EventCheck, Check: &checks.Result{Title: title, Outcome: outcome, Found: found, Problem: problem}}
}

func stepped(number int, step provision.Step, state provision.StepState, elapsed time.Duration) provision.Event {
	return provision.Event{Type: provision.EventStep, Step: &provision.StepStatus{
		Number: number, Of: 3, ID: step.ID, Title: step.Title, Reason: step.Reason, Usual: step.Usual, State: state, Elapsed: elapsed,
	}}
}

func said(line string) provision.Event {
	return provision.Event{Type: provision.EventLog, Message: line, Step: &provision.StepStatus{Number: 2}}
}

func planned(plan provision.Plan) provision.Event {
	return provision.Event{Type: provision.EventPlan, Plan: &plan}
}

var firstPlan = provision.Plan{VM: "substrate", Steps: []provision.Step{
	{ID: provision.StepCreate, Title: "create the VM", Reason: "there is no VM called substrate", Usual: time.Second},
	{ID: provision.StepStart, Title: "start the VM", Reason: "it is new", Usual: 20 * time.Second},
	{ID: provision.StepPackages, Title: "install packages in the guest", Reason: "the VM is new", Usual: 15 * time.Second, Conditional: true},
}}

var repairPlan = provision.Plan{VM: "substrate", Unseen: true, Steps: []provision.Step{
	{ID: provision.StepStop, Title: "stop the VM", Reason: "the mount /src is lost", Usual: 3 * time.Second, Interrupts: true},
}}

func healthy() *provision.Health {
	return &provision.Health{
		Schema: provision.Schema, VM: "substrate", Ready: true, Instance: "running",
		Socket: provision.Socket{
			Path: "/run/substrate.sock", Type: "socket", Owner: "root", Group: "substrate", Mode: "0660",
			Members: []string{"ada", "grace"}, Host: "/home/ada/.lima/substrate/sock/substrate.sock",
		},
		Access: []provision.Access{
			{Who: provision.WhoUser, Want: "answered", Found: "answered", Outcome: provision.OK, Took: 21 * time.Millisecond},
			{Who: provision.WhoRoot, Want: "answered", Found: "answered", Outcome: provision.OK, Took: 9 * time.Millisecond},
			{Who: provision.WhoOutsider, Want: "refused", Found: "refused", Outcome: provision.OK},
			{Who: provision.WhoHost, Want: "answered", Found: "answered", Outcome: provision.OK, Took: 16 * time.Millisecond},
		},
		Agent: provision.AgentInfo{SHA256: strings.Repeat("0123456789abcdef", 4), Probe: true, Version: "v1", Backend: "world-agent", Platform: "linux", Features: []string{"probe"}},
		Items: []provision.Item{
			{ID: "linger", Title: "linger", Outcome: provision.OK, Found: "on"},
			{ID: "disk", Title: "disk of the guest", Outcome: provision.Warning, Want: "under 85 % used", Found: "91 % used, 1.8 GiB free", Remedy: "worldsetup --disk SIZE"},
		},
	}
}

func unhealthy() *provision.Health {
	health := healthy()
	health.Ready, health.Drift = false, repairPlan
	health.Access[2].Found, health.Access[2].Outcome, health.Access[2].Remedy = "answered", provision.Failed, "worldsetup"
	return health
}

var (
	missing = &provision.Error{Kind: provision.KindPrerequisite, What: "Lima is not installed", Why: "there is no limactl in PATH", Next: "brew install lima"}
	broken  = &provision.Error{
		Kind: provision.KindProvisioning, What: `the step "start the VM" failed`, Why: "limactl exited with 1:\nhost agent process has exited: signal: killed",
		Next: "see /home/ada/.lima/substrate/ha.stderr.log, then run worldsetup again",
	}
	notReady = &provision.Error{Kind: provision.KindUnhealthy, What: "the world in the VM substrate is not ready", Next: "run worldsetup, which cures what it can"}
	stopped  = &provision.Error{Kind: provision.KindInterrupted, What: `the run was interrupted during the step "start the VM"`, Why: "it was stopped from the keyboard", Next: "run worldsetup again", Err: context.Canceled}
)

// The scenes are the ways to each screen.
var scenes = map[string]func(*wizard){
	"checking": func(w *wizard) {
		w.tells(3*time.Second, checked(checks.OK, "Lima", "2.1.4", nil), checked(checks.Omitted, "virtualization", "macOS only", nil))
	},
	"prerequisites": func(w *wizard) {
		w.tells(time.Second, checked(checks.OK, "ssh client", "OpenSSH 9.6", nil),
			checked(checks.Failed, "Lima", "not installed", &checks.Problem{What: "Lima is not installed", Why: "there is no limactl in PATH", Next: "brew install lima"}),
			checked(checks.Skipped, "QEMU", "waits for Lima", nil))
		w.ends(planning, provision.Plan{}, nil, missing)
	},
	"plan": func(w *wizard) {
		w.tells(time.Second, checked(checks.Warning, "free space", "21 GiB", &checks.Problem{Why: "the plan needs 20 GiB", Next: "make room"}))
		w.ends(planning, firstPlan, nil, nil)
	},
	"plan-interrupts": func(w *wizard) { w.ends(planning, repairPlan, nil, nil) },
	"plan-replace": func(w *wizard) {
		w.ends(planning, provision.Plan{VM: "substrate", Replace: []string{"its processor is aarch64, and x86_64 was asked for"}}, nil, nil)
	},
	"plan-blocked": func(w *wizard) {
		w.ends(planning, provision.Plan{VM: "substrate", Blocked: &provision.Error{Kind: provision.KindUsage, What: "there is no agent to install", Next: "give one: --agent FILE"}}, nil, nil)
	},
	"progress": atWork,
	"stop":     func(w *wizard) { atWork(w); w.press("ctrl+c") },
	"stopping": func(w *wizard) { atWork(w); w.press("ctrl+c", "y") },
	"stopped":  func(w *wizard) { atWork(w); w.press("ctrl+c", "y"); w.ends(running, provision.Plan{}, nil, stopped) },
	"log": func(w *wizard) {
		atWork(w)
		for i := range 30 {
			w.tells(0, said("kernel line "+strings.Repeat("x", i*4)))
		}
		w.press("l")
	},
	"search": func(w *wizard) {
		atWork(w)
		w.tells(0, said("here it is"))
		w.press("l", "/", "i", "s", " ", "s", "enter", "/")
		for range 50 {
			w.press("x")
		}
	},
	"help": func(w *wizard) { atWork(w); w.press("?") },
	"failure": func(w *wizard) {
		atWork(w)
		w.tells(0, stepped(2, firstPlan.Steps[1], provision.StepFailed, 12*time.Second))
		w.ends(running, provision.Plan{}, nil, broken)
	},
	"proving": func(w *wizard) { w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil); w.tells(2 * time.Second) },
	"health": func(w *wizard) {
		w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
		w.ends(proving, provision.Plan{}, healthy(), nil)
	},
	"unhealthy": func(w *wizard) {
		w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
		w.ends(proving, provision.Plan{}, unhealthy(), notReady)
	},
}

func atWork(w *wizard) {
	w.ends(planning, firstPlan, nil, nil)
	w.press("enter")
	w.tells(time.Second, checked(checks.OK, "Lima", "2.1.4", nil), planned(firstPlan), stepped(1, firstPlan.Steps[0], provision.StepRunning, 0))
	w.tells(0, stepped(1, firstPlan.Steps[0], provision.StepDone, 900*time.Millisecond))
	w.tells(12*time.Second, stepped(2, firstPlan.Steps[1], provision.StepRunning, 0), said("The essential requirement 1 of 2 is satisfied"))
}
