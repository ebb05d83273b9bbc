package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/tui"
)

// draws reports whether the wizard is the face of this call.
func (a *app) draws() bool { return a.json == nil && !a.plain && a.terminal.out != nil }

// wizard runs the wizard on the terminal. It prints the result in plain lines after it, for the scrollback.
func (a *app) wizard(ctx context.Context, opts tui.Options) error {
	opts.Input, opts.Output, opts.UTF8 = a.terminal.in, a.terminal.out, a.utf8
	opts.NoColor = a.look == "never" || a.look != "always" && a.getenv("NO_COLOR") != ""
	if a.look == "always" { // Bubble Tea reads the variable, too
		opts.Environment = slices.DeleteFunc(os.Environ(), func(one string) bool {
			return strings.HasPrefix(one, "NO_COLOR=")
		})
	}
	opts.Still = a.getenv("WORLDSETUP_REDUCED_MOTION") != ""
	opts.Mouse = !a.noMouse && a.getenv("WORLDSETUP_NO_MOUSE") == ""
	if opts.Now == nil {
		opts.Now = time.Now
	}
	release := a.screen.take(a.terminal)
	outcome, err := tui.Run(ctx, opts)
	release()
	if outcome.Health != nil {
		to := a.stdout()
		if opts.Banner != "" {
			to.printf("%s", opts.Banner)
		}
		showHealth(to, *outcome.Health, opts.Now(), a.verbose)
	}
	if outcome.Removed {
		a.stdout().printf("removed: the world in the VM %s was deleted", opts.VM)
	}
	if outcome.Err != nil {
		return outcome.Err // in an if: a nil *Error is not a nil error
	}
	return err
}

// wizardFor returns the options of a wizard. It passes what the user chooses to chosen.
func (a *app) wizardFor(spec provision.Spec, chosen func(provision.Choices)) tui.Options {
	opts := tui.Options{
		VM: spec.VM, LogPath: provision.LogPath(spec), Report: reportCommand(spec.VM),
		Choices: choicesOf(spec), Replacing: spec.Replace != "",
		Check: func(_ context.Context, c provision.Choices) provision.Validation { return validateChoices(spec, c) },
		Save:  func(_ context.Context, c provision.Choices) (string, error) { return a.saveChoices(c, spec.StateDir) },
		Fix:   a.fixer(spec),
		Export: func(_ context.Context, health provision.Health) (string, error) {
			return exportHealth(spec.StateDir, health)
		},
		Engine: func(r tui.Request) tui.Engine {
			chosen(r.Choices)
			chosenSpec, _ := withChoices(spec, r.Choices) // the engine reports what is wrong with them, too
			chosenSpec.Replace, chosenSpec.Adopt = r.Replace, cmp.Or(r.Adopt, spec.Adopt)
			chosenSpec.Restore, chosenSpec.Remove = r.Restore, r.Remove
			chosenSpec.Allow = cmp.Or(r.Allow, spec.Allow)
			return a.engine(provision.Setup{Spec: chosenSpec, Events: r.Events, Approve: r.Approve})
		},
	}
	if a.simulation != nil {
		opts.Banner, opts.Now, opts.Save, opts.Settle = demoBanner, a.simulation.Now, nil, a.simulation.Settle()
		opts.Report = ""
	}
	return opts
}

// exportHealth writes a report as JSON to the state directory, for its owner only, all of it or nothing. It returns
// the path.
func exportHealth(stateDir string, health provision.Health) (path string, err error) {
	text, err := json.MarshalIndent(health, "", "  ")
	if err != nil {
		return "", err
	}
	text = plaintext.RedactJSON(text)
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return "", err
	}
	stamp := health.Time.UTC().Format("20060102T150405Z")
	path = filepath.Join(stateDir, fmt.Sprintf("%s-health-%s.json", health.VM, stamp))
	return path, config.Write(path, append(text, '\n'), 0o600)
}
