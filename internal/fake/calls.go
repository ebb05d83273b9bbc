package fake

import (
	"slices"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Call is one call that a World received: of limactl, or of a guest's client.
type Call struct {
	Args []string // of limactl; nil for a guest's client

	VM   string // of a guest's client
	Does string // what it does, in a word
	Via  guest.Route
	// Change is the change that was made; nil for anything else.
	Change guest.Change
}

// Verb names the action of the call: limactl's subcommand, or the change in the guest.
func (c Call) Verb() string {
	if c.Args == nil {
		return c.Does
	}
	return verb(c.Args)
}

// Changes reports whether the call was one that may change something.
func (c Call) Changes() bool {
	if c.Args == nil {
		return !slices.Contains([]string{"observe", "new", "mounts", "verify", "watch", "enter", "refused"}, c.Does)
	}
	return slices.Contains([]string{"create", "start", "stop", "delete", "protect", "unprotect"}, c.Verb())
}

// Calls returns all calls so far, in order.
func (w *World) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// ForgetCalls empties the list of calls.
func (w *World) ForgetCalls() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

func (w *World) note(call Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
}
