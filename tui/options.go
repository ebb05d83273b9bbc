package tui

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// Engine is the part of a [provision.Setup] that the wizard uses.
type Engine interface {
	Plan(context.Context) (provision.Plan, error)
	Run(context.Context) (provision.Health, error)
	Status(context.Context) (provision.Health, error)
	// Restore restores the kept VM, and Remove deletes the world, when the request names the VM as the consent to that.
	Restore(context.Context) (provision.Health, error)
	Remove(context.Context) error
	// PlanRestore and PlanRemove plan what these would do.
	PlanRestore(context.Context) (provision.Plan, error)
	PlanRemove(context.Context) (provision.Plan, error)
	// Watch calls changed at once and whenever what can be observed changes, until its context ends.
	Watch(ctx context.Context, changed func(provision.Health)) error
}

// Request is the request that an engine is made for.
type Request struct {
	Choices provision.Choices
	// Replace is the name of the VM when a person typed it as the consent to replace it, or wants to see the plan of a
	// replacement; empty otherwise. Restore and Remove are the consents to those.
	Replace, Restore, Remove string
	// Adopt is the name of the VM when a person typed it as the consent to adopt it, or wants to see the plan of that;
	// empty otherwise.
	Adopt string
	// Allow is the disruption that a person agreed to, beyond that of the run's first plan; empty for none.
	Allow provision.Disruption
	// Approve is called with the plan that is about to be applied; an error of it ends the run unchanged.
	Approve func(context.Context, provision.Plan) error
	// Events gets what the engine emits.
	Events func(provision.Event)
}

// Options configure a wizard. Engine, Input and Output are required; an action whose function is nil is not offered.
type Options struct {
	// Engine makes an engine.
	Engine func(Request) Engine
	// Choices are the initial ones, and Check validates others. It may read files.
	Choices provision.Choices
	Check   func(context.Context, provision.Choices) provision.Validation
	// Save saves choices for the next time and returns the path of the file.
	Save func(context.Context, provision.Choices) (path string, err error)
	// Replacing starts with the plan of a replacement. A person still has to consent.
	Replacing bool
	// Fix runs the fix of a failed prerequisite, with the terminal to itself. The error is why that did not help.
	Fix func(ctx context.Context, check string, in io.Reader, out io.Writer) error
	// Export writes a report to a file and returns its path.
	Export func(context.Context, provision.Health) (path string, err error)

	// Input and Output are the terminal.
	Input  io.Reader
	Output io.Writer

	// VM is the name of the VM, and LogPath the file of the log; both are only shown.
	VM, LogPath string
	// Report is the command that writes an archive for a report of a failure; only shown, and empty for none.
	Report string
	// Banner is shown on every screen; a simulation calls itself one here.
	Banner string
	// Environment decides which colours the terminal has; nil means that of this process.
	Environment []string
	// UTF8 shows more than ASCII.
	UTF8 bool
	// NoColor shows no colours.
	NoColor bool
	// Still stops animations without meaning: spinners.
	Still bool
	// Mouse lets a person turn the mouse on: it then scrolls with the wheel, and a click on a key presses it. Until then
	// it is the terminal's, which marks text with it.
	Mouse bool
	// Settle is how long keys are ignored after a page has changed by itself: they may have been meant for the one
	// before. 0 means 300 ms, and less not at all.
	Settle time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (o Options) check() (Options, error) {
	if o.Engine == nil || o.Input == nil || o.Output == nil {
		return o, errors.New("an option of the wizard is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Settle == 0 {
		o.Settle = 300 * time.Millisecond
	}
	return o, nil
}

// Outcome is the state when the user left the wizard.
type Outcome struct {
	// Health is the last report; nil when nothing was verified.
	Health *provision.Health
	// Err is why the world is not ready; nil when it was verified to be.
	Err *provision.Error
	// Removed is set when the world was deleted last, as it was asked for.
	Removed bool
	// Abandoned is set when a person left without waiting for the current call.
	Abandoned bool
}
