package tui

import (
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// Messages are for changes of state only: Bubble Tea draws after each one.

// tickMsg is the beat at which the mailbox is emptied and the clock moves, while a call is running; a slow one moves
// the clock while something on the screen grows old. Only those of the present series count.
type tickMsg struct {
	now    time.Time
	series int
}

// listenMsg ends a moment in which keys are ignored.
type listenMsg struct{}

// endedMsg reports the end of a call of the engine.
type endedMsg struct {
	call   call
	now    time.Time
	plan   provision.Plan    // of planning
	health *provision.Health // of a run or a verification; nil when nothing was observed
	err    *provision.Error
}

// cancelledMsg reports that the context of the wizard has ended: a signal came.
type cancelledMsg struct{ cause error }

// validatedMsg holds the validation of choices.
type validatedMsg struct {
	choices    provision.Choices
	validation provision.Validation
}

// writtenMsg reports where a file was written, or why it was not.
type writtenMsg struct{ alert }

// fixedMsg reports the end of a fix; an error is why it did not help.
type fixedMsg struct{ err error }
