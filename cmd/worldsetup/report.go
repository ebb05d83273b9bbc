package main

import (
	"fmt"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// showHealth shows a report: whether the world is ready, what is wrong and what to do about it, and the rest folded.
// With all, nothing is folded.
func showHealth(to *lines, health provision.Health, now time.Time, all bool) {
	showVerdict(to, health, now)
	wrong := showProblems(to, health)
	showLacks(to, health.Lacks, "this machine lacks what a run needs:", all)
	showSocket(to, health.Socket, all)
	if all {
		showAccess(to, health.Access)
		showAgent(to, health.Agent)
		showItems(to, health.Items)
	} else {
		showFolded(to, health, wrong)
	}
	showDrift(to, health, all)
	if health.Ready {
		showCommands(to, health)
	}
}

// showVerdict shows the one line that matters.
func showVerdict(to *lines, health provision.Health, now time.Time) {
	outcome, verdict := provision.Failed, "not ready"
	if health.Ready {
		outcome, verdict = provision.OK, "ready"
	}
	agent := ""
	if health.Agent.Version != "" {
		agent = to.clean("agent " + strings.TrimSpace(health.Agent.Backend+" "+health.Agent.Version))
	}
	to.drawn(to.mark(outcome), " ", to.paint(strongTone, health.VM), ": ",
		to.dots(to.paint(tones[outcome], verdict), to.clean(stateOf(health.Instance)), verified(health, now), agent))
	if health.Agent.Probe {
		to.drawn("  ", to.mark(provision.Warning), " ", to.paint(warnTone, "PROBE"),
			": it answers, and runs no commands; install a real agent: --agent FILE")
	}
}

// stateOf returns the state of a VM in words.
func stateOf(instance string) string {
	switch instance {
	case "absent":
		return "no VM"
	case "unknown":
		return "the VM's state is unknown"
	}
	return instance
}

func verified(health provision.Health, now time.Time) string {
	switch age := now.Sub(health.Time); {
	case !health.Exists():
		return ""
	case len(health.Access) == 0:
		return "not verified"
	case age < time.Minute:
		return "verified just now"
	default:
		return "verified " + plaintext.Age(age) + " ago"
	}
}

// showProblems shows what is wrong, each with what to do about it, and returns how many there are.
func showProblems(to *lines, health provision.Health) (n int) {
	for _, item := range health.Items {
		if item.Outcome.IsProblem() && (item.ID != "instance" || health.Exists()) { // the first line tells that
			n++
			showProblem(to, item.Finding, disruptions[item.Cost])
		}
	}
	for _, line := range health.Access {
		if line.Outcome.IsProblem() {
			n++
			line.Title = "access as " + line.Title
			showProblem(to, line, "")
		}
	}
	for _, one := range health.Socket.Reach {
		if !one.Expected {
			n++
			showProblem(to, provision.Finding{Title: one.Who, Outcome: provision.Failed,
				Found: "can reach the socket, and should not: " + one.How, Next: one.Next}, "")
		}
	}
	return n
}

func showProblem(to *lines, finding provision.Finding, cost string) {
	words := oneLine(to, finding.Found)
	if finding.Want != "" {
		words = "expected " + oneLine(to, finding.Want) + ", found " + words
	}
	if cost != "" {
		cost = to.paint(dimTone, " (repair: "+strings.TrimPrefix(cost, "none: ")+")")
	}
	to.drawn("  ", to.mark(finding.Outcome), " ", to.paint(strongTone, finding.Title), ": ", words, cost)
	to.more("      ", finding.Why)
	to.typed("      ", finding.Next)
}

// showLacks shows what this machine lacks, each with its command, and with all the evidence.
func showLacks(to *lines, lacks []provision.Finding, title string, all bool) {
	if len(lacks) > 0 {
		to.drawn("  ", to.clean(title))
	}
	for _, one := range lacks {
		showProblem(to, folded(one, all), "")
	}
}

// folded returns a finding without the evidence, unless all is set or nothing else tells what is wrong.
func folded(finding provision.Finding, all bool) provision.Finding {
	if !all && finding.Outcome == provision.Failed {
		finding.Why = ""
	}
	return finding
}

// showSocket shows the socket as ls does.
func showSocket(to *lines, socket provision.Socket, all bool) {
	if socket.Type == "" {
		return
	}
	words := []string{plaintext.Mode(socket.Type, socket.Mode), socket.Owner, socket.Group, socket.Path}
	to.drawn("  socket    ", to.clean(strings.Join(words, " ")))
	if socket.Host != "" {
		to.drawn("  forwarded ", to.clean(socket.Host))
	}
	who := "root"
	for _, one := range socket.Reach {
		if one.Expected {
			who += ", " + one.Who
		}
		if one.Expected && all {
			who += " (" + one.How + ")"
		}
	}
	to.drawn("  open to   ", to.clean(who))
}

// showFolded shows in one line how many things are fine.
func showFolded(to *lines, health provision.Health, wrong int) {
	fine, noun := 0, "check"
	for _, item := range health.Items {
		if !item.Outcome.IsProblem() {
			fine++
		}
	}
	if wrong > 0 {
		noun = "other check"
	}
	if fine > 0 || len(health.Access) > 0 {
		to.drawn("  ", to.mark(provision.OK), " ", to.dots(plaintext.Count(fine, noun), accessed(health.Access)))
	}
	if left := leftOut(health.Access); left != "" {
		to.drawn("  ", to.mark(provision.Omitted), " ",
			to.clean("not verified: "+left+" and limactl shell; worldsetup status --fresh does that"))
	}
}

// leftOut names the attempts to connect that were left out.
func leftOut(access []provision.Finding) string {
	var left []string
	for _, line := range access {
		if line.Outcome == provision.Omitted {
			left = append(left, line.Title)
		}
	}
	return strings.Join(left, ", ")
}

// accessed counts the attempts to connect that ended as they should.
func accessed(access []provision.Finding) string {
	count := map[string]int{}
	for _, line := range access {
		if line.Outcome == provision.OK {
			count[line.Found]++
		}
	}
	var parts []string
	for _, found := range []string{"answered", "refused"} {
		if count[found] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[found], found))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "access: " + strings.Join(parts, ", ")
}

func showAccess(to *lines, access []provision.Finding) {
	if len(access) == 0 {
		return
	}
	to.drawn("  access:")
	width := 0
	for _, line := range access {
		width = max(width, len(line.Title))
	}
	for _, line := range access {
		took := ""
		if line.Elapsed > 0 {
			took = plaintext.Duration(line.Elapsed)
		}
		to.drawn("  ", to.mark(line.Outcome), " ", fmt.Sprintf("%-*s  %-8s  ", width, to.clean(line.Title),
			oneLine(to, line.Found)), to.paint(dimTone, took))
	}
}

func showAgent(to *lines, agent provision.AgentInfo) {
	if agent.SHA256 == "" && agent.Version == "" {
		return
	}
	to.drawn("  agent:")
	table(to, [][]string{
		{"interface", agent.Version}, {"backend", agent.Backend}, {"platform", agent.Platform},
		{"features", strings.Join(agent.Features, ", ")}, {"sha256", agent.SHA256},
	})
}

// showItems shows the lines that are fine.
func showItems(to *lines, items []provision.Item) {
	for _, item := range items {
		if !item.Outcome.IsProblem() {
			to.drawn("  ", to.mark(item.Outcome), " ", to.clean(item.Title), ": ", oneLine(to, item.Found))
		}
	}
}

// showDrift shows what a run would do about it.
func showDrift(to *lines, health provision.Health, all bool) {
	drift := health.Drift
	switch {
	case drift.Empty():
	case all, len(drift.Steps) == 0:
		showPlan(to, drift, "")
	default:
		verb := "repair"
		if !health.Exists() {
			verb = "create"
		}
		to.drawn("  to ", verb, " it, in ", plaintext.Count(len(drift.Steps), "step"), usually(drift.Usual()), "; ",
			to.paint(dimTone, vmCommand("worldsetup plan", health.VM)+" shows them"))
		to.typed("      ", vmCommand("worldsetup", health.VM))
	}
}

// vmCommand returns the command about the VM of that name.
func vmCommand(command, vm string) string {
	if vm == provision.DefaultVM {
		return command
	}
	return command + " --vm " + shellescape.Quote(vm)
}

// showCommands shows what to type next.
func showCommands(to *lines, health provision.Health) {
	const curl, url = "curl -sS --unix-socket", "http://localhost/v1/capabilities"
	vm, socket := shellescape.Quote(health.VM), health.Socket
	to.printf("next, %stype:", when(to.demo, "with a real VM, "))
	to.typed("  ", vmCommand("worldsetup shell", health.VM))
	to.typed("  ", fmt.Sprintf("limactl shell --workdir / %s %s %s %s", vm, curl, shellescape.Quote(socket.Path), url))
	to.typed("  ", fmt.Sprintf("%s %s %s", curl, shellescape.Quote(socket.Host), url))
}
