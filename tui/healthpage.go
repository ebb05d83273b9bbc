package tui

import (
	"strings"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// healthPage shows the report: what was found and proven.
type healthPage struct{}

func (healthPage) title() string { return "Health" }

func (healthPage) offers(f *facts) (offers []offer) {
	if f.doing == watching {
		offers = []offer{{watch, "stop watching"}}
	} else {
		words := "prove again"
		switch {
		case f.replaceable():
			words = "see the replacement"
		case f.curable():
			words = "repair"
		}
		offers = []offer{{again, words}, {watch, "watch live"}}
	}
	if f.can.export {
		offers = append(offers, offer{export, "export"})
	}
	if f.doing == idle && f.health.Exists() {
		offers = append(offers, f.wholes("replace")...)
	}
	return append(offers, offer{openLog, "log"}, offer{leave, "leave"})
}

func (healthPage) body(f *facts, t *text) {
	f.notify(t)
	h := f.health
	switch {
	case f.unsure != "":
		t.put(t.mark(provision.Unknown)+" ", f.unsure)
	case f.ready && f.doing == watching:
		t.put(t.mark(provision.OK)+" "+t.good.Render("ready")+": ", "the world in the VM "+h.VM)
	case f.ready:
		t.put(t.mark(provision.OK)+" "+t.good.Render("ready")+": ", "the world in the VM "+h.VM+" was proven just now")
	default:
		t.put(t.mark(provision.Failed)+" "+t.bad.Render("not ready")+": ", "the VM "+h.VM+" is "+h.Instance)
		switch {
		case f.doing == watching:
		case f.curable(), f.replaceable():
			t.labelled(2, "next:", "r shows what would repair it, and asks before anything is changed")
		case f.failure != nil:
			t.labelled(2, "next:", f.failure.Next)
		}
	}
	if f.doing == watching {
		t.put(t.spin(f.beats)+" ", "watching live; last news "+ticking(f.now.Sub(f.looked))+" ago")
	}
	troubles(t, h)
	socket(t, h.Socket)
	access(t, h.Access)
	agent(t, h.Agent)
	items(t, h.Items)
}

func socket(t *text, s provision.Socket) {
	t.heading("Socket")
	if s.Type == "" {
		t.put("  ", "not seen; it belongs at "+s.Path)
		return
	}
	members := strings.Join(s.Members, ", ")
	if members == "" {
		members = "nobody"
	}
	t.field("path", s.Path)
	t.field("type", s.Type)
	t.field("owner", s.Owner)
	t.field("mode", s.Mode)
	t.field("group", s.Group)
	t.field("members", members)
	t.field("on the host", s.Host)
}

func access(t *text, access []provision.Access) {
	t.heading("Access, by connecting")
	if len(access) == 0 {
		t.put("  ", "not tried")
	}
	for _, line := range access {
		found := line.Found
		if line.Took > 0 {
			found += ", " + plaintext.Duration(line.Took)
		}
		if line.Outcome != provision.OK {
			found += ", and " + line.Want + " was wanted"
		}
		t.put(t.mark(line.Outcome)+" ", line.Who.Title()+": "+found)
	}
}

func agent(t *text, a provision.AgentInfo) {
	t.heading("Agent")
	if a.SHA256 == "" && a.Version == "" {
		t.put("  ", "none seen")
		return
	}
	if a.Probe {
		t.put(t.warn.Render("! PROBE")+": ", "the built-in agent, which answers questions and runs no commands; install a real one with --agent FILE")
	}
	t.field("kind", map[bool]string{true: "the built-in probe", false: "a real one"}[a.Probe])
	t.field("interface", a.Version)
	t.field("backend", a.Backend)
	t.field("platform", a.Platform)
	t.field("features", strings.Join(a.Features, ", "))
	t.field("sha256", a.SHA256)
}

// troubles shows first what is not as it should be, and what to do about it.
func troubles(t *text, h *provision.Health) {
	begun := false
	trouble := func(outcome provision.Outcome, title, want, found, remedy string) {
		if !begun {
			t.heading(map[bool]string{true: "Worth knowing", false: "Not as it should be"}[h.Ready])
		}
		begun = true
		t.put(t.mark(outcome)+" "+t.style(outcome).Render(string(outcome))+": ", title)
		t.labelled(4, "expected:", want)
		t.labelled(4, "found:", found)
		t.labelled(4, "next:", remedy)
	}
	for _, line := range h.Access {
		if line.Outcome != provision.OK {
			trouble(line.Outcome, "access as "+line.Who.Title(), line.Want, line.Found, line.Remedy)
		}
	}
	for _, item := range h.Items {
		if !right(item) {
			trouble(item.Outcome, item.Title, item.Want, item.Found, item.Remedy)
		}
	}
}

func right(item provision.Item) bool {
	return item.Outcome == provision.OK || item.Outcome == provision.Info
}

func items(t *text, all []provision.Item) {
	t.heading("Everything else")
	for _, item := range all {
		if right(item) {
			t.put(t.mark(item.Outcome)+" ", item.Title+": "+item.Found)
		}
	}
}
