package provision_test

import (
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestASessionThatEndsEarly: the cause is in the guest, which lets us in, so that neither a restart nor a replacement
// helps.
func TestASessionThatEndsEarly(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.BeforeGuest = func(string) error { return &guest.SessionError{Route: guest.Shared} }
	b.ForgetCalls()
	wantKind(t, b.run(t), provision.KindUnhealthy, ".bashrc", "usermod -s /bin/sh")
	_, err := b.setup().Status(t.Context())
	wantKind(t, err, provision.KindUnhealthy, ".bashrc", "usermod -s /bin/sh")
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("it did %v", changes)
	}
}
