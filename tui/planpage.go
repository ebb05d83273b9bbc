package tui

import (
	"cmp"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// planPage shows what exists, what would change and why, and asks for approval, or shows why the plan can't be applied.
type planPage struct{}

func (planPage) title() string { return "Plan" }

// offers begin with the approval. A plan that deletes a VM is not approved by a key that is also used elsewhere.
func (planPage) offers(f *facts) (offers []offer) {
	backup := f.plan.RestoresBackup()
	switch {
	case len(f.plan.Steps) == 0:
	case f.plan.Adopts():
		plan := f.plan
		offers = []offer{{keyAdopt, "take it over", func(m *model) tea.Cmd {
			return m.cover(newConsentPage(running, &plan))
		}}}
	case f.plan.Destroys():
		plan := f.plan
		offers = []offer{{keyReplace, "replace it", func(m *model) tea.Cmd {
			return m.cover(newConsentPage(running, &plan))
		}}}
	case backup:
		offers = []offer{{keyEnter, "restore it", (*model).apply}}
	case f.plan.Repairs():
		offers = []offer{{keyEnter, "repair it", (*model).apply}}
	default:
		offers = []offer{{keyEnter, "do it", (*model).apply}}
	}
	if f.plan.Existing != nil && !f.adopting && !f.replacing {
		offers = append(offers, f.lifecycle("replace instead")...)
	}
	if backup {
		offers = append(offers, offer{keyRemove, "remove", askConsent(removing)})
	}
	offers = append(offers, f.offerChoices()...)
	return append(offers, offer{keyAgain, "check again", (*model).replan}, offerLog,
		offer{keyLeave, "leave it", (*model).leave})
}

func (planPage) body(f *facts, t *text) {
	f.showAlert(t)
	switch {
	case f.plan.Adopts():
		showAdoption(f, t)
	case len(f.plan.Replace) > 0:
		showReplacement(f, t)
	case f.failure != nil:
		t.failure(f.failure)
		t.blank()
		t.put("", "Nothing has been changed.")
	default:
		showSummary(f.plan, t)
		if f.plan.Destroys() {
			t.losses(f.plan.Losses())
		}
	}
	showExisting(f, t)
	showSteps(f.plan, t)
	showOpens(f.plan, t)
	showUnrepaired(f.plan, t)
	if problems := f.progress.Problems(); len(problems) > 0 {
		t.heading("Worth knowing")
		for _, check := range problems {
			showCheck(f, t, check)
		}
	}
}

// showReplacement writes why no other step would help.
func showReplacement(f *facts, t *text) {
	t.put(t.mark(provision.Failed)+" ", "VM "+f.plan.VM+
		" can't be changed to match these settings; it must be replaced. Nothing has been changed.")
	for _, reason := range f.plan.Replace {
		t.put("  "+t.dot+" ", reason)
	}
	if len(f.plan.Steps) > 0 {
		t.losses(f.plan.Losses())
		return
	}
	t.blank()
	if f.failure != nil {
		t.labelled(0, "next:", f.failure.Next)
	}
}

// showAdoption writes that the VM is foreign, and what an adoption would change.
func showAdoption(f *facts, t *text) {
	if f.failure != nil {
		t.put(t.mark(provision.Failed)+" ", f.failure.What+". Nothing has been changed.")
		t.labelled(0, "why:", f.failure.Why)
	}
	t.adoption(f.plan.Adoption())
	if f.plan.Destroys() {
		t.losses(f.plan.Losses())
	}
}

func showSummary(plan provision.Plan, t *text) {
	summary := fmt.Sprintf("%s for the VM %s", plaintext.Count(len(plan.Steps), "step"), plan.VM)
	if usual := usually(plan.Usual()); usual != "" {
		summary += ", " + usual + " in all"
	}
	t.put("", summary+". Nothing has been changed yet.")
	if plan.Interrupts() {
		t.put(t.warn.Render("!")+" ", "Programs that run in the VM will be stopped.")
	}
	if plan.HomeLeftOut {
		t.put("  ", "Your home directory is left out of the VM.")
	}
	if plan.Unseen {
		t.put("  ", "More may follow: the inside of the VM is visible only while it runs.")
	}
}

func showExisting(f *facts, t *text) {
	e := f.plan.Existing
	if e == nil && !f.plan.Creates() && !f.plan.RestoresBackup() {
		return
	}
	t.heading("What exists now")
	if e == nil {
		t.put("  ", "There is no VM called "+f.plan.VM+"."+
			when(f.plan.RestoresBackup(), " Its backup is complete and stopped; it gets its name back."))
		return
	}
	machine := e.Type + when(e.Type != "" && e.Arch != "", ", ") + e.Arch
	t.field("VM", join(f.plan.VM+": "+e.Status, machine, when(e.ProtectedByOthers(),
		"protected against deletion by another tool")))
	t.field("size", fmt.Sprintf("%s, %s of memory, a disk of %s",
		plaintext.Count(e.CPUs, "processor"), plaintext.Bytes(e.Memory), plaintext.Bytes(e.Disk))+
		when(e.DiskUsed > 0, ", which takes "+plaintext.Bytes(e.DiskUsed)+" on this machine"))
	if !e.Created.IsZero() {
		t.field("created", fmt.Sprintf("%s ago, on %s", plaintext.Age(f.now.Sub(e.Created)),
			e.Created.Local().Format(time.DateOnly)))
	}
	if f.plan.Adopts() {
		t.field("owner", "unknown: "+e.Owner.String())
	}
	t.fields("layout", cmp.Or(e.Layout, "unknown"), "project", e.Project,
		"kept", when(e.Kept != "", e.Kept+", which can be restored"))
}

// showOpens writes what the profile of a new VM opens on this machine.
func showOpens(plan provision.Plan, t *text) {
	if len(plan.Opens) > 0 {
		t.heading("What it opens on this machine")
	}
	for _, one := range plan.Opens {
		t.put(t.warn.Render("!")+" ", one)
	}
}

// showUnrepaired writes what is wrong and would stay so.
func showUnrepaired(plan provision.Plan, t *text) {
	if len(plan.Unrepaired) == 0 {
		return
	}
	t.heading("Left to you")
	for _, one := range plan.Unrepaired {
		t.put(t.warn.Render("!")+" ", one.Why)
		t.labelled(4, "next:", one.Next)
	}
}

// showSteps writes what would be changed.
func showSteps(plan provision.Plan, t *text) {
	if len(plan.Steps) == 0 {
		return
	}
	t.heading("What would be done")
	for i, step := range plan.Steps {
		t.put(fmt.Sprintf("%2d. ", i+1), step.Title)
		t.styled(t.dim, "    ", join(step.Reason, usually(step.Usual), when(step.Conditional, "skipped if not needed"),
			when(step.Interrupts, "stops programs in the VM")))
		if step.Destroys {
			t.put("    "+t.warn.Render("!")+" ", "what it deletes can't be restored")
		}
	}
}
