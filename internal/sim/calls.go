package sim

import (
	"slices"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Call is one call that a World received: of limactl, or of a script in a guest.
type Call struct {
	Args []string // of limactl; nil for a script

	VM         string // of a script
	Script     string
	ScriptArgs []string
	Route      guest.Route
	Root       bool
}

// Verb is what the call does, in a word: limactl's subcommand, or the script's name.
func (c Call) Verb() string {
	if c.Args == nil {
		return c.Script
	}
	return verb(c.Args)
}

// Changes says whether the call was one that may change something.
func (c Call) Changes() bool {
	if c.Args == nil {
		return !slices.Contains([]string{embed.Observe.Name, embed.ObserveNew.Name, embed.Mounts.Name, embed.Prove.Name, embed.Watch.Name}, c.Script)
	}
	return slices.Contains([]string{"create", "start", "stop", "delete", "edit", "rename"}, c.Verb())
}

// Calls returns all calls so far, in order. A script that came through `limactl shell` is there as both.
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
