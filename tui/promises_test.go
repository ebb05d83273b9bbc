package tui

import (
	"fmt"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

// A command to type stands on a line of its own, and is never broken by wrapping: where it is longer than the screen,
// it goes on as a shell reads it.
func TestCommandsAreWhole(t *testing.T) {
	for name, scene := range scenes {
		w := newWizard(t, nil)
		scene(w)
		for _, width := range []int{minWidth, 61, 80, 120} {
			w.resize(width, 60)
			page := w.model.layout().page
			lines := make([]string, len(page.lines))
			for i, line := range page.lines {
				lines[i] = strings.TrimSpace(strings.TrimSuffix(ansi.Strip(line), "(y copies)"))
			}
			joined := strings.ReplaceAll(strings.Join(lines, "\n"), "\\\n", "")
			for _, command := range page.commands {
				if !slices.ContainsFunc(strings.Split(joined, "\n"), func(line string) bool {
					return strings.HasSuffix(line, command)
				}) {
					t.Errorf("%s, %d wide: %q is broken:\n%s", name, width, command, strings.Join(lines, "\n"))
				}
			}
		}
	}
}

func TestLongCommand(t *testing.T) {
	const command = "limactl shell --workdir / substrate sudo grep -rni AuthorizedKeysFile /etc/ssh"
	written := newText(newTheme(true, true, true), 38, 20)
	written.advice("  do    ", "find the setting ("+command+"), and change it")
	want := []string{
		"  do    find the setting", `limactl shell --workdir / substrate \`, `sudo grep -rni AuthorizedKeysFile \`,
		"/etc/ssh",
		"        and change it",
	}
	for i := range written.lines {
		written.lines[i] = ansi.Strip(written.lines[i])
	}
	if !slices.Equal(written.lines, want) {
		t.Errorf("%q", written.lines)
	}
}

// However a command is broken, a shell reads the same words in it: also within quotes, and where there are two spaces.
func TestABrokenCommandIsTheSame(t *testing.T) {
	for _, command := range []string{
		`printf '[%s]' --workdir '/home/ada/a directory  with spaces and a very long name/project' next`,
		`printf '[%s]' "a double quote's \"text\" goes on and on, \\ and on" 'it'"'"'s one word' end`,
		`printf '[%s]' /home/ada/a\ path\ with\ escaped\ spaces\\\ in\ it/and/a/long/part/that/has/none ''`,
		`printf '[%s]' '日本語日本語日本語日本語日本語日本語 日本語日本語日本語'`,
	} {
		var broken []string // at all widths, each followed by the end of a line
		for width := 8; width < len(command); width++ {
			written := newText(newTheme(true, true, true), width, 20)
			written.command("", command)
			for i, line := range written.lines {
				written.lines[i] = ansi.Strip(line)
				if ansi.StringWidth(line) > width {
					t.Errorf("%d wide: %q", width, written.lines[i])
				}
			}
			broken = append(broken, strings.Join(written.lines, "\n"))
		}
		printed, err := exec.Command("sh", "-c", strings.Join(append(broken, command), "\necho\n")).Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(printed), "\n")
		for i, line := range lines {
			if want := lines[len(lines)-1]; line != want {
				t.Errorf("%s\nprints %s, want %s", broken[i], line, want)
			}
		}
		if len(lines) != len(broken)+1 {
			t.Errorf("%d of %d commands were read", len(lines), len(broken)+1)
		}
	}
}

// Every screen of a world with the built-in agent says so, in its first ten lines.
func TestTheProbeIsNamed(t *testing.T) {
	probes := 0
	for name, scene := range scenes {
		for _, size := range [][2]int{{40, 12}, {44, 16}, {80, 24}, {120, 40}} {
			w := newWizard(t, func(o *Options) { o.Banner = "SIMULATION" })
			w.resize(size[0], size[1])
			scene(w)
			if !w.model.facts.probe() {
				continue
			}
			probes++
			lines := strings.Split(w.screen(), "\n")
			if !strings.Contains(strings.Join(lines[:min(10, len(lines))], "\n"), "PROBE") {
				t.Errorf("%s at %v does not name the probe:\n%s", name, size, w.screen())
			}
		}
	}
	if probes < 20 {
		t.Errorf("%d screens only", probes)
	}
}

// What was agreed to is what is ticked off: the same steps with the same numbers, from the plan to the end. What is not
// needed stays in its place, and what comes on top is appended.
func TestTheListIsTheOneThatWasAgreedTo(t *testing.T) {
	steps := []provision.Step{
		{ID: provision.StepCreate, Title: "create the VM", Reason: "there is none", Usual: time.Second},
		{ID: provision.StepStart, Title: "start the VM", Reason: "the VM is new", Usual: 20 * time.Second},
		{ID: provision.StepGroup, Title: "add the user", Reason: "the VM is new", Usual: time.Second,
			Conditional: true},
		{ID: provision.StepUnits, Title: "install the units", Reason: "the VM is new", Usual: time.Second},
		{ID: provision.StepMarker, Title: "write the marker", Reason: "the VM is new", Usual: time.Second},
	}
	for i := range steps {
		steps[i].Number = i + 1
	}
	agreed := provision.Plan{VM: "substrate", Gets: gets, Steps: steps}
	reconnect := provision.Step{ID: provision.StepConnection, Title: "reconnect", Reason: "the group is new",
		Number: 6, Added: true}
	list := func(w *wizard) (titles []string) {
		for line := range strings.Lines(w.screen()) {
			for i, step := range append(slices.Clone(steps), reconnect) {
				if strings.Contains(line, fmt.Sprintf("%d %s", i+1, step.Title)) {
					titles = append(titles, step.Title)
				}
			}
		}
		return titles
	}
	want := []string{"create the VM", "start the VM", "add the user", "install the units", "write the marker"}
	w := newWizard(t, nil)
	w.ends(planning, agreed, nil, nil)
	check := func(when string) {
		t.Helper()
		if got := list(w); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the list is %q, want %q:\n%s", when, got, want, w.screen())
		}
		if w.model.facts.progress.Percent(w.clock) >= 100 {
			t.Errorf("%s: the bar is full before the proof", when)
		}
	}
	check("planned")
	w.press("enter")
	w.emits(time.Second, planned(agreed))
	check("agreed to")
	do := func(step provision.Step) {
		event := stepped(step.Number, step, provision.StepRunning, 0)
		event.Step.Added = step.Added
		w.emits(0, event)
		check("at " + step.Title)
		event = stepped(step.Number, step, provision.StepDone, time.Second)
		event.Step.Added = step.Added
		w.emits(0, event)
	}
	do(steps[0])
	do(steps[1])
	w.emits(0, stepped(3, steps[2], provision.StepSkipped, 0),
		planned(provision.Plan{VM: "substrate", Steps: steps[3:]}))
	check("planned again")
	do(steps[3])
	w.shows("– 3 add the user (not needed)")
	want = append(want, "reconnect")
	do(reconnect)
	w.shows("+6 reconnect", "added: the group is new")
	w.emits(0, planned(provision.Plan{VM: "substrate", Steps: steps[4:]}))
	check("planned a third time")
	do(steps[4])
	w.emits(0, planned(provision.Plan{VM: "substrate"}))
	check("before the proof")
	w.shows("verifying access")
	w.emits(0, provision.Event{Type: provision.EventFinished, Result: &provision.Result{Ready: true}})
	w.ends(running, provision.Plan{}, healthy(), nil)
	if percent := w.model.facts.progress.Percent(w.clock); percent != 100 {
		t.Errorf("proven, and the bar is at %d", percent)
	}
}

// A key that comes just when a page has changed by itself was meant for the page before.
func TestKeysAreIgnoredForAMoment(t *testing.T) {
	w := newWizard(t, nil)
	_, next := w.model.Update(endedMsg{call: planning, now: w.clock, plan: firstPlan})
	if next == nil {
		t.Fatal("the moment never ends")
	}
	w.press("enter", "r", "q")
	if w.model.facts.call != idle || w.model.outcome != nil {
		t.Fatalf("a key did something:\n%s", w.screen())
	}
	w.model.Update(listenMsg{})
	w.press("enter")
	if w.model.facts.call != running {
		t.Error("keys are ignored for ever")
	}
	w.model.Update(endedMsg{call: running, now: w.clock, health: healthy()})
	if w.press("ctrl+c"); w.model.outcome == nil {
		t.Error("ctrl+c was ignored")
	}
}

// A person who looks elsewhere is called when a run ends, and no one else.
func TestAPersonIsCalled(t *testing.T) {
	ends := func(msgs ...tea.Msg) string {
		w := newWizard(t, nil)
		working(w)
		for _, msg := range msgs {
			w.model.Update(msg)
		}
		_, next := w.model.Update(endedMsg{call: running, now: w.clock, health: healthy()})
		said := ""
		var run func(tea.Cmd)
		run = func(command tea.Cmd) {
			if command == nil {
				return
			}
			switch msg := command().(type) {
			case tea.BatchMsg:
				for _, command := range msg {
					run(command)
				}
			case tea.RawMsg:
				said += fmt.Sprint(msg.Msg)
			}
		}
		w.model.options.Settle = time.Millisecond
		run(next)
		return said
	}
	said := ends(tea.BlurMsg{})
	if !strings.Contains(said, "\a") || !strings.Contains(said, "]9;worldsetup: the world is ready") {
		t.Errorf("it says %q", said)
	}
	if said := ends(tea.BlurMsg{}, tea.FocusMsg{}); said != "" {
		t.Errorf("it says %q to a person who looks", said)
	}
	if said := ends(); said != "" {
		t.Errorf("it says %q", said)
	}
}

func TestCopying(t *testing.T) {
	for name, want := range map[string]string{
		"health": "worldsetup shell", "failure": "worldsetup",
		"prerequisites": "brew install lima",
	} {
		w := newWizard(t, nil)
		scenes[name](w)
		command := w.press("y")
		if command == nil || fmt.Sprint(command()) != want {
			t.Errorf("%s: it does not copy %q", name, want)
		}
		w.shows("Copied", want)
	}
}

// A report grows old where a person can see it.
func TestTheReportGrowsOld(t *testing.T) {
	w := newWizard(t, nil)
	scenes["health"](w)
	w.emits(4 * time.Second)
	w.shows("Ready · verified 4 s ago")
	w.emits(3 * time.Minute)
	w.shows("Ready · verified 3 minutes ago; r verifies again")
	w.press("w")
	w.emits(3 * time.Minute)
	if w.shows("Ready · verified 6 minutes ago"); strings.Contains(w.screen(), "r verifies") {
		t.Errorf("a key is named that does nothing now:\n%s", w.screen())
	}
	w.press("w")
	w.ends(watching, provision.Plan{}, nil, stopped)
	if _, next := w.model.Update(tickMsg{w.clock, w.model.ticks - 1}); next != nil {
		t.Error("an old series of ticks goes on")
	}
}

// Our own colours fit the background once it is known; without colours nothing asks for it.
func TestBackground(t *testing.T) {
	seen := map[string]bool{}
	for _, colour := range []grey{0, 0xffff} {
		w := newWizard(t, nil)
		scenes["plan"](w)
		var c tea.BackgroundColorMsg
		c.Color = colour
		w.model.Update(c)
		seen[w.model.View().Content] = true
	}
	if len(seen) != 2 {
		t.Error("it looks the same on both")
	}
}

// grey is a colour of a background.
type grey uint32

func (g grey) RGBA() (r, gr, b, a uint32) { return uint32(g), uint32(g), uint32(g), 0xffff }

// A replacement that was stopped before anything was swapped is rolled back as well, and called so.
func TestStoppedBeforeTheSwap(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan-replace"](w)
	w.press("x")
	w.types("substrate")
	w.press("enter")
	staged := provision.Step{ID: provision.StepReplaceCreate, Title: "create the new VM"}
	undo := provision.Step{ID: provision.StepRollbackRemove, Title: "delete the VM that is not needed"}
	w.emits(0, planned(replacePlan(replaceSteps)), stepped(1, staged, provision.StepFailed, time.Second),
		stepped(4, undo, provision.StepDone, time.Second))
	w.ends(running, provision.Plan{}, nil, stopped)
	w.shows("It was rolled back", "run: stopped", "r check again")
	if strings.Contains(w.screen(), "kept;") {
		t.Errorf("steps are called kept:\n%s", w.screen())
	}
}

// One that was stopped while the VM was out of its place is not.
func TestStoppedWithinTheRollback(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan-replace"](w)
	w.press("x")
	w.types("substrate")
	w.press("enter")
	displace := provision.Step{ID: provision.StepRollbackDisplace, Title: "move the unverified VM out of the way"}
	w.emits(0, planned(replacePlan(replaceSteps)), stepped(4, displace, provision.StepDone, time.Second))
	w.ends(running, provision.Plan{}, nil, stopped)
	if w.shows("r try again"); strings.Contains(w.screen(), "rolled back") {
		t.Errorf("no VM has the name:\n%s", w.screen())
	}
}

// Who asks for another VM is not told that this one is bad.
func TestReplacementOnWish(t *testing.T) {
	w := newWizard(t, nil)
	scenes["health"](w)
	w.press("m", "x")
	wish := replacePlan(replaceSteps)
	wish.Replace = []string{"nothing is wrong with it; a fresh one was asked for"}
	w.ends(planning, wish, nil, nil)
	w.shows("would be replaced, as you asked", "nothing is wrong with it", "x replace it")
	if strings.Contains(w.screen(), "✗") || strings.Contains(w.screen(), "must be") {
		t.Errorf("it looks like a failure:\n%s", w.screen())
	}
}

// What a person wants to know fits a screen of 80x24: the plan of a first run, the run, and both kinds of health.
func TestFitsAScreen(t *testing.T) {
	for _, name := range []string{"health", "unhealthy", "progress", "failure", "replace", "remove", "prerequisites"} {
		w := newWizard(t, nil)
		scenes[name](w)
		if screen := w.screen(); strings.Contains(screen, "↑/↓") {
			t.Errorf("%s has to be scrolled:\n%s", name, screen)
		}
	}
	w := newWizard(t, nil)
	long := firstPlan
	for len(long.Steps) < 12 {
		long.Steps = append(slices.Clone(long.Steps), provision.Step{ID: provision.StepUnits,
			Title: fmt.Sprintf("one of the many steps, number %d", len(long.Steps)), Reason: "the VM is new"})
	}
	w.ends(planning, long, nil, nil)
	if screen := w.screen(); strings.Contains(screen, "↑/↓") {
		t.Errorf("the plan has to be scrolled:\n%s", screen)
	}
	w = newWizard(t, nil)
	w.ends(planning, longReplacement(), nil, nil)
	w.shows("deleted:", "15 steps", " 1 create the new VM", "6-9 step 6; step 7; step 8; step 9", "can't be undone")
	if screen := w.screen(); strings.Contains(screen, "↑/↓") {
		t.Errorf("the replacement has to be scrolled:\n%s", screen)
	}
	w.press("d")
	w.shows("↑/↓")
	w.press("d")
	w.shows("15 remove the old VM")
	health := healthy()
	for len(health.Items) < 26 {
		health.Items = append(health.Items, provision.Item{Finding: provision.Finding{Outcome: provision.OK}})
	}
	for len(health.Access) < 7 {
		health.Access = append(health.Access, health.Access[0])
	}
	w.press("r")
	w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
	w.ends(verifying, provision.Plan{}, health, nil)
	if screen := w.screen(); strings.Contains(screen, "↑/↓") {
		t.Errorf("the health has to be scrolled:\n%s", screen)
	}
}

// longReplacement is the plan of a replacement as it is of a real VM.
func longReplacement() provision.Plan {
	var steps []provision.Step
	add := func(usual time.Duration, id provision.StepID, title string) *provision.Step {
		steps = append(steps, provision.Step{Number: len(steps) + 1, ID: id, Title: title, Reason: "it is replaced",
			Usual: usual})
		return &steps[len(steps)-1]
	}
	add(2*time.Minute, provision.StepReplaceCreate, "create the new VM beside the old one")
	add(3*time.Second, provision.StepReplaceStop, "stop the old VM").Interrupts = true
	add(time.Second, provision.StepReplaceBackup, "rename the old VM to its backup")
	add(time.Second, provision.StepReplacePlace, "give the new VM its name")
	add(20*time.Second, provision.StepStart, "start the VM")
	for len(steps) < 9 {
		add(time.Second, provision.StepUnits, fmt.Sprintf("step %d", len(steps)+1))
	}
	add(15*time.Second, provision.StepPackages, "install packages in the guest")
	add(time.Second, provision.StepAgent, "install the agent")
	add(2*time.Second, provision.StepActivate, "start the agent and wait for its answer")
	add(10*time.Second, provision.StepWaitForBoot, "wait for the VM to finish booting")
	add(time.Second, provision.StepMarker, "write the layout marker")
	add(time.Second, provision.StepReplaceRemove, "remove the old VM").Destroys = true
	return replacePlan(steps)
}

// The worst reports of health fit as well: what is wrong, and one command, come before what is fine.
func TestBadHealthFitsAScreen(t *testing.T) {
	const command = "limactl shell --workdir / substrate sudo gpasswd -d mallory substrate"
	w := newWizard(t, nil)
	scenes["not-ready"](w)
	w.shows("Now", command, "mallory can reach the socket", "Access", "5 of 6 as expected", "Checks")
	if screen := w.screen(); strings.Contains(screen, "↑/↓") || strings.Count(screen, command) > 1 {
		t.Errorf("it does not fit, or says things twice:\n%s", screen)
	}
}

// However much is wrong, what to do comes within the first screen.
func TestMuchThatIsWrongFitsAScreen(t *testing.T) {
	fits := func(w *wizard, texts ...string) {
		t.Helper()
		w.shows(texts...)
		if screen := w.screen(); strings.Contains(screen, "↑/↓") {
			t.Errorf("it has to be scrolled:\n%s", screen)
		}
	}
	w := newWizard(t, nil)
	w.press("r")
	w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
	health := intruded()
	for i := range 8 {
		one := health.Items[len(health.Items)-1]
		one.Title, one.Next = fmt.Sprintf("thing %d", i), fmt.Sprintf("sudo repair %d", i)
		health.Items = append(health.Items, one)
	}
	w.ends(verifying, provision.Plan{}, health, &provision.Error{Kind: provision.KindUnhealthy, What: "not ready",
		Next: health.Items[2].Next})
	fits(w, "gpasswd -d mallory", "more (enter shows them)", "Socket", "Checks")
	w.press("enter")
	w.shows("thing 2", "↑/↓")

	w = newWizard(t, nil)
	scenes["plan"](w)
	w.press("enter")
	w.emits(0, planned(firstPlan), stepped(1, firstPlan.Steps[0], provision.StepFailed, time.Second))
	w.ends(running, provision.Plan{}, nil, &provision.Error{Kind: provision.KindProvisioning, What: "the step failed",
		Why: strings.Repeat("a line of what a tool said\n", 40), Next: "sudo repair"})
	fits(w, "a line of what a tool said", "d shows all of it", "sudo repair", "r try again")
	w.press("d")
	w.shows("↑/↓")

	w = newWizard(t, nil)
	for i := range 5 {
		check := provision.CheckResult{Finding: provision.Finding{ID: fmt.Sprint("c", i), Title: fmt.Sprint("check ", i),
			Outcome: provision.Failed, Found: "it is missing", Why: strings.Repeat("a long reason ", 12),
			Next: fmt.Sprintf("install it: sudo apt-get install c%d;\n%s", i, strings.Repeat("or do it so\n", 4))}}
		w.emits(0, provision.Event{Type: provision.EventCheck, Check: &check})
	}
	w.ends(planning, provision.Plan{}, nil, missing)
	fits(w, "apt-get install c0", "apt-get install c4")
}

// The plan says how much has to be downloaded, and for how long.
func TestTheDownloadIsPartOfThePlan(t *testing.T) {
	plan, known := firstPlan, *gets
	plan.Gets = &known
	known.Download, known.DownloadSize, known.DownloadTime = true, 612<<20, 128*time.Second
	w := newWizard(t, nil)
	w.ends(planning, plan, nil, nil)
	w.shows("612 MiB, about 2 min 10 s")
}

// A no is not an error, and looks like none.
func TestANoIsNoError(t *testing.T) {
	w := newWizard(t, nil)
	w.press("enter")
	scenes["plan"](w)
	w.press("enter", "ctrl+c", "y")
	w.ends(running, provision.Plan{}, nil, stopped)
	w.shows("Stopped. Nothing was changed.", "run: stopped")
	if screen := w.screen(); strings.Contains(screen, "✗") || strings.Contains(screen, "error") {
		t.Errorf("it looks like an error:\n%s", screen)
	}
}

// What is pasted is text for a field, and nothing else: on no page does it act like keys, not even where it holds them.
func TestPastingDoesNothing(t *testing.T) {
	for name, scene := range scenes {
		w := newWizard(t, nil)
		scene(w)
		call, outcome, page := w.model.facts.call, w.model.outcome, w.model.front().title()
		for _, text := range []string{"\r", "y", "q\rsubstrate\r", "substrate\n", "\x03", "x"} {
			w.model.Update(tea.PasteMsg{Content: text})
		}
		if w.model.facts.call != call || w.model.outcome != outcome || w.model.front().title() != page {
			t.Errorf("%s: a paste did something:\n%s", name, w.screen())
		}
	}
}

// Every page can be suspended, but for a question, which takes no other keys than its answers.
func TestSuspending(t *testing.T) {
	for name, scene := range scenes {
		w := newWizard(t, nil)
		scene(w)
		command := w.press("ctrl+z")
		suspends := false
		if command != nil {
			_, suspends = command().(tea.SuspendMsg)
		}
		_, asks := w.model.front().(question)
		if suspends == asks {
			t.Errorf("%s: it suspends: %v:\n%s", name, suspends, w.screen())
		}
	}
}
