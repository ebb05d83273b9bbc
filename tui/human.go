package tui

import (
	"fmt"
	"time"
)

// human writes a duration with no more digits than matter.
func human(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d.Round(time.Second) < time.Hour:
		return d.Round(time.Second).String()
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

// ticking is human for a clock that runs: whole seconds.
func ticking(d time.Duration) string { return max(0, d).Truncate(time.Second).String() }

// usually says how long something usually takes; nothing when nobody knows.
func usually(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return "usually " + human(d)
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
