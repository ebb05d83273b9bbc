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
	// Restore brings the kept VM back, and Remove takes the world away, when the request names the VM as the consent to that.
	Restore(context.Context) (provision.Health, error)
	Remove(context.Context) error
	// PlanRestore and PlanRemove say what these would do.
	PlanRestore(context.Context) (provision.Plan, error)
	PlanRemove(context.Context) (provision.Plan, error)
	// Watch calls changed at once and whenever what can be observed changes, until its context ends.
	Watch(ctx context.Context, changed func(provision.Health)) error
}

// Request is what an engine is made for.
type Request struct {
	Choices provision.Choices
	// Replace is the name of the VM when a person has consented by typing it to its replacement, the return of the kept one
	// or its removal, or wants to see the plan of a replacement; empty otherwise.
	Replace string
	// Approve is to be called with the plan that is about to be carried out; an error of it ends the run unchanged.
	Approve func(context.Context, provision.Plan) error
	// Events gets what the engine tells.
	Events func(provision.Event)
}

// Options are what a wizard needs. Engine, Input and Output are required; what a nil function would do is not offered.
type Options struct {
	// Engine makes an engine.
	Engine func(Request) Engine
	// Choices are those to begin with, and Check says what choices come to. It may look at files.
	Choices provision.Choices
	Check   func(context.Context, provision.Choices) provision.Validation
	// Keep keeps choices for the next time and returns the path of the file.
	Keep func(context.Context, provision.Choices) (path string, err error)
	// Replacing says that another VM in the place of this one is asked for from the start. A person still has to consent.
	Replacing bool
	// Fix does what the remedy of a failed prerequisite says, with the terminal to itself, and says why that did not help.
	Fix func(ctx context.Context, check string, in io.Reader, out io.Writer) error
	// Export writes a report to a file and returns its path.
	Export func(context.Context, provision.Health) (path string, err error)

	// Input and Output are the terminal.
	Input  io.Reader
	Output io.Writer

	// VM is the name of the VM, and LogPath the file that keeps what happened; both are only shown.
	VM, LogPath string
	// Banner is shown on every screen; a simulation says here that it is one.
	Banner string
	// UTF8 says that the terminal shows more than ASCII.
	UTF8 bool
	// NoColor leaves colours out.
	NoColor bool
	// Still leaves out what moves without telling anything: spinners stand still.
	Still bool
	// Mouse has the wheel scroll and a click on a key press it. Text is then marked with shift held down.
	Mouse bool
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
	return o, nil
}

// Outcome is what came of it when the wizard was left.
type Outcome struct {
	// Health is the last report; nil when nothing was proven.
	Health *provision.Health
	// Err is why the world is not ready; nil when it was proven to be.
	Err *provision.Error
	// Removed says that the world was taken away last, as it was asked for.
	Removed bool
	// Cancelled says that somebody left or stopped it before its end.
	Cancelled bool
	// Abandoned says that somebody insisted on leaving while something was still under way.
	Abandoned bool
}
