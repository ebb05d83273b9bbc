package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Lima's shared connection can be the last way into a guest: an account that has expired, or a new line in sshd's
// configuration, keeps new connections out and leaves the open one alone. It must not end before another one is let in.

// refusedDeadline is how long the guest may take to find out why its ssh server refused a connection.
const refusedDeadline = 15 * time.Second

// endsConnection says that a step ends the shared connection, or keeps it only for what runs over it.
func endsConnection(step Step) bool { return step.ID == StepStop || step.ID == StepConnection }

// checkLastWay makes a fresh connection before a plan ends the open one, and plans again when that is refused.
func (r *run) checkLastWay(ctx context.Context, now *view) {
	s := &now.state
	ends := slices.ContainsFunc(now.plan.Steps, endsConnection)
	if !ends || now.verified != nil || s.Guest == nil || s.SharedDead || s.Booting || s.Locked != "" {
		return
	}
	late := errors.New("no answer within " + freshDeadline.String())
	deadline, cancel := context.WithTimeoutCause(ctx, freshDeadline, late)
	defer cancel()
	if refusal := refusalOf(r.edges.Guest(s.Instance).Enter(deadline)); refusal != nil && ctx.Err() == nil {
		explainRefusal(ctx, r.session(*s), s, refusal)
		now.plan = planFor(r.target, *s)
	}
}

// rejection is why a fresh connection is of no use.
type rejection struct {
	what string // one of the Refused constants of package guest
	text string
	// cause is what ssh shows of why.
	cause guest.ConnectionCause
}

// refusalOf is the rejection of a connection: it failed, or the user's login shell ran something else than the script.
// It is nil when the script ran.
func refusalOf(err error) *rejection {
	if session, ok := errors.AsType[*guest.SessionError](err); ok {
		text := fmt.Sprintf("a session runs no command (exit status %d): %s", session.ExitCode,
			strings.TrimSpace(session.Output))
		return &rejection{what: guest.RefusedSession, text: text}
	}
	if connection, ok := errors.AsType[*guest.ConnectionError](err); ok {
		return &rejection{guest.RefusedLogin, err.Error(), connection.Cause()}
	}
	return nil
}

// explainRefusal completes the state by a refusal, with the causes that root in the guest finds.
func explainRefusal(ctx context.Context, in session, s *State, refusal *rejection) {
	var refusals guest.Refusals
	if s.Guest.Sudo {
		ctx, cancel := context.WithTimeout(ctx, refusedDeadline)
		defer cancel()
		refusals, _ = in.Refusals(ctx, in.route, s.Guest.User, refusal.what) // without it the refusal says enough
	}
	s.SSHSetting = refusals.Setting
	if refusal.what != guest.RefusedForward {
		s.Locked = strings.Join(append([]string{refusal.text}, refusals.Causes...), "; ")
		s.LockedCause = refusal.cause
	}
}

// lastWay returns the error of a guest that refuses new connections after all that worldsetup can do about it.
func lastWay(s State) *Error {
	command := "sudo journalctl -n 20 -t sshd -t sshd-session"
	if s.LockedCause == guest.CauseTimedOut {
		command = "sudo nft list ruleset"
	}
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the VM %s refuses new ssh connections", s.Instance.Name),
		Why:  s.Locked + "\nThe connection that is still open may be the last way in, so the VM is not restarted.",
		Next: fmt.Sprintf("don't stop the VM; find the cause over the open connection (limactl shell --workdir / %s "+
			"%s), "+
			"repair it, and run worldsetup again", s.Instance.Name, command),
	}
}

// sshdForbids is the error of a setting of sshd's that a world can't have. It is a person's decision and stays.
func sshdForbids(s State) *Error {
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the settings of the ssh server in the VM %s forbid what a world needs", s.Instance.Name),
		Why:  strings.TrimSpace("sshd has the setting " + s.SSHSetting.String() + "\n" + s.Locked),
		Next: fmt.Sprintf("don't stop the VM; find the setting (limactl shell --workdir / %s sudo grep -rni %s "+
			"/etc/ssh), "+
			"change it, restart ssh.service, and run worldsetup again", s.Instance.Name, s.SSHSetting.Name),
	}
}
