package main

import (
	"context"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// statusCommand returns the command that verifies the world, once or until it is stopped.
func (a *app) statusCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "status [PROJECT]", Short: "verify the world by connecting; change nothing", Args: atMostOneProject,
	}
	var watch bool
	a.withOptions(command, &inputs{options: runOptions()}, func(ctx context.Context, c invocation) error {
		a.noteTrust(c)
		if watch {
			return a.watch(ctx, c.spec)
		}
		return a.status(ctx, c.spec)
	})
	command.Flags().BoolVar(&watch, "watch", false, "keep watching, and print a line whenever something changes")
	return command
}

func (a *app) status(ctx context.Context, spec provision.Spec) error {
	health, err := a.engine(provision.Setup{Spec: spec}).Status(ctx)
	if health.Schema == 0 { // nothing was observed
		return err
	}
	if a.json != nil {
		a.json.result(health)
	} else {
		showHealth(newLines(a.out, a.utf8), health)
	}
	return err
}

func (a *app) watch(ctx context.Context, spec provision.Spec) error {
	if a.json != nil {
		return a.engine(provision.Setup{Spec: spec, Events: a.json.show}).Watch(ctx, func(provision.Health) {})
	}
	to := newLines(a.out, a.utf8)
	return a.engine(provision.Setup{Spec: spec}).Watch(ctx, func(health provision.Health) { showChange(to, health) })
}

// showChange shows the state of a world in one line.
func showChange(to *lines, health provision.Health) {
	now := health.Time.Format("15:04:05")
	switch {
	case health.Run != nil:
		to.printf("%s provisioning in progress: %s", now, health.Run)
		return
	case health.Ready:
		to.printf("%s ready", now)
		return
	}
	var wrong []string
	for _, finding := range health.Wrong() {
		wrong = append(wrong, finding.Title+": "+oneLine(to, finding.Found))
	}
	to.printf("%s not ready: %s", now, strings.Join(wrong, "; "))
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
		to.printf("socket: not found; expected at %s", socket.Path)
		return
	}
	to.printf("socket:")
	table(to, [][]string{
		{"path", socket.Path}, {"type", socket.Type}, {"owner", socket.Owner}, {"group", socket.Group},
		{"mode", socket.Mode}, {"on the host", socket.Host},
	})
	to.printf("who can reach it:")
	rows := [][]string{{"root", "", "as always"}}
	for _, one := range socket.Reach {
		expected := map[bool]string{true: "as expected", false: "SHOULD NOT"}
		rows = append(rows, []string{one.Who, one.How, expected[one.Expected]})
	}
	table(to, rows)
}

func showAccess(to *lines, access []provision.Finding) {
	if len(access) == 0 {
		to.printf("access: not verified")
		return
	}
	to.printf("access:")
	rows := [][]string{{"who", "expected", "found", "took"}}
	for _, line := range access {
		took := ""
		if line.Elapsed > 0 {
			took = plaintext.Duration(line.Elapsed)
		}
		rows = append(rows, []string{line.Title, line.Want, line.Found, took})
	}
	table(to, rows)
	for _, line := range access {
		if line.Outcome != provision.OK {
			to.printf("  %s: %s: %s, expected %s", line.Outcome, line.Title, line.Found, line.Want)
			to.put("    next: ", "          ", line.Next)
		}
	}
}

func showAgent(to *lines, agent provision.AgentInfo) {
	switch {
	case agent.SHA256 == "" && agent.Version == "":
		to.printf("agent: not found")
		return
	case agent.Probe:
		to.printf("agent: the built-in PROBE agent, which runs no commands; install a real one with --agent FILE")
	default:
		to.printf("agent:")
	}
	table(to, [][]string{
		{"interface", agent.Version}, {"backend", agent.Backend}, {"platform", agent.Platform},
		{"features", strings.Join(agent.Features, ", ")}, {"sha256", agent.SHA256},
	})
}

// showItems shows what is wrong, and counts the rest.
func showItems(to *lines, items []provision.Item) {
	wrong := slices.DeleteFunc(slices.Clone(items), func(item provision.Item) bool {
		return item.Outcome == provision.OK || item.Outcome == provision.Info
	})
	to.printf("checks: %d of %d ok", len(items)-len(wrong), len(items))
	for _, item := range wrong {
		to.printf("  %s: %s", item.Outcome, item.Title)
		to.put("    expected:   ", "                ", item.Want)
		to.put("    found:      ", "                ", item.Found)
		to.put("    next:       ", "                ", item.Next)
		to.put("    disruption: ", "                ", disruptions[item.Cost])
	}
}

// showCommands shows what to type next.
func showCommands(to *lines, health provision.Health) {
	const curl, url = "curl -sS --unix-socket", "http://localhost/v1/capabilities"
	vm, socket := shellescape.Quote(health.VM), health.Socket
	to.printf("next, type:")
	to.printf("  limactl shell --workdir / %s %s %s %s", vm, curl, shellescape.Quote(socket.Path), url)
	to.printf("  %s %s %s", curl, shellescape.Quote(socket.Host), url)
}
