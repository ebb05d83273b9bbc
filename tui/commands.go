package tui

import (
	"context"
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
func work(w *worker, ctx context.Context, what call) tea.Cmd {
	return func() tea.Msg { return w.do(ctx, what) }
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

// healthOf is health, or nil when it says nothing.
func healthOf(health provision.Health) *provision.Health {
	if health.Schema == 0 {
		return nil
	}
	return &health
}
