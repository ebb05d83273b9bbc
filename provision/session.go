package provision

import (
	"context"
	"fmt"
	"io"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// session is the way into a guest that was observed: Lima's shared connection, unless that is dead.
type session struct {
	guest.Transport
	route guest.Route
}

func (r *run) session(state State) session {
	return session{r.edges.Guest(state.Instance), state.route()}
}

func (s State) route() guest.Route {
	if s.SharedDead {
		return guest.Fresh
	}
	return guest.Shared
}

// root runs a guest script as root, within guestDeadline, and returns what it printed.
func (s session) root(ctx context.Context, script embed.Script, input io.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, guestDeadline, fmt.Errorf("no end within %v", guestDeadline))
	defer cancel()
	request := guest.Request{Route: s.route, Script: script, Args: args, Root: true, Stdin: input}
	reply, err := s.Exec(ctx, request)
	return string(reply.Stdout), err
}

// stream runs a guest script and passes on each line that it prints.
func (s session) stream(ctx context.Context, script embed.Script, root bool, line func(string), args ...string) error {
	_, err := s.Exec(ctx, guest.Request{Route: s.route, Script: script, Args: args, Root: root, Line: line})
	return err
}
