package verify

import (
	"context"
	"errors"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestUntilAdmitted: sshd drops connections for a while after it refused some, and only those are tried again.
func TestUntilAdmitted(t *testing.T) {
	t.Parallel()
	dropped := &guest.ConnectionError{Route: guest.Fresh,
		Detail: "kex_exchange_identification: Connection closed by remote host"}
	denied := &guest.ConnectionError{Route: guest.Fresh, Detail: "ada@127.0.0.1: Permission denied (publickey)."}
	calls := 0
	connect := func(results ...error) func() error {
		calls = 0
		return func() error { calls++; return results[calls-1] }
	}
	if err := UntilAdmitted(t.Context(), connect(dropped, nil)); err != nil || calls != 2 {
		t.Errorf("dropped once: %v after %d calls", err, calls)
	}
	if err := UntilAdmitted(t.Context(), connect(denied)); !errors.Is(err, denied) || calls != 1 {
		t.Errorf("denied: %v after %d calls", err, calls)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := UntilAdmitted(ended, connect(dropped)); !errors.Is(err, dropped) || calls != 1 {
		t.Errorf("no one waits: %v after %d calls", err, calls)
	}
}
