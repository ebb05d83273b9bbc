package guest

import (
	"errors"
	"fmt"
	"time"
)

// ErrLate is the cause of a deadline for a session in the guest.
var ErrLate = errors.New("no answer")

// Late returns the cause of a deadline.
func Late(deadline time.Duration) error { return fmt.Errorf("%w within %v", ErrLate, deadline) }

// One observation of the guest takes 1 s on an idle emulated machine and up to 7 s on a busy one. A dead shared
// connection hangs, so it has a shorter deadline than the fresh one that is tried next.
const (
	SharedDeadline = 20 * time.Second
	FreshDeadline  = 45 * time.Second
)
