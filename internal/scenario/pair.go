package scenario

import (
	"errors"
	"fmt"
	"slices"

	"github.com/atomize-hq/worldsetup/provision"
)

// InPairs reports whether a scenario's damage can be combined with another's on a rig: whatever comes of the two must
// come of one of them as well.
func (s Scenario) InPairs(rig string) bool {
	return s.OnRig(rig) && len(s.Faults) > 0 && s.Options == (Options{}) && s.Kind == "" && !s.KnownToFail(rig)
}

// PlayPair plays the damage of two scenarios at once. It returns how that ended, and whether the damage that remains
// could be reverted: one scenario may have removed what the other would revert. The rules are: two runs at most end
// with a world that is ready, and the next one has nothing to do; or the error of the second one has a cause and a next
// step. The user's files stay in either case.
func PlayPair(w World, a, b Scenario) (ended string, undone bool, err error) {
	if start := w.Run(usual); start.Err != nil {
		return "", false, fmt.Errorf("the world could not be brought into its usual state: %w", start.Err)
	}
	if err := w.Keep(); err != nil {
		return "", false, err
	}
	for _, fault := range ordered(a, b) {
		if err := w.Break(fault); err != nil {
			_, _ = undo(w, a), undo(w, b)                            // as far as it was done
			return "", false, fmt.Errorf("%w: %w", errNoDamage, err) // the other damage may have removed its target
		}
	}
	ended, run := "ready after one run", w.Run(usual)
	if run.Err != nil {
		ended, run = "ready after two runs", w.Run(usual)
	}
	var errs []error
	if files, _ := w.Kept(); !files && !a.lost() && !b.lost() {
		errs = append(errs, errors.New("the user's files are gone"))
	}
	switch failure := run.Err; {
	case failure == nil:
		errs = append(errs, ready("run", run), idle("next run", w.Run(usual)))
	case failure.Kind == provision.KindInternal, run.Health.Ready,
		failure.What == "", failure.Why == "", failure.Next == "":
		errs = append(errs, fmt.Errorf("the failure isn't reported truthfully: %+v", failure))
	default:
		ended = "failed: " + explain(failure)
	}
	return ended, errors.Join(undo(w, a), undo(w, b)) == nil, errors.Join(errs...)
}

// ordered returns the faults of two scenarios, those inside the guest before those that make it unreachable.
func ordered(a, b Scenario) []Fault {
	if touchesHost(a) && !touchesHost(b) {
		a, b = b, a
	}
	return slices.Concat(a.Faults, b.Faults)
}

func touchesHost(s Scenario) bool {
	return slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Host != "" })
}
