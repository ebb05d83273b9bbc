package tui

import (
	"fmt"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// ticking is human for a clock that runs: whole seconds.
func ticking(d time.Duration) string { return max(0, d).Truncate(time.Second).String() }

// usually says how long something usually takes; nothing when nobody knows.
func usually(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return "usually " + plaintext.Duration(d)
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
