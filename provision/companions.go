package provision

import (
	"context"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// planCompanions plans to install those that the guest lacks, or has a different version of.
func planCompanions(p *Plan, t target, s State) {
	reasons, names := companionReasons(t, s.Guest)
	if len(reasons) == 0 {
		return
	}
	step := newStep(StepCompanions, reasons...)
	step.operands = names
	p.insert(step)
}

func companionReasons(t target, o *guest.Observation) (reasons, names []string) {
	for _, one := range t.companions {
		path := guest.ProgramsPath + one.Name
		wrong := differs(o, path, "regular file", "755", "root", "root")
		if wrong == "" && o.Files[path].SHA256 != one.SHA256 {
			wrong = path + " is another one than " + one.Path
		}
		if wrong != "" {
			reasons, names = append(reasons, wrong), append(names, one.Name)
		}
	}
	return reasons, names
}

func (t target) installCompanions(ctx context.Context, in session, names []string) error {
	for _, one := range t.companions {
		if !slices.Contains(names, one.Name) {
			continue
		}
		companion := guest.InstallCompanion{Name: one.Name, SHA256: one.SHA256, Content: one.Content}
		if err := in.change(ctx, companion); err != nil {
			return err
		}
	}
	return nil
}

// companions reports what is installed, and what was left out.
func (h *Health) companions(t target, o *guest.Observation) {
	if len(t.companions) > 0 {
		reasons, _ := companionReasons(t, o)
		h.reasons("companions", "companion binaries", "installed: "+strings.Join(t.companionNames(), ", "), reasons)
	}
	var notes []string
	for _, file := range t.leftOut {
		notes = append(notes, file.Path+" was left out: "+file.Why)
	}
	for _, name := range agent.CompanionNames {
		if _, there := o.Files[guest.ProgramsPath+name]; there && !slices.Contains(t.companionNames(), name) {
			notes = append(notes, guest.ProgramsPath+name+" is not from this project, and stays")
		}
	}
	if len(notes) > 0 {
		h.item("other-programs", "other programs", Info, "", strings.Join(notes, "; "), "")
	}
}

func (t target) companionNames() (names []string) {
	for _, one := range t.companions {
		names = append(names, one.Name)
	}
	return names
}
