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
}

// Options are what a wizard needs. Engine, Input and Output are required.
type Options struct {
	// Engine makes an engine that tells its events to the function given.
	Engine func(events func(provision.Event)) Engine
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
	// Cancelled says that somebody left or stopped it before its end.
	Cancelled bool
	// Abandoned says that somebody insisted on leaving while something was still under way.
	Abandoned bool
}
