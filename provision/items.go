package provision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// guestItem is a line of the report about the guest, with what is wrong.
type guestItem struct {
	id, title, good string
	reasons         []string
}

// guestItems are the lines that the plan's own reasons make, so that report and plan never differ.
func guestItems(t target, s State) []guestItem {
	o := s.Guest
	contents, states := unitReasons(t, o)
	hidden, _, _ := overrides(o)
	plan := Plan{}
	planAgent(&plan, t, s)
	agent := plan.reasons(StepAgent)
	if plan.Blocked != nil {
		agent = append(agent, plan.Blocked.Why)
	}
	packages := nonEmpty(strings.Join(o.Missing, ", "))
	linger := map[bool][]string{false: {fmt.Sprintf("off for the user %s", o.User)}}[o.Linger]
	return []guestItem{
		{"packages", "packages", "all there", prefixed("the guest lacks ", packages)},
		{"group", "group of the socket", "the user is a member", groupReasons(o)},
		{"directories", "directories", "as they should be", directoryReasons(o)},
		{"agent", "agent", "installed", agent},
		{"units", "systemd units", "installed and enabled", append(contents, states...)},
		{"overrides", "what is laid over the units", "nothing against them", hidden},
		{"linger", "linger", "on", linger},
		{"socket", "socket", "listening", socketReasons(s)},
		{"service", "service", "at work, or waiting for a connection", serviceReasons(s)},
	}
}

// reasons are those of a step of the plan.
func (p Plan) reasons(id StepID) (reasons []string) {
	for _, step := range p.Steps {
		if step.ID == id {
			reasons = append(reasons, step.Reason)
		}
	}
	return reasons
}

// kept shows the drop-ins that extend our units and stay.
func (h *Health) kept(o *guest.Observation) {
	if _, _, kept := overrides(o); len(kept) > 0 {
		h.item("drop-ins", "drop-ins of others", Info, "", "kept: "+strings.Join(kept, ", "), "")
	}
}

// costs says of each item that is wrong which rung of the ladder its cure takes.
func (h *Health) costs() {
	for i := range h.Items {
		if item := &h.Items[i]; item.Outcome != OK && item.Outcome != Info {
			item.Cost = h.Drift.cost(item.ID)
		}
	}
}

func (p Plan) cost(item string) Rung {
	if len(p.Replace) > 0 && len(p.Steps) > 0 { // with consent
		return RungReplace
	}
	for _, k := range kinds() {
		if at := p.at(k.id); at >= 0 && slices.Contains(k.repairs, item) {
			return p.Steps[at].Rung
		}
	}
	if len(p.Replace) > 0 && (item == "configuration" || item == "disk-image" || item == "entry" || item == "marker") {
		return RungReplace
	}
	if at := p.at(StepStop); at >= 0 && p.Unseen { // it comes before all else
		return p.Steps[at].Rung
	}
	return ""
}
