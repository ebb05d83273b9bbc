package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const (
	// penaltyPatience is how long connections that sshd drops are tried again. The penalty for one refused login is 5 s,
	// and the least that is enforced 15 s (PerSourcePenalties of sshd_config(5)); a run is refused a few times at most.
	penaltyPatience = 35 * time.Second
	penaltyPause    = 2 * time.Second
)

// UntilAdmitted calls connect again as long as sshd drops its connection, since it may only be a penalty for attempts
// that were refused before.
func UntilAdmitted(ctx context.Context, connect func() error) error {
	for end := time.Now().Add(penaltyPatience); ; {
		err := connect()
		failure, ok := errors.AsType[*guest.ConnectionError](err)
		if !ok || failure.Cause() != guest.CauseDropped || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(penaltyPause):
		}
	}
}

// Rejection describes why a fresh connection did not work.
type Rejection struct {
	What string // one of the Refused constants of package guest
	Text string
	// Cause is the cause as far as ssh shows it.
	Cause guest.ConnectionCause
}

// RefusalOf returns the rejection in err: the connection failed, or the user's login shell did not run the script. It
// is nil when the script ran.
func RefusalOf(err error) *Rejection {
	if process.Killed(err) {
		return nil
	}
	if session, ok := errors.AsType[*guest.SessionError](err); ok {
		return &Rejection{What: guest.RefusedSession, Text: session.Error()}
	}
	if connection, ok := errors.AsType[*guest.ConnectionError](err); ok {
		return &Rejection{guest.RefusedLogin, err.Error(), connection.Cause()}
	}
	return nil
}

// Hangs returns the error of sessions that hang, if err is that none answered in time, and the agent answers over
// Lima's connection: then the guest works, and what the sessions run first does not end. Else it returns err.
func Hangs(ctx context.Context, instance *limatype.Instance, of layout.Layout, err error) error {
	if !errors.Is(err, guest.ErrLate) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, hostDeadline)
	defer cancel()
	if _, failed := Ask(ctx, of, lima.HostSocketPath(instance)); failed != nil {
		return err
	}
	return &guest.SessionError{Route: guest.Fresh, Hangs: true}
}

// loginFails returns what to do when `limactl shell` runs no command, and ssh does: it makes a login shell, which reads
// more files. The result is empty when err shows nothing of the kind.
func loginFails(instance *limatype.Instance, err error) string {
	if _, ended := errors.AsType[*guest.SessionError](err); !ended && !errors.Is(err, guest.ErrLate) {
		return ""
	}
	return fmt.Sprintf("`limactl shell` starts a login shell, and one of its files (%s) ends it, starts another "+
		"program or hangs: repair that, or rename it: ssh -F %s lima-%s mv .profile .profile.displaced",
		guest.LoginFiles,
		shellescape.Quote(instance.SSHConfigFile), shellescape.Quote(instance.Name))
}
