package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
)

// Play plays s in w and returns how the result differs from the expected one.
// The rules are: the report before the run names the damage; the steps are exactly the expected ones; a world that ends
// ready stays ready, and a rerun has nothing to do; and a run that fails does so for the expected reason, after which
// the world can be repaired.
func Play(w World, s Scenario) error {
	usual := usual
	usual.Layout, usual.Brings = s.Options.Layout, s.Options.Brings
	if start := w.Run(usual); start.Err != nil {
		return fmt.Errorf("the world could not be brought into its usual state: %w", start.Err)
	}
	if err := w.Keep(); err != nil {
		return fmt.Errorf("nothing could be left in the guest: %w", err)
	}
	for _, fault := range s.Faults {
		if err := w.Break(fault); err != nil {
			return fmt.Errorf("%w: %w", errNoDamage, err)
		}
	}
	_, processBefore := w.Kept()
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	harmless := s.Waits || len(s.Want) == 0 && s.Kind == ""
	before := w.Status(s.Options)
	if before.Health.Ready && !harmless { // what only a new login shows, a status may leave out
		errs = append(errs, leavesOut(before.Health))
		fresh := s.Options
		fresh.Fresh = true
		before = w.Status(fresh)
		errs = append(errs, onlyLogins(before.Health))
	}
	if before.Health.Ready != harmless ||
		(before.Err == nil) != harmless || len(before.Steps) > 0 {
		wrong("before: ready is %v, the error %v, the steps %v", before.Health.Ready, before.Err, before.Steps)
	} else {
		errs = append(errs, sees(before.Health, s.Sees, s.Kind == ""))
	}
	run := w.Run(s.Options)
	if have := without(run.Steps, s.May); !slices.Equal(have, s.Want) {
		wrong("the steps were %v, want %v; the plans %v", have, s.Want, run.Plans)
	}
	again := s.Options
	again.Replace, again.Adopt = false, false
	// a new VM has none
	if want := s.disruption(run.Steps); run.Disruption != want && !slices.Contains(s.Want, create) {
		wrong("the highest disruption was %q, want %q", run.Disruption, want)
	}
	if files, process := w.Kept(); !s.lost() && (!files || processBefore && !process && !stops(run.Steps)) {
		wrong("of what was left in the guest, the files are there: %v, the process: %v", files, process)
	}
	switch {
	case s.Kind == "":
		errs = append(errs, ready("run", run), idle("second run", w.Run(again)))
	case run.Err == nil || run.Err.Kind != s.Kind:
		wrong("the error was %v, want one of kind %q", run.Err, s.Kind)
	case run.Err.What == "" || run.Err.Next == "":
		wrong("the error says too little: %+v", run.Err)
	case run.Health.Ready:
		wrong("it failed and is called ready")
	}
	for _, words := range s.Says {
		if run.Err == nil || !strings.Contains(run.Err.What+"\n"+run.Err.Why+"\n"+run.Err.Next, words) {
			wrong("the error doesn't say %q: %+v", words, run.Err)
		}
	}
	for _, words := range s.NotSays {
		if run.Err != nil && strings.Contains(run.Err.What+"\n"+run.Err.Why+"\n"+run.Err.Next, words) {
			wrong("the error says %q, which is wrong or of no help: %+v", words, run.Err)
		}
	}
	errs = append(errs, undo(w, s))
	if s.Kind != "" {
		errs = append(errs, ready("run after the damage was undone", w.Run(usual)))
	}
	return errors.Join(errs...)
}

// leavesOut wants a report to tell that it leaves out a new login.
func leavesOut(health provision.Health) error {
	if !slices.ContainsFunc(health.Access, func(a provision.Finding) bool {
		return a.ID == provision.WhoUser && a.Outcome == provision.Omitted
	}) {
		return errors.New("before: it is called ready, and nothing is left out")
	}
	return nil
}

// loginItems are what a new login may show to be wrong, and nothing else does.
var loginItems = []string{provision.WhoUser, provision.WhoClient, provision.WhoShared, "ssh", "mount-after"}

// onlyLogins wants nothing to be wrong in a report but what only a new login shows.
func onlyLogins(health provision.Health) error {
	for _, wrong := range health.Wrong() {
		if !slices.Contains(loginItems, wrong.ID) {
			return fmt.Errorf("before: a status without --fresh left out %s: %s", wrong.ID, wrong.Found)
		}
	}
	return nil
}

// errNoDamage means that a fault could not be caused.
var errNoDamage = errors.New("the damage could not be done")

// Undamaged reports whether err means that the damage could not be done, so that worldsetup was not tested.
func Undamaged(err error) bool { return errors.Is(err, errNoDamage) }

// undo reverts the damage that a run is not supposed to repair.
func undo(w World, s Scenario) error {
	for _, fault := range s.Faults {
		undo := Fault{Guest: fault.Undo, Host: fault.UndoHost}
		if undo.Guest == "" && undo.Host == "" {
			continue
		}
		if err := w.Break(undo); err != nil {
			return fmt.Errorf("the damage could not be undone: %w", err)
		}
	}
	return nil
}

// sees checks that a report names the damage, and the disruption of its repair if there is one.
func sees(health provision.Health, sights []Sight, curable bool) error {
	var errs []error
	for _, item := range health.Items {
		if curable && item.Outcome == provision.Failed && item.Cost == "" && item.Found != "absent" {
			errs = append(errs, fmt.Errorf("before: the item %q does not say what its repair costs", item.ID))
		}
	}
	for _, sight := range sights {
		if !slices.ContainsFunc(health.Items, func(item provision.Item) bool {
			return item.ID == sight.Item && item.Outcome != provision.OK && strings.Contains(item.Found, sight.Words)
		}) {
			errs = append(errs, fmt.Errorf("before: no item %q says %q in %s", sight.Item, sight.Words, unlike(health)))
		}
	}
	return errors.Join(errs...)
}

// unlike are the items that are not right.
func unlike(health provision.Health) (text string) {
	for _, item := range health.Items {
		if item.Outcome != provision.OK {
			text += fmt.Sprintf("\n  %s: %s: %s (%s)", item.Outcome, item.ID, item.Found, item.Cost)
		}
	}
	return text
}

// disruption is the highest that the steps stand for, unless the scenario names one.
func (s Scenario) disruption(steps []provision.StepID) (highest provision.Disruption) {
	if s.Disruption != "" {
		return s.Disruption
	}
	for _, id := range steps {
		if disruption := stands[id]; disruption.Above(highest) {
			highest = disruption
		}
	}
	return highest
}

var stands = map[provision.StepID]provision.Disruption{
	stop: provision.DisruptionRestart, start: provision.DisruptionRestart, activate: provision.DisruptionUnit,
	connection: provision.DisruptionConnection,
	group:      provision.DisruptionLive, directories: provision.DisruptionLive, agent: provision.DisruptionLive,
	units: provision.DisruptionLive, stage: provision.DisruptionLive, linger: provision.DisruptionLive,
	hostSocket: provision.DisruptionLive,
	marker:     provision.DisruptionLive, packages: provision.DisruptionLive, companions: provision.DisruptionLive,
	provision.StepReplaceCreate: provision.DisruptionReplace, adopt: provision.DisruptionLive,
	clock:    provision.DisruptionLive,
	writable: provision.DisruptionLive, room: provision.DisruptionLive, entry: provision.DisruptionLive,
}

// stops reports whether the VM stops during the scenario.
func stops(steps []provision.StepID) bool {
	return slices.Contains(steps, stop) || slices.Contains(steps, provision.StepReplaceStop)
}

// lost reports whether the user's data in the guest is lost: by the damage itself, or with the VM that was replaced.
func (s Scenario) lost() bool {
	if slices.Contains(s.Want, create) || slices.Contains(s.Want, provision.StepReplaceRemove) {
		return true
	}
	return slices.ContainsFunc(s.Faults,
		func(f Fault) bool {
			return slices.Contains([]HostFault{VMDeleted, VMMadeByHand, VMWarmAgent, VMWarmService, DiskTaken}, f.Host)
		})
}

// ready wants an outcome to be of a world that is ready.
func ready(what string, o Outcome) error {
	if o.Err != nil || !o.Health.Ready {
		return fmt.Errorf("%s: ready is %v, the error %v", what, o.Health.Ready, explain(o.Err))
	}
	if !o.Health.Drift.Empty() {
		return fmt.Errorf("%s: it is ready and would still change %v", what, ids(o.Health.Drift))
	}
	return nil
}

// idle wants an outcome to be of a world that was ready already.
func idle(what string, o Outcome) error {
	if len(o.Steps) > 0 || len(o.Plans) != 1 || len(o.Plans[0]) > 0 {
		return fmt.Errorf("%s: it has the steps %v and the plans %v, expected one empty plan", what, o.Steps, o.Plans)
	}
	return ready(what, o)
}

func explain(failure *provision.Error) string {
	if failure == nil {
		return "none"
	}
	return fmt.Sprintf("%s: %s (%s)", failure.Kind, failure.What, failure.Why)
}

// without is steps without those that may or may not have come.
func without(steps, may []provision.StepID) []provision.StepID {
	kept := []provision.StepID{}
	for _, id := range steps {
		if id != provision.StepWaitForBoot && !slices.Contains(may, id) {
			kept = append(kept, id)
		}
	}
	return kept
}
