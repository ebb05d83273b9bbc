package main

import (
	"context"
	"io"
	"os"

	"github.com/charmbracelet/x/term"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/tui"
)

// terminal is where a person sits. The zero value is nobody.
type terminal struct {
	in  io.Reader
	out io.Writer
}

// terminal finds somebody to show the wizard to: a terminal to read keys from, and one to draw on. Where standard output
// is redirected that is standard error, and the result alone goes to standard output.
func (s streams) terminal() terminal {
	if name := s.Getenv("TERM"); name == "" || name == "dumb" || s.Getenv("ACCESSIBLE") != "" {
		return terminal{}
	}
	return s.person()
}

// person finds somebody who can be asked in lines: a terminal on both sides, of whatever kind.
func (s streams) person() terminal {
	if !isTerminal(s.In) {
		return terminal{}
	}
	for _, out := range []io.Writer{s.Out, s.Err} {
		if isTerminal(out) {
			return terminal{s.In, out}
		}
	}
	return terminal{}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(file.Fd())
}

// draws says whether the wizard is the face that is wanted.
func (a *app) draws() bool { return a.json == nil && !a.plain && a.terminal.out != nil }

// wizard sets up the world on the terminal. What it came to is told in plain lines after it, where they can be scrolled to.
func (a *app) wizard(ctx context.Context, options tui.Options) error {
	options.Input, options.Output, options.UTF8 = a.terminal.in, a.terminal.out, a.utf8
	options.NoColor, options.Still = a.getenv("NO_COLOR") != "", a.getenv("WORLDSETUP_REDUCED_MOTION") != ""
	options.Mouse = !a.noMouse && a.getenv("WORLDSETUP_NO_MOUSE") == ""
	giveBack := a.screen.take(a.terminal)
	outcome, err := tui.Run(ctx, options)
	giveBack()
	if outcome.Health != nil {
		to := newLines(a.out, a.utf8)
		if options.Banner != "" {
			to.printf("%s", options.Banner)
		}
		showHealth(to, *outcome.Health)
	}
	if outcome.Removed {
		newLines(a.out, a.utf8).printf("removed: the world in the VM %s is gone", options.VM)
	}
	if outcome.Err != nil {
		return outcome.Err // not as it stands: a nil *Error is no nil error
	}
	return err
}

// wizardFor are the options of a wizard on this machine.
func (a *app) wizardFor(spec provision.Spec, chosen func(provision.Choices)) tui.Options {
	return tui.Options{
		VM: spec.VM, LogPath: provision.LogPath(spec), Choices: choicesOf(spec), Replacing: spec.Replace != "",
		Check: func(_ context.Context, c provision.Choices) provision.Validation { return judgeChoices(spec, c) },
		Save:  func(_ context.Context, c provision.Choices) (string, error) { return keepChoices(c) },
		Fix:   a.fixer(spec),
		Export: func(_ context.Context, health provision.Health) (string, error) {
			return exportHealth(spec.StateDir, health)
		},
		Engine: func(r tui.Request) tui.Engine {
			chosen(r.Choices)
			return a.engine(setupFor(spec, r))
		},
	}
}

// setupFor is what a wizard asks for.
func setupFor(spec provision.Spec, r tui.Request) provision.Setup {
	spec, _ = withChoices(spec, r.Choices) // what is wrong with it, the engine says, too
	spec.Replace = r.Replace
	return provision.Setup{Spec: spec, Events: r.Events, Approve: r.Approve}
}
