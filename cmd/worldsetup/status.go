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
		Example: examples("worldsetup status", "worldsetup status -v", "worldsetup status --quiet && echo ready",
			"worldsetup status --watch --timeout 10m"),
	}
	var watch bool
	in := &inputs{options: runOptions(), unused: changing}
	a.withOptions(command, in, func(ctx context.Context, c invocation) error {
		a.noteTrust(c)
		if watch {
			return a.watch(ctx, c)
		}
		return a.status(ctx, c.spec)
	})
	command.Flags().BoolVar(&watch, "watch", false, "keep watching, and print a line whenever something changes")
	group(command, groupRun, "watch")
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
		showHealth(a.stdout(), health, time.Now(), a.verbose)
		a.shown = !a.quiet
	}
	return err
}

// errWatched is the end of a watch by --timeout.
var errWatched = errors.New("the time that --timeout allows is over")

// watch shows every change. When the time that was given is over, it succeeds if the world is ready then.
func (a *app) watch(ctx context.Context, c invocation) error {
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
	err := a.engine(provision.Setup{Spec: c.spec, Events: show}).Watch(ctx, func(health provision.Health) {
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
