package provision

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// This file chooses the generation of the contract that a run makes, and takes a guest from an older one to it.

// layouts returns the generations that an agent may be of, the oldest first.
func (t target) layouts() []layout.Layout {
	if of, found := layout.Named(t.spec.Layout); found {
		return []layout.Layout{of}
	}
	return layout.Agents()
}

// setLayout has the run make a generation.
func (t *target) setLayout(of layout.Layout) { t.layout, t.wanted.NoMounts = of, !of.Mounts() }

// chooseLayout takes the generation that was asked for, else that of the agent, else the one that the configuration of
// the VM shows. Of generations whose agents have the same name, it is the one whose units the project brings, else the
// one that the configuration shows, else the oldest.
func (t *target) chooseLayout(instance *limatype.Instance) {
	if of, found := layout.Named(t.spec.Layout); found {
		t.setLayout(of)
		return
	}
	t.setLayout(layout.All[0])
	shown, found := shownLayout(instance)
	if found {
		t.setLayout(shown)
	}
	if t.agent == nil || t.agent.Layout == "" {
		return
	}
	of, _ := layout.Named(t.agent.Layout)
	t.given = true
	for _, newer := range layout.All {
		switch {
		case newer.Package != of.Package:
		case newer.Templates && hasUnitTemplates(t.spec.Project):
			of, t.brings = newer, true
		case found && newer.Is(shown) && !t.brings:
			of = newer
		}
	}
	t.setLayout(of)
}

// hasUnitTemplates reports whether a project brings the units of its generation.
func hasUnitTemplates(project string) bool {
	info, err := os.Lstat(filepath.Join(project, filepath.FromSlash(layout.UnitTemplates)))
	return err == nil && info.IsDir()
}

// shownLayout returns the generation that the configuration of a VM shows: a world that doesn't mount the project is of
// one that stages it. A guest that is observed knows better.
func shownLayout(instance *limatype.Instance) (of layout.Layout, found bool) {
	if instance == nil || instance.Config == nil || shownProject(instance.Config) != "" ||
		!lima.ForwardsAgent(instance.Config) {
		return of, false
	}
	for _, of := range slices.Backward(layout.All) {
		if !of.Mounts() {
			return of, true
		}
	}
	return of, false
}

// adoptLayout takes the generation that a guest has, if nothing else was asked for. It reports whether that is another
// one than the guest was observed as. Of an interrupted upgrade, it is the newer one from the time on when that is all
// that is left of the units; without a marker, units of the same name are of the generation that the VM's configuration
// shows.
func (t *target) adoptLayout(o *guest.Observation) bool {
	if o == nil || t.spec.Layout != "" {
		return false
	}
	companions := t.layout.Companions
	for _, of := range slices.Backward(layout.All) {
		if !o.Has(of) {
			continue
		}
		_, marked := o.Marked()
		switch {
		case of.Is(t.layout),
			of.Unit == t.layout.Unit && !marked,
			t.given && of.Package != t.layout.Package,
			(t.brings || t.staged) && t.layout.NewerThan(of):
			return false
		}
		if t.setLayout(of); !slices.Equal(t.layout.Companions, companions) {
			t.findCompanions()
		}
		t.findTemplates()
		return true
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

// upgrades reports whether a guest is being taken from an older generation to its layout. Two generations may have the
// same marker: their units tell them apart.
func upgrades(o *guest.Observation) bool {
	of, marked := o.Marked()
	return len(o.Older()) > 0 || marked && of.Marker != o.Layout.Marker && o.Layout.NewerThan(of)
}

func planRetire(p *Plan, _ target, s State) { p.add(StepRetire, olderLayout(s.Guest)...) }

func retireTask(_ target, o *guest.Observation, _ Step) (*task, error) {
	return &task{change: guest.Retire{Old: o.Older()}}, nil
}
