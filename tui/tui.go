package tui

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"
)

// Run shows the wizard until it is left, and returns what came of it. When ctx ends, so does what is under way, and then
// the wizard. The error is of the terminal. Nothing that was begun is under way any more when Run returns, unless somebody
// insisted on leaving.
func Run(ctx context.Context, options Options) (Outcome, error) {
	options, err := options.check()
	if err != nil {
		return Outcome{}, err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	options.Input = present(options.Input, func() { end(errGone) })
	m := newModel(ctx, options)
	program := tea.NewProgram(m, tea.WithInput(options.Input), tea.WithOutput(options.Output), tea.WithoutSignalHandler())
	_, err = program.Run()
	end(errGone)
	if m.outcome != nil && m.outcome.Abandoned {
		return *m.outcome, nil
	}
	m.worker.close()
	if err == nil && m.outcome != nil {
		return *m.outcome, nil
	}
	if errors.Is(err, tea.ErrProgramPanic) {
		return Outcome{Err: bug(err.Error())}, err
	}
	return Outcome{Err: interruption("the terminal went away", err), Cancelled: true}, err
}
