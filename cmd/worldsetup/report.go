package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// showCheck shows one prerequisite.
func showCheck(to *lines, check checks.Result) {
	to.printf("%s: %s: %s", check.Outcome, check.Title, check.Found)
	if check.Problem != nil {
		to.put("  why: ", "       ", check.Problem.Why)
		to.put("  next: ", "        ", check.Problem.Next)
	}
}

// showPlan shows a plan step by step with the reasons.
func showPlan(to *lines, plan provision.Plan, empty string) {
	switch {
	case plan.Blocked != nil:
		to.printf("plan: it cannot be made: %s", plan.Blocked.What)
	case len(plan.Replace) > 0 && len(plan.Steps) == 0:
		to.printf("plan: none; only another VM than %s would do:", plan.VM)
		for _, reason := range plan.Replace {
			to.printf("  - %s", reason)
		}
	case len(plan.Steps) == 0:
		to.printf("plan: %s", empty)
	default:
		showSteps(to, plan)
	}
	if plan.Unseen {
		to.printf("  more may follow: the inside of the VM is seen only when it runs")
	}
}

func showSteps(to *lines, plan provision.Plan) {
	var usual time.Duration
	for _, step := range plan.Steps {
		usual += step.Usual
	}
	to.printf("plan: %s for the VM %s%s", count(len(plan.Steps), "step"), plan.VM, usually(usual))
	for i, step := range plan.Steps {
		note := ""
		if step.Interrupts {
			note += "; programs in the VM are stopped by it"
		}
		if step.Destroys {
			note += "; DESTROYS a VM and all that is in it"
		}
		if step.Conditional {
			note += "; left out if not needed"
		}
		to.printf("  %2d. %s%s%s%s", i+1, step.Title, because(step.Reason), note, usually(step.Usual))
	}
	to.put("  cost: ", "        ", costs[plan.Rung()])
}

// showHealth shows the whole report.
func showHealth(to *lines, health provision.Health) {
	state := "not ready"
	if health.Ready {
		state = "ready"
	}
	to.printf("health of the VM %s: %s (it is %s)", health.VM, state, health.Instance)
	showSocket(to, health.Socket)
	showAccess(to, health.Access)
	showAgent(to, health.Agent)
	showItems(to, health.Items)
	if !health.Drift.Empty() {
		showPlan(to, health.Drift, "")
	}
	if health.Ready {
		showCommands(to, health)
	}
}

func showSocket(to *lines, socket provision.Socket) {
	if socket.Type == "" {
		to.printf("socket: not seen; it belongs at %s", socket.Path)
		return
	}
	members := strings.Join(socket.Members, ", ")
	if members == "" {
		members = "nobody"
	}
	to.printf("socket:")
	table(to, [][]string{
		{"path", socket.Path}, {"type", socket.Type}, {"owner", socket.Owner}, {"group", socket.Group},
		{"mode", socket.Mode}, {"members", members}, {"on the host", socket.Host},
	})
}

func showAccess(to *lines, access []provision.Access) {
	if len(access) == 0 {
		to.printf("access: not tried")
		return
	}
	to.printf("access:")
	rows := [][]string{{"who", "wanted", "found", "took"}}
	for _, line := range access {
		took := ""
		if line.Took > 0 {
			took = plaintext.Duration(line.Took)
		}
		rows = append(rows, []string{line.Who.Title(), line.Want, line.Found, took})
	}
	table(to, rows)
	for _, line := range access {
		if line.Outcome != provision.OK {
			to.printf("  %s: %s: %s, and %s was wanted", line.Outcome, line.Who.Title(), line.Found, line.Want)
			to.put("    next: ", "          ", line.Remedy)
		}
	}
}

func showAgent(to *lines, agent provision.AgentInfo) {
	if agent.SHA256 == "" && agent.Version == "" {
		to.printf("agent: none seen")
		return
	}
	if agent.Probe {
		to.printf("agent: the built-in PROBE agent, which answers questions and runs no commands; install a real one with --agent FILE")
	} else {
		to.printf("agent:")
	}
	table(to, [][]string{
		{"interface", agent.Version}, {"backend", agent.Backend}, {"platform", agent.Platform},
		{"features", strings.Join(agent.Features, ", ")}, {"sha256", agent.SHA256},
	})
}

// showItems shows what is not right, and counts the rest.
func showItems(to *lines, items []provision.Item) {
	wrong := slices.DeleteFunc(slices.Clone(items), func(item provision.Item) bool {
		return item.Outcome == provision.OK || item.Outcome == provision.Info
	})
	to.printf("items: %d of %d as they should be", len(items)-len(wrong), len(items))
	for _, item := range wrong {
		to.printf("  %s: %s", item.Outcome, item.Title)
		to.put("    expected: ", "              ", item.Want)
		to.put("    found:    ", "              ", item.Found)
		to.put("    next:     ", "              ", item.Remedy)
		to.put("    cost:     ", "              ", costs[item.Cost])
	}
}

// costs says what a rung of the ladder means for whoever works in the VM.
var costs = map[provision.Rung]string{
	provision.RungLive:       "none: whatever runs goes on",
	provision.RungUnit:       "the agent is restarted",
	provision.RungConnection: "Lima's shared connection is made anew; mounts and what runs stay",
	provision.RungRestart:    "the VM is restarted",
	provision.RungForce:      "the VM's power is taken away, and it is started again",
	provision.RungReplace:    "only another VM helps",
}

// showCommands says what to type next.
func showCommands(to *lines, health provision.Health) {
	const url = "http://localhost/v1/capabilities"
	to.printf("next, type:")
	to.printf("  limactl shell --workdir / %s curl -sS --unix-socket %s %s", shellescape.Quote(health.VM), shellescape.Quote(health.Socket.Path), url)
	to.printf("  curl -sS --unix-socket %s %s", shellescape.Quote(health.Socket.Host), url)
}

// table shows rows with their columns below each other; rows whose cells after the first are empty are left out.
func table(to *lines, rows [][]string) {
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if strings.Join(row[1:], "") == "" {
			continue
		}
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = oneLine(to, cell)
		}
		fmt.Fprintln(columns, strings.Join(cells, "\t"))
	}
	columns.Flush()
	for line := range strings.Lines(text.String()) {
		to.printf("  %s", line)
	}
}

// oneLine keeps a cell from breaking its table.
func oneLine(to *lines, cell string) string {
	var parts []string
	for line := range strings.Lines(cell) {
		parts = append(parts, to.clean(strings.TrimSpace(line)))
	}
	return strings.Join(parts, "; ")
}
