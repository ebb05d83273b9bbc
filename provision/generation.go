package provision

import (
	"fmt"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// This file chooses the generation of the contract that a run makes, and takes a guest from an older one to it.

// layouts returns the generations that an agent may be of, the oldest first.
func (t target) layouts() []layout.Layout {
	if of, found := layout.Named(t.spec.Layout); found {
		return []layout.Layout{of}
	}
	return layout.All
}

// chooseLayout takes the generation that was asked for, else that of the agent.
func (t *target) chooseLayout() {
	name := t.spec.Layout
	if name == "" && t.agent != nil {
		name = t.agent.Layout
	}
	if of, found := layout.Named(name); found {
		t.layout, t.given = of, true
	}
}

// adoptLayout takes the generation that a guest has, if nothing else was asked for. It reports whether that is another
// one than the guest was observed as.
func (t *target) adoptLayout(o *guest.Observation) bool {
	if o == nil || t.given || o.Has(t.layout) {
		return false
	}
	for _, of := range t.layout.Others() {
		if o.Has(of) {
			t.layout = of
			return true
		}
	}
	return false
}

// newerLayout returns why a guest can't become what is asked for: there is no way back to an older generation.
func newerLayout(t target, o *guest.Observation) (reasons []string) {
	asked := o.Layout.Name + ", which is older, is asked for"
	if t.spec.Layout == "" && t.agent != nil && t.agent.Path != "" {
		asked = fmt.Sprintf("the agent %s is of %s, which is older", t.agent.Path, o.Layout.Name)
	}
	for _, of := range o.Newer() {
		reasons = append(reasons, fmt.Sprintf("its inside is of the generation %s, and %s", of.Name, asked))
	}
	return reasons
}

// keepNewer says how a guest stays of the newer generation that it is of; empty when it is of none.
func keepNewer(o *guest.Observation) string {
	newer := o.Newer()
	if len(newer) == 0 {
		return ""
	}
	of := newer[len(newer)-1]
	return fmt.Sprintf("keep its generation and the agent that is installed: --layout %s; or give it an agent of that "+
		"generation: --agent FILE, or bin/linux/%s in the project", of.Name, of.Package)
}

// olderLayout returns why the units of older generations have to go.
func olderLayout(o *guest.Observation) (reasons []string) {
	for _, of := range o.Older() {
		reasons = append(reasons, fmt.Sprintf("the units of the generation %s are installed, and %s takes their place",
			of.Name, o.Layout.Name))
	}
	return reasons
}

func planRetire(p *Plan, _ target, s State) { p.add(StepRetire, olderLayout(s.Guest)...) }

func retireTask(_ target, o *guest.Observation, _ Step) (*task, error) {
	return &task{change: guest.Retire{Old: o.Older()}}, nil
}
