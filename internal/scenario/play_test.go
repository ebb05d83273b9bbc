package scenario

import (
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// scripted is a World that returns prepared reports.
type scripted struct {
	runs, reports []Outcome
	broken        []Fault
}

func (w *scripted) Break(fault Fault) error { w.broken = append(w.broken, fault); return nil }

func (w *scripted) Keep() error { return nil }

func (w *scripted) Kept() (files, process bool) { return true, true }

func (w *scripted) Run(Options) Outcome { return take(&w.runs) }

func (w *scripted) Status(Options) Outcome { return take(&w.reports) }

func take(outcomes *[]Outcome) Outcome {
	next := (*outcomes)[0]
	*outcomes = (*outcomes)[1:]
	return next
}

func TestPlayFindsWhatIsWrong(t *testing.T) {
	whole := Outcome{Health: provision.Health{Ready: true}, Plans: [][]provision.StepID{{}}}
	damaged := Outcome{Err: &provision.Error{Kind: provision.KindUnhealthy, What: "x", Next: "y"}}
	did := func(ids ...provision.StepID) Outcome {
		return Outcome{Health: whole.Health, Steps: ids, Plans: [][]provision.StepID{ids, {}},
			Disruption: Scenario{}.disruption(ids)}
	}
	failed := func(kind provision.Kind) Outcome {
		return Outcome{Err: &provision.Error{Kind: kind, What: "x", Next: "y"}}
	}
	leftOut := whole
	leftOut.Health.Access = []provision.Finding{{ID: provision.WhoUser, Outcome: provision.Omitted}}
	found := func(id string) Outcome {
		o := damaged
		o.Health.Access = []provision.Finding{{ID: id, Outcome: provision.Failed}}
		return o
	}
	for name, c := range map[string]struct {
		scenario Scenario
		world    scripted
		want     string // in the complaint; empty for none
	}{
		"repaired": {Scenario{Want: steps(agent)},
			scripted{[]Outcome{whole, did(agent, provision.StepWaitForBoot), whole}, []Outcome{damaged}, nil}, ""},
		"repaired with more": {Scenario{Want: steps(agent), May: steps(linger)},
			scripted{[]Outcome{whole, did(linger, agent), whole}, []Outcome{damaged}, nil}, ""},
		"usual state not reached": {Scenario{}, scripted{[]Outcome{damaged}, nil, nil}, "usual state"},
		"not noticed": {Scenario{Want: steps(agent)},
			scripted{[]Outcome{whole, did(agent), whole}, []Outcome{whole, whole}, nil}, "before: ready is true"},
		"noticed by a new login only": {Scenario{Want: steps(agent)},
			scripted{[]Outcome{whole, did(agent), whole}, []Outcome{leftOut, found(provision.WhoUser)}, nil}, ""},
		"not noticed, and nothing left out": {Scenario{Want: steps(agent)}, scripted{[]Outcome{whole, did(agent), whole},
			[]Outcome{whole, found(provision.WhoUser)}, nil}, "nothing is left out"},
		"left out, and no login's": {Scenario{Want: steps(agent)}, scripted{[]Outcome{whole, did(agent), whole},
			[]Outcome{leftOut, found("marker")}, nil}, "left out marker"},
		"other steps": {Scenario{Want: steps(agent)},
			scripted{[]Outcome{whole, did(units), whole}, []Outcome{damaged}, nil}, "the steps were [units]"},
		"not ready": {Scenario{Want: steps(agent)},
			scripted{[]Outcome{whole, damaged, whole}, []Outcome{damaged}, nil}, "run: ready is false"},
		"never done": {Scenario{Want: steps(agent)}, scripted{[]Outcome{whole, did(agent), did(agent)},
			[]Outcome{damaged}, nil}, "second run: it has the steps [agent]"},
		"refused": {Scenario{Kind: provision.KindReplacement, Faults: []Fault{{Guest: "break", Undo: "undo"}}},
			scripted{[]Outcome{whole, failed(provision.KindReplacement), whole}, []Outcome{damaged}, nil}, ""},
		"failed otherwise": {Scenario{Kind: provision.KindReplacement},
			scripted{[]Outcome{whole, failed(provision.KindUsage), whole}, []Outcome{damaged}, nil},
			`want one of kind "replacement"`},
		"a wrong cause named": {Scenario{Kind: provision.KindReplacement, NotSays: []string{"x"}},
			scripted{[]Outcome{whole, failed(provision.KindReplacement), whole}, []Outcome{damaged}, nil},
			`says "x", which is wrong`},
		"did not fail": {Scenario{Kind: provision.KindReplacement},
			scripted{[]Outcome{whole, whole, whole}, []Outcome{damaged}, nil}, `want one of kind "replacement"`},
	} {
		err := Play(&c.world, c.scenario)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		for _, fault := range c.scenario.Faults {
			if !slices.ContainsFunc(c.world.broken, func(f Fault) bool { return f.Guest == fault.Undo }) {
				t.Errorf("%s: %q was not undone", name, fault.Guest)
			}
		}
	}
}

func TestPlayPair(t *testing.T) {
	whole := Outcome{Health: provision.Health{Ready: true}, Plans: [][]provision.StepID{{}}}
	repaired := Outcome{Health: whole.Health, Steps: steps(agent), Plans: [][]provision.StepID{steps(agent), {}}}
	failed := Outcome{Err: &provision.Error{Kind: provision.KindUnhealthy, What: "what", Why: "why", Next: "next"}}
	silent := Outcome{Err: &provision.Error{Kind: provision.KindUnhealthy, What: "what"}}
	for name, c := range map[string]struct {
		runs        []Outcome
		ended, want string // want is in the complaint; empty for none
	}{
		"ready at once":           {[]Outcome{whole, repaired, whole}, "ready after one run", ""},
		"ready at the second try": {[]Outcome{whole, failed, repaired, whole}, "ready after two runs", ""},
		"failed":                  {[]Outcome{whole, failed, failed}, "failed: unhealthy: what (why)", ""},
		"failed without a reason": {[]Outcome{whole, failed, silent}, "ready after two runs",
			"isn't reported truthfully"},
		"never done": {[]Outcome{whole, repaired, repaired}, "ready after one run",
			"next run: it has the steps [agent]"},
	} {
		a, b := Scenario{Faults: on(VMStopped)}, Scenario{Faults: []Fault{{Guest: "break", Undo: "repair"}}}
		w := &scripted{runs: c.runs}
		ended, undone, err := PlayPair(w, a, b)
		if ended != c.ended || !undone || (err == nil) != (c.want == "") || err != nil &&
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: it ended %q, %v", name, ended, err)
		}
		if len(w.broken) != 3 || w.broken[0].Guest != "break" || w.broken[1].Host != VMStopped ||
			w.broken[2].Guest != "repair" {
			t.Errorf("%s: the faults were %v", name, w.broken)
		}
	}
}

func TestTheTableIsWellFormed(t *testing.T) {
	names := map[string]bool{}
	for _, s := range All() {
		if s.Name == "" || names[s.Name] {
			t.Errorf("the name %q is empty or comes twice", s.Name)
		}
		names[s.Name] = true
		if slices.Contains(s.Want, start) && !s.Boots {
			t.Errorf("%s: boots is %v, the steps are %v", s.Name, s.Boots, s.Want)
		}
		if s.Known != "" && !strings.HasPrefix(s.Known, "issue ") {
			t.Errorf("%s: what is known to fail begins with its issue, as in \"issue 16: …\"", s.Name)
		}
		for _, fault := range s.Faults {
			if (fault.Guest != "") == (fault.Host != "") {
				t.Errorf("%s: a fault is of one sort", s.Name)
			}
		}
	}
}
