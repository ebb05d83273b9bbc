package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

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
	case updates(f.plan):
		offers = []offer{{keyEnter, "update it", (*model).apply}}
	case f.plan.Repairs():
		offers = []offer{{keyEnter, "repair it", (*model).apply}}
	default:
		offers = []offer{{keyEnter, "start", (*model).apply}}
	}
	if f.plan.Existing != nil && !f.adopting && !f.replacing {
		offers = append(offers, f.manage()...)
	}
	if backup {
		offers = append(offers, offer{keyRemove, "remove", askConsent(removing)})
	}
	offers = append(offers, f.offerChoices()...)
	return append(offers, offer{keyAgain, "check again", (*model).replan}, offerLog,
		offer{keyLeave, "quit", (*model).leave}, offerDetails(f))
}

func (planPage) command(f *facts) string {
	if f.failure == nil {
		return ""
	}
	return commandIn(f.failure.Next)
}

func (planPage) note(f *facts) string {
	if f.failure == nil || len(f.plan.Replace) > 0 || f.plan.Adopts() {
		return "Nothing has been changed yet."
	}
	return "Nothing has been changed."
}

func (planPage) body(f *facts, t *text) {
	f.showAlert(t)
	switch {
	case f.plan.Adopts():
		showAdoption(f, t)
	case len(f.plan.Replace) > 0:
		showReplacement(f, t)
	case f.failure != nil:
		t.failure(f.failure, "")
		if t.fold > 0 && len(f.plan.Steps) == 0 {
			return
		}
	case f.plan.RestoresBackup():
		t.put("", "There is no VM called "+f.plan.VM+". Its backup is complete and stopped, and gets that name back.")
	}
	t.gap()
	t.beside(54, func(t *text) { showGets(f, t) }, func(t *text) {
		plannedSteps(f.plan, t)
		if f.plan.Unseen && len(f.plan.Steps) > 0 {
			t.styled(t.dim, "    + ", "more may follow: the inside of the VM is visible only while it runs")
		}
		if f.plan.Interrupts() && t.fold < 2 {
			t.put(t.warn.Render("!")+" ", "Programs that run in the VM will be stopped.")
		}
	})
	showOpens(f.plan, t)
	showUnrepaired(f.plan, t)
	if problems := f.progress.Problems(); len(problems) > 0 {
		t.heading("Worth knowing")
		for _, check := range problems {
			t.put(t.mark(check.Outcome)+" ", check.Title+": "+check.Found)
			t.advice("    ", check.Next)
		}
	}
}

// showReplacement writes why no other step would help.
func showReplacement(f *facts, t *text) {
	if f.replacing && f.refusal == nil {
		t.put(t.warn.Render("!")+" ", "VM "+f.plan.VM+" would be replaced, as you asked.")
	} else {
		t.put(t.mark(provision.Failed)+" ",
			"VM "+f.plan.VM+" must be replaced: it can't be changed to match these settings.")
	}
	for _, reason := range f.plan.Replace {
		t.put("  "+t.dot+" ", reason)
	}
	if len(f.plan.Steps) > 0 {
		deleted, _ := f.plan.Losses()
		t.put(t.warn.Render("! deleted:")+" ", deleted)
		return
	}
	t.blank()
	if f.failure != nil {
		t.advice("  "+t.dim.Render("do")+"    ", f.failure.Next)
	}
}

// showAdoption writes that the VM is foreign, and what an adoption would change.
func showAdoption(f *facts, t *text) {
	if f.failure != nil {
		t.put(t.mark(provision.Failed)+" ", sentence(f.failure.What)+".")
		t.labelled(2, "why", f.failure.Why)
	}
	changed, _ := f.plan.Adoption()
	t.put(t.warn.Render("! changed:")+" ", changed)
	if f.plan.Destroys() {
		deleted, _ := f.plan.Losses()
		t.put(t.warn.Render("! deleted:")+" ", deleted)
	}
}

// showGets writes what a person gets, and what there is now.
func showGets(f *facts, t *text) {
	g := f.plan.Gets
	if g == nil {
		return
	}
	t.section("What you get", "")
	sep := " " + t.dot + " "
	into := " " + t.into + " "
	changed := func(fields ...string) string {
		for _, field := range fields {
			if slices.Contains(g.Changed, field) {
				return t.accent.Render("changed")
			}
		}
		return ""
	}
	where := "/src, writable"
	if g.Staged != "" {
		where = "a copy in the VM"
	}
	readable := when(t.fold > 1 && changed("home") == "" && g.Home != "", sep+"home read-only")
	t.fieldAnd("project", f.tilde(g.Project)+into+where+readable, changed("project"))
	if g.Worktree != "" {
		t.fieldAnd("", "the primary checkout of the linked worktree "+f.tilde(g.Worktree)+
			"; --worktree=self uses the worktree itself", "")
	}
	if t.fold < 2 || changed("home") != "" || g.Home == "" {
		home := g.Home + into + "read-only"
		if g.Home == "" {
			home = "left out: it is not mounted"
		}
		t.fieldAnd("home", home, changed("home"))
	}
	t.fieldAnd("VM", f.plan.VM+sep+plaintext.Count(g.CPUs, "CPU")+sep+plaintext.Bytes(g.Memory)+sep+
		plaintext.Bytes(g.Disk)+" disk"+sep+g.Type, changed("cpus", "memory", "disk", "vm_type"))
	if title := g.ImageTitle(); title != "" {
		right := changed("image")
		if g.Download {
			right = t.dim.Render(t.download(g))
		}
		t.fieldAnd("guest", title, right)
	}
	agent, style := g.Agent, lipgloss.NewStyle()
	if g.Probe {
		agent, style = probeWords, t.warn
	}
	t.row(style, "  "+t.dim.Render("agent")+"   ", agent+when(g.Layout != "", sep+g.Layout), changed("agent"))
	if e := f.plan.Existing; e != nil && (t.fold < 2 || !f.plan.Destroys() && !f.plan.Adopts()) {
		now := e.Status + when(e.DiskUsed > 0, sep+plaintext.Bytes(e.DiskUsed)+" used")
		if !e.Created.IsZero() {
			now += sep + plaintext.Age(f.now.Sub(e.Created)) + " old"
		}
		now += seen(e, sep) + when(e.Kept != "", sep+e.Kept+" is kept") +
			when(e.ProtectedByOthers(), sep+"protected by another tool")
		t.field("now", now)
		if f.plan.Adopts() {
			t.field("owner", "unknown: "+e.Owner.String())
		}
	}
}

// updates reports whether the plan only puts another agent into a world.
func updates(plan provision.Plan) bool {
	return plan.Repairs() && plan.Gets != nil && slices.Contains(plan.Gets.Changed, "agent") &&
		!slices.ContainsFunc(plan.Steps, func(step provision.Step) bool {
			return !slices.Contains([]provision.StepID{provision.StepAgent, provision.StepAgentBuild,
				provision.StepCompanions, provision.StepActivate}, step.ID)
		})
}

// download is how much has to be downloaded, and how long that takes, as far as that is known.
func (t theme) download(g *provision.Gets) string {
	if g.DownloadSize == 0 {
		return when(t.utf8, t.down) + "to download"
	}
	return t.down + plaintext.Bytes(g.DownloadSize) +
		when(g.DownloadTime > 0, ", about "+plaintext.About(g.DownloadTime))
}

// seen says of which generation a VM was that doesn't show it now.
func seen(e *provision.Existing, sep string) string {
	if e.LastSeen == nil {
		return ""
	}
	return sep + e.LastSeen.Layout + " when last seen"
}

// tilde shortens a path in the user's home.
func (f *facts) tilde(path string) string {
	if g := f.plan.Gets; g != nil && g.Home != "" && strings.HasPrefix(path, g.Home+"/") {
		return "~" + strings.TrimPrefix(path, g.Home)
	}
	return path
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
		t.advice("  ", one.Next)
	}
}
