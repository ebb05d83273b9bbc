package main

import (
	"context"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision"
)

// listCommand returns the command that lists the worlds on this machine.
func (a *app) listCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "list", Short: "list the worlds on this machine, and their state", Args: noArguments,
		Example: examples("worldsetup list", "worldsetup list --json"),
	}
	in := &inputs{options: optionsNamed("timeout"), noFiles: true}
	a.withOptions(command, in, func(ctx context.Context, c invocation) error { return a.list(ctx, c.spec) })
	return hide(command, "verbose")
}

// worldsObject is the JSON form of the list.
type worldsObject struct {
	Schema int                `json:"schema"`
	Worlds []provision.Health `json:"worlds"`
}

func (a *app) list(ctx context.Context, spec provision.Spec) error {
	names := provision.Worlds(spec.LimaHome)
	worlds, notes := make([]provision.Health, len(names)), make([]string, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(crash.Guard(func() { worlds[i], notes[i] = a.glance(ctx, spec, name) }))
	}
	wait.Wait()
	if ctx.Err() != nil {
		return provision.StoppedError("not all worlds were observed", context.Cause(ctx))
	}
	if a.json != nil {
		a.json.result(worldsObject{provision.Schema, worlds})
		return nil
	}
	showWorlds(a.stdout(), worlds, notes)
	return nil
}

// glance returns the report of a world, and what else there is to say about it.
func (a *app) glance(ctx context.Context, spec provision.Spec, name string) (health provision.Health, note string) {
	spec.VM = name
	health, err := a.engine(provision.Setup{Spec: spec, Reuse: true}).Status(ctx)
	if health.Schema == 0 { // there is no report
		health = provision.Health{
			Schema: provision.Schema, VM: name, Instance: "unknown", Access: []provision.Finding{},
			Items: []provision.Item{}, Socket: provision.Socket{Reach: []provision.Reach{}},
			Drift: provision.Plan{VM: name, Steps: []provision.Step{}},
		}
		note = provision.AsError(err).What
	}
	return health, note
}

// showWorlds shows a line for each world.
func showWorlds(to *lines, worlds []provision.Health, notes []string) {
	if len(worlds) == 0 {
		to.drawn("no worlds on this machine; to make one:")
		to.typed("  ", "worldsetup")
		return
	}
	var rows [][]string
	for i, world := range worlds {
		verdict, project := "not ready", ""
		if world.Ready {
			verdict = "ready"
		}
		if world.Agent.Probe {
			verdict += " (PROBE)"
		}
		if world.Drift.Existing != nil {
			project = tilde(world.Drift.Existing.Project)
			if seen := world.Drift.Existing.LastSeen; seen != nil && notes[i] == "" {
				notes[i] = seen.String()
			}
		}
		rows = append(rows, []string{world.VM, verdict, stateOf(world.Instance), project, notes[i]})
	}
	for i, line := range aligned(to, rows) {
		outcome := provision.Failed
		if worlds[i].Ready {
			outcome = provision.OK
		}
		to.drawn(to.mark(outcome), " ", line)
	}
}

// tilde shortens a path in the home directory.
func tilde(path string) string {
	home, err := os.UserHomeDir()
	if rest, found := strings.CutPrefix(path, home+"/"); err == nil && found {
		return "~/" + rest
	}
	return path
}
