package tui

import (
	"fmt"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// clock is a duration in whole seconds.
func clock(d time.Duration) string {
	d = max(0, d).Round(time.Second)
	switch minutes, seconds := d/time.Minute, d%time.Minute/time.Second; {
	case d == 0:
		return "0 s"
	case minutes == 0:
		return fmt.Sprintf("%d s", seconds)
	case minutes < 10 && seconds > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	default:
		return fmt.Sprintf("%d min", d.Round(time.Minute)/time.Minute)
	}
}

// took is how long something has taken.
func took(d time.Duration) string {
	if d > 0 && d < 500*time.Millisecond {
		return "<1 s"
	}
	return clock(d)
}

// ago is how long something is past.
func ago(d time.Duration) string {
	switch {
	case d < 500*time.Millisecond:
		return "just now"
	case d < time.Minute:
		return clock(d) + " ago"
	}
	return plaintext.Age(d) + " ago"
}

// seconds is how long something usually takes; nothing when that is unknown.
func seconds(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return plaintext.About(d)
}
