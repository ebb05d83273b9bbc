package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Lima's shared connection can be the last way into a guest: an account that has expired, or a new line in sshd's
// configuration, keeps new connections out and leaves the open one alone. It must not end before another one is let in.

// refusedDeadline is how long the guest may take to find out why its ssh server refused a connection.
const refusedDeadline = 15 * time.Second

// endsConnection says that a step of the plan ends the shared connection, or keeps it only for what runs over it.
func (p *Plan) endsConnection() bool { return p.has(StepStop) || p.has(StepConnection) }

// checkLastWay makes a fresh connection before a plan ends the open one, and plans again when that is refused.
func (r *run) checkLastWay(ctx context.Context, now *view) {
	s := &now.state
	if now.proven != nil || s.Guest == nil || s.SharedDead || s.Booting || s.Locked != "" || !now.plan.endsConnection() {
		return
	}
	deadline, cancel := context.WithTimeoutCause(ctx, freshDeadline, errors.New("no answer within "+freshDeadline.String()))
	defer cancel()
	request := guest.Request{Route: guest.Fresh, Script: embed.Mounts, End: guest.End}
	reply, err := r.guest(s.Instance).Exec(deadline, request)
	if err = loginError(reply, err); err == nil || ctx.Err() != nil {
		return
	}
	s.Locked = r.lockedOut(ctx, *s, err.Error())
	now.plan = r.plan(*s)
}

// loginError is the error of a connection that came to no session: it failed, or the user's login shell ran nothing and said
// why on its standard output. It is nil when the script ran.
func loginError(reply guest.Reply, err error) error {
	if script := (*guest.ScriptError)(nil); errors.As(err, &script) {
		return fmt.Errorf("the user's login shell runs no command: %s", strings.TrimSpace(firstLine(string(reply.Stdout))+" "+script.Stderr))
	}
	if connection := (*guest.ConnectionError)(nil); errors.As(err, &connection) {
		return err
	}
	return nil
}

// lockedOut is why fresh connections are not let in: what came of one, and what the guest's ssh server says of it.
func (r *run) lockedOut(ctx context.Context, s State, refusal string) string {
	if !s.Guest.Sudo {
		return refusal
	}
	ctx, cancel := context.WithTimeout(ctx, refusedDeadline)
	defer cancel()
	reply, err := r.guest(s.Instance).Exec(ctx, guest.Request{Route: guest.Shared, Script: embed.Refused, Root: true})
	if says := strings.TrimSpace(string(reply.Stdout)); err == nil && says != "" {
		refusal += "; the guest's ssh server says: " + says
	}
	return refusal
}

// lastWay is the error of a guest that lets no new connection in after all that worldsetup can do about it.
func lastWay(s State) *Error {
	shell := "limactl shell --workdir / " + s.Instance.Name + " sudo "
	repairs := []struct{ words, command string }{
		{"expired", shell + "chage -E -1 " + s.Guest.User},
		{"not allowed because", shell + "grep -rnE '(Allow|Deny)(Users|Groups)' /etc/ssh"},
		{"timed out", shell + "nft list ruleset"},
		{"", shell + "journalctl -n 20 -t sshd -t sshd-session"},
	}
	command := ""
	for _, repair := range repairs {
		if strings.Contains(s.Locked, repair.words) {
			command = repair.command
			break
		}
	}
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the VM %s refuses new ssh connections", s.Instance.Name),
		Why:  s.Locked + "\nLima's shared connection is still open and the last way in: the VM is not restarted",
		Next: fmt.Sprintf("don't stop the VM; repair it over the open connection (%s), then run worldsetup again", command),
	}
}
