package tui

import (
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// Messages are for changes of state only: Bubble Tea draws after each one.

// tickMsg is the beat at which the mailbox is emptied and the clock moves, while the engine is at work.
type tickMsg struct{ now time.Time }

// endedMsg says that the engine has ended a call.
type endedMsg struct {
	call   call
	now    time.Time
	plan   provision.Plan    // of a planning
	health *provision.Health // of a run or a proof; nil when nothing was found out
	err    *provision.Error
}

// foreseenMsg brings what would be done about a VM as a whole, or why that is refused.
type foreseenMsg struct {
	about call
	plan  provision.Plan
	err   *provision.Error
}

// cancelledMsg says that the caller of the wizard wants it to end: a signal came.
type cancelledMsg struct{ cause error }

// checkedMsg brings what choices come to.
type checkedMsg struct {
	choices provision.Choices
	verdict provision.Validation
}

// exportedMsg says where a report was written, or why it was not.
type exportedMsg struct {
	path string
	err  error
}

// keptMsg says where choices were kept, or why they were not.
type keptMsg struct {
	path string
	err  error
}

// fixedMsg says that a fix has ended; an error says why it did not help.
type fixedMsg struct{ err error }
