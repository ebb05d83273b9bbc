// Package tui is the wizard: the screens of a run on a terminal, from the prerequisites over the plan and the progress
// to the health of the world.
//
// One root model routes. A page per screen writes its lines and offers what can be done on it; keys, footer and help
// all come from those offers. The events of the engine are folded into one [provision.Progress], which every page
// reads.
//
// The rules are: this package acts through an Engine and in no other way; what a plan means, package provision decides.
// Update does no I/O, View is a pure function of the model. Log lines never travel as messages: the engine puts them
// into a mailbox that one tick empties. Nothing is shown by colour alone, and foreign text passes through
// internal/plaintext before it is shown. How a run ended is a field of the Outcome: that the program ended without an
// error means nothing.
//
// Hand-written in spite of bubbles: the footer, since help draws one line without places to click; the progress bar,
// two calls of strings.Repeat where progress brings a physics engine; the log, since viewport would wrap all of its
// 5,000 lines for each frame. Spinners have the frames of bubbles, and the one tick of the wizard moves them all.
package tui

import (
	"context"
	"errors"
	"io"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision"
)

// framesPerSecond is the most that Bubble Tea allows. The first frame, and the answer to a key, wait for the next one.
const framesPerSecond = 120

// Run shows the wizard until it is left, and returns its outcome. When ctx ends, so does the current call, and then the
// wizard. The error is of the terminal. No call is running any more when Run returns, unless the outcome is Abandoned.
func Run(ctx context.Context, options Options) (Outcome, error) {
	options, err := options.check()
	if err != nil {
		return Outcome{}, err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	options.Input = watchInput(options.Input, func() { end(errClosed) })
	// The width of the first character beyond ASCII makes a table of 2 MB, which the first frame would wait for.
	go crash.Guard(func() { ansi.WcWidth.StringWidth("…") })()
	m := newModel(ctx, options)
	program := tea.NewProgram(
		m, tea.WithInput(options.Input), tea.WithOutput(options.Output), tea.WithoutSignalHandler(),
		tea.WithFPS(framesPerSecond), tea.WithEnvironment(options.Environment),
	)
	_, err = program.Run()
	end(errClosed)
	if m.outcome != nil && m.outcome.Abandoned {
		return *m.outcome, nil
	}
	m.worker.close()
	if err == nil && m.outcome != nil {
		return *m.outcome, nil
	}
	if errors.Is(err, tea.ErrProgramPanic) {
		return Outcome{Err: provision.PanicError(err)}, err
	}
	return Outcome{Err: provision.StoppedError("the terminal was closed", err)}, err
}

// terminal is a file that Bubble Tea treats as a terminal: it needs more than to read.
type terminal interface {
	io.ReadWriteCloser
	Fd() uintptr
	Name() string
}

// watchInput calls closed when a terminal can't be read any more. Its end sends SIGHUP as well, but that may be ignored
// (nohup), and Bubble Tea takes the end of its input for silence. The end of other inputs means nothing.
func watchInput(input io.Reader, closed func()) io.Reader {
	if terminal, ok := input.(terminal); ok {
		return &watchedInput{terminal, closed}
	}
	return input
}

type watchedInput struct {
	terminal
	closed func()
}

func (w *watchedInput) Read(p []byte) (int, error) {
	n, err := w.terminal.Read(p)
	if err != nil {
		w.closed()
	}
	return n, err
}
