package provision

import (
	"context"
	"fmt"
	"strings"
)

// status observes, proves what can be proven and reports.
func (r *run) status(ctx context.Context) (Health, error) {
	view, err := r.look(ctx, always)
	if err != nil {
		return Health{}, err
	}
	return r.settle(r.report(view))
}

// settle emits the report; a world that is not ready is an error.
func (r *run) settle(health Health) (Health, error) {
	r.events.emit(Event{Type: EventHealth, Health: &health})
	if health.Ready {
		return health, nil
	}
	return health, unhealthy(health)
}

func unhealthy(health Health) *Error {
	var why []string
	for _, item := range health.Items {
		if item.Outcome == Failed || item.Outcome == Unknown {
			why = append(why, fmt.Sprintf("%s: %s", item.Title, item.Found))
		}
	}
	for _, access := range health.Access {
		if access.Outcome != OK {
			why = append(why, fmt.Sprintf("access as %s: %s, where %q was due", access.Who, access.Found, access.Want))
		}
	}
	next := "run worldsetup, which cures what it can"
	if health.Drift.Empty() {
		next = fmt.Sprintf("see the agent's log: limactl shell --workdir / %s sudo journalctl -n 50 -u substrate-world-agent.service", health.VM)
	}
	return &Error{Kind: KindUnhealthy, What: fmt.Sprintf("the world in the VM %s is not ready", health.VM), Why: strings.Join(why, "\n"), Next: next}
}
