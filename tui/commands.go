package tui

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// beat is how often news are looked for: fast enough to look immediate, slow enough to cost nothing.
const beat = 50 * time.Millisecond

// tick brings the next beat.
func tick(now func() time.Time) tea.Cmd {
	return tea.Tick(beat, func(time.Time) tea.Msg { return tickMsg{now()} })
}

// work has the engine make a call and brings its end.
func work(w *worker, ctx context.Context, what call, request Request) tea.Cmd {
	return func() tea.Msg { return w.do(ctx, what, request) }
}

// lookAhead finds out what a call would do, and changes nothing.
func lookAhead(w *worker, ctx context.Context, about call, request Request) tea.Cmd {
	return func() tea.Msg {
		ended := w.do(ctx, plans[about], request)
		return foreseenMsg{about, ended.plan, ended.err}
	}
}

// cancel ends the context of a call.
func cancel(stop context.CancelCauseFunc, cause error) tea.Cmd {
	return func() tea.Msg {
		stop(cause)
		return nil
	}
}

// heed waits for the caller to want the wizard's end.
func heed(ctx context.Context) tea.Cmd {
	return func() tea.Msg {
		<-ctx.Done()
		return cancelledMsg{context.Cause(ctx)}
	}
}

// judge finds out what choices come to.
func judge(ctx context.Context, options Options, choices provision.Choices) tea.Cmd {
	return func() tea.Msg { return checkedMsg{choices, options.Check(ctx, choices)} }
}

// retain has choices kept.
func retain(ctx context.Context, options Options, choices provision.Choices) tea.Cmd {
	return func() tea.Msg {
		path, err := options.Keep(ctx, choices)
		return keptMsg{path, err}
	}
}

// write has a report written to a file.
func write(ctx context.Context, options Options, health provision.Health) tea.Cmd {
	return func() tea.Msg {
		path, err := options.Export(ctx, health)
		return exportedMsg{path, err}
	}
}

// mend has a fix made while the terminal is its own: it may ask for a password.
func mend(ctx context.Context, options Options, check string) tea.Cmd {
	return tea.Exec(&fixing{ctx: ctx, fix: options.Fix, check: check}, func(err error) tea.Msg { return fixedMsg{err} })
}

// fixing is a fix in the form that Bubble Tea gives the terminal to.
type fixing struct {
	ctx   context.Context
	fix   func(context.Context, string, io.Reader, io.Writer) error
	check string
	in    io.Reader
	out   io.Writer
}

func (f *fixing) SetStdin(in io.Reader)   { f.in = in }
func (f *fixing) SetStdout(out io.Writer) { f.out = out }
func (f *fixing) SetStderr(io.Writer)     {}

func (f *fixing) Run() (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = errors.New("worldsetup has a bug")
		}
	}()
	defer time.Sleep(settling)
	return f.fix(f.ctx, f.check, f.in, f.out)
}

// settling is for Bubble Tea (v2.1.1), which stops the ticker of its frames a moment after it has let go of the terminal: a fix
// that ended before that would leave a screen that nothing draws.
const settling = 100 * time.Millisecond

// healthOf is health, or nil when it says nothing.
func healthOf(health provision.Health) *provision.Health {
	if health.Schema == 0 {
		return nil
	}
	return &health
}
