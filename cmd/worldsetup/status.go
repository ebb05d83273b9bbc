package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
)

// statusCommand returns the command that verifies the world, once or until it is stopped.
func (a *app) statusCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "status [PROJECT]", Short: "verify the world by connecting; change nothing",
		Args: atMostOneProject,
		Long: "status observes everything, and verifies over the connections that are open, in one round trip. What only a " +
			"new login can show is left to --fresh, unless something else is wrong. --quick asks only the agent, through " +
			"the socket on this machine, and runs no other program: for shell prompts and hooks.",
		Example: examples("worldsetup status", "worldsetup status -v", "worldsetup status --fresh --quiet && echo ready",
			"worldsetup status --quick --quiet && echo it answers", "worldsetup status --watch --timeout 10m"),
	}
	var watch, fresh, quick bool
	in := &inputs{options: runOptions(), unused: changing}
	a.withOptions(command, in, func(ctx context.Context, c invocation) error {
		switch {
		case quick && (watch || fresh):
			return usage("leave one of them out", "--quick excludes --watch and --fresh")
		case quick:
			return a.quickStatus(ctx, c.spec)
		}
		a.noteTrust(c)
		if watch {
			return a.watch(ctx, c, !fresh)
		}
		return a.status(ctx, provision.Setup{Spec: c.spec, Reuse: !fresh})
	})
	command.Flags().BoolVar(&watch, "watch", false, "keep watching, and print a line whenever something changes")
	command.Flags().BoolVar(&fresh, "fresh", false,
		"verify over a new login as well, through a socket forwarded by it, and by limactl shell")
	command.Flags().BoolVar(&quick, "quick", false,
		"only ask the agent, through the socket on this machine; with --quiet, the exit code is all")
	group(command, groupRun, "watch", "fresh", "quick")
	return command
}

// quickStatus reports whether the agent answers.
func (a *app) quickStatus(ctx context.Context, spec provision.Spec) error {
	now, err := a.engine(provision.Setup{Spec: spec}).Quick(ctx)
	a.silent = a.quiet && now.Error != nil // of what it is to report, the exit code is all
	switch to := a.stdout(); {
	case now.Schema == 0: // it did not ask
	case a.json != nil:
		a.json.result(now)
	case now.Answers:
		to.drawn(to.mark(provision.OK), " ", to.paint(strongTone, now.VM), ": ",
			to.dots("the agent answers", to.clean("agent "+strings.TrimSpace(now.Agent.Backend+" "+now.Agent.Version))))
	}
	return err
}

func (a *app) status(ctx context.Context, setup provision.Setup) error {
	health, err := a.engine(setup).Status(ctx)
	if health.Schema == 0 { // nothing was observed
		return err
	}
	if a.json != nil {
		a.json.result(health)
	} else {
		showHealth(a.stdout(), health, time.Now(), a.verbose)
		a.shown = !a.quiet
	}
	return err
}

// errWatched is the end of a watch by --timeout.
var errWatched = errors.New("the time limit of --timeout was reached")

// watch shows every change; reuse is [provision.Setup.Reuse]. When the time that was given is over, it succeeds if the
// world is ready then.
func (a *app) watch(ctx context.Context, c invocation, reuse bool) error {
	if indexOf(c.values, "timeout") >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.spec.Timeout, errWatched)
		defer cancel()
	}
	var last provision.Health
	over := func() bool { return errors.Is(context.Cause(ctx), errWatched) && last.Schema != 0 }
	show := func(event provision.Event) {
		if event.Type == provision.EventFinished && over() {
			result := *event.Result
			result.Ready, result.Error = last.Ready, provision.AsError(last.Err())
			event.Result = &result
		}
		if a.json != nil {
			a.json.show(event)
		}
	}
	to := a.stdout()
	err := a.engine(provision.Setup{Spec: c.spec, Events: show, Reuse: reuse}).Watch(ctx, func(health provision.Health) {
		if last = health; a.json == nil {
			showChange(to, health)
		}
	})
	if over() {
		return last.Err()
	}
	return err
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
