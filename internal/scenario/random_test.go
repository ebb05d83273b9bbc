package scenario

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// sequences is how many random combinations of faults are tried: a hundred take some seconds.
const sequences = 200

// Whatever is broken at once: one rerun makes a ready world, to which a second has nothing to do, or it says truthfully that
// it could not, and can say so only when the damage holds something that no run may cure.
func TestRandomDamageIsCuredOrToldOf(t *testing.T) {
	curable, incurable := faultsByCure()
	for seed := range uint64(sequences) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 5))
			pool := curable
			if seed%10 == 9 {
				pool = slices.Concat(curable, incurable)
			}
			var faults []Fault
			var names []string
			for range 1 + random.IntN(5) {
				s := pool[random.IntN(len(pool))]
				faults, names = append(faults, s.Faults...), append(names, s.Name)
			}
			mayFail := shut(names) || slices.ContainsFunc(names, func(name string) bool {
				return slices.ContainsFunc(incurable, func(s Scenario) bool { return s.Name == name })
			})
			if err := survive(newSimulation(t), faults, mayFail); err != nil {
				t.Errorf("%q: %v", names, err)
			}
		})
	}
}

// shut says that a run may be unable to open a way in: the home is open to all when the connection that stands is lost, which
// no boot repairs; or ssh lets no new connection in, and sudo, which would repair that, wants a password. Then the open
// connection is the last way in, and the VM is not restarted.
func shut(names []string) bool {
	refuses := func(name string) bool {
		return name == "sshd stopped" || name == "ssh key gone" || strings.Contains(name, "home open to all")
	}
	if slices.Contains(names, "right to do without a password gone") && slices.ContainsFunc(names, refuses) {
		return true
	}
	open := func(name string) bool { return strings.Contains(name, "home open to all") }
	loses := func(s Scenario) bool {
		return slices.Contains(names, s.Name) && !open(s.Name) && (s.Boots || s.Name == "shared connection ended")
	}
	return slices.ContainsFunc(names, open) && slices.ContainsFunc(All(), loses)
}

// faultsByCure are the scenarios with faults, by whether a rerun cures them.
func faultsByCure() (curable, incurable []Scenario) {
	for _, s := range All() {
		switch {
		case len(s.Faults) == 0 || s.Options != (Options{}) || s.NoSimulation:
		case s.Kind == "":
			curable = append(curable, s)
		default:
			incurable = append(incurable, s)
		}
	}
	return curable, incurable
}

func survive(w *simulation, faults []Fault, mayFail bool) error {
	defer w.Close()
	if begin := w.Run(usual); begin.Err != nil {
		return begin.Err
	}
	for _, fault := range faults {
		if w.VM(provision.DefaultVM) != nil {
			_ = w.Break(fault) // one may have taken away what another would damage
		}
	}
	run := w.Run(usual)
	switch {
	case run.Err == nil:
		return idle("second run", w.Run(usual))
	case !mayFail:
		return fmt.Errorf("it was not cured: %s; the plans %v", explain(run.Err), run.Plans)
	case run.Err.Kind == provision.KindInternal || run.Err.What == "" || run.Err.Next == "" || run.Health.Ready:
		return fmt.Errorf("it is not told truthfully: %+v", run.Err)
	}
	return nil
}
