package sim

import (
	"context"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// watchPeriod is how often the simulated watcher looks.
const watchPeriod = 5 * time.Millisecond

// watch tells of changes in the guest until the connection or ctx ends.
func (w *World) watch(ctx context.Context, name string, request guest.Request) error {
	w.note(Call{VM: name, Script: request.Script.Name, ScriptArgs: request.Args, Route: request.Route, Root: request.Root})
	_, vm, err := w.login(ctx, name, request.Route)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(watchPeriod)
	defer ticker.Stop()
	for last := ""; ; {
		w.mu.Lock()
		on, hangs := vm.running(), vm.frozen || vm.conditions.Dead
		w.mu.Unlock()
		if !on {
			return &guest.ConnectionError{Route: request.Route, Detail: "client_loop: send disconnect: Broken pipe"}
		}
		if now := vm.Fingerprint(); now != last && !hangs {
			last = now
			request.Line("change")
		}
		select {
		case <-ctx.Done():
			return &guest.ConnectionError{Route: request.Route, Err: context.Cause(ctx)}
		case <-ticker.C:
		}
	}
}
