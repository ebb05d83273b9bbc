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
