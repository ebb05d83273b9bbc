package tui

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// Commands do the I/O, each in a goroutine of its own, and come back with a message.

// beat is how often the mailbox is emptied: often enough to seem immediate, rarely enough to cost nothing.
const beat = 50 * time.Millisecond

// tick sends the next tick of a series.
func tick(series int, after time.Duration, now func() time.Time) tea.Cmd {
	return tea.Tick(after, func(time.Time) tea.Msg { return tickMsg{now(), series} })
}

// listen ends the moment in which keys are ignored.
func listen(after time.Duration) tea.Cmd {
	return tea.Tick(after, func(time.Time) tea.Msg { return listenMsg{} })
}

// callPerson calls a person to the terminal: with its bell, and with a notification (OSC 9) where it has them.
func callPerson(words string) tea.Cmd { return tea.Raw("\a\x1b]9;" + words + "\a") }

// callEngine makes a call of the engine and sends its end.
func callEngine(ctx context.Context, w *worker, what call, request Request) tea.Cmd {
	return func() tea.Msg { return w.do(ctx, what, request) }
}

// cancel ends the context of a call.
func cancel(stop context.CancelCauseFunc, cause error) tea.Cmd {
	return func() tea.Msg {
		stop(cause)
		return nil
	}
}

// waitForCancel waits for the end of the wizard's context.
func waitForCancel(ctx context.Context) tea.Cmd {
	return func() tea.Msg {
		<-ctx.Done()
		return cancelledMsg{context.Cause(ctx)}
	}
}

// validate validates choices.
func validate(ctx context.Context, options Options, choices provision.Choices) tea.Cmd {
	return func() tea.Msg { return validatedMsg{choices, options.Check(ctx, choices)} }
}

// save saves choices to a file.
func save(ctx context.Context, options Options, choices provision.Choices) tea.Cmd {
	return func() tea.Msg { return written("Saved in ", "Not saved: ")(options.Save(ctx, choices)) }
}

// export writes a report to a file.
func export(ctx context.Context, options Options, health provision.Health) tea.Cmd {
	return func() tea.Msg {
		return written("The report was written to ", "The report was not written: ")(options.Export(ctx, health))
	}
}

// written makes the message about a file that was to be written.
func written(to, not string) func(path string, err error) tea.Msg {
	return func(path string, err error) tea.Msg {
		if err != nil {
			return writtenMsg{alert{provision.Failed, not + err.Error()}}
		}
		return writtenMsg{alert{provision.OK, to + path}}
	}
}

// runFix runs the fix of a check while the terminal is its own: it may ask for a password.
func runFix(ctx context.Context, options Options, check string) tea.Cmd {
	fix := &fixCommand{ctx: ctx, fix: options.Fix, check: check}
	return tea.Exec(fix, func(err error) tea.Msg { return fixedMsg{err} })
}

// fixCommand is a fix in the form that Bubble Tea gives the terminal to.
type fixCommand struct {
	ctx   context.Context
	fix   func(context.Context, string, io.Reader, io.Writer) error
	check string
	in    io.Reader
	out   io.Writer
}

func (f *fixCommand) SetStdin(in io.Reader)   { f.in = in }
func (f *fixCommand) SetStdout(out io.Writer) { f.out = out }
func (f *fixCommand) SetStderr(io.Writer)     {}

func (f *fixCommand) Run() (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = errors.New(provision.PanicError(problem).What)
		}
	}()
	defer time.Sleep(handover)
	return f.fix(f.ctx, f.check, f.in, f.out)
}

// handover is for Bubble Tea (v2.1.1), which stops the ticker of its frames a moment after it has released the
// terminal: a fix that ended before that would leave a screen that nothing draws.
const handover = 100 * time.Millisecond
