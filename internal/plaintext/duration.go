package plaintext

import (
	"fmt"
	"time"
)

// Duration writes a duration as a person would: with no more digits than matter.
func Duration(d time.Duration) string {
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

// About writes an estimate, with no more digits than it deserves.
func About(d time.Duration) string {
	step := time.Minute
	switch {
	case d < 10*time.Second:
		step = time.Second
	case d < time.Minute:
		step = 5 * time.Second
	case d < 10*time.Minute:
		step = 10 * time.Second
	}
	d = max((d + step/2).Truncate(step), time.Second)
	text := ""
	for _, part := range []struct {
		unit time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / part.unit; n > 0 {
			text += fmt.Sprintf(" %d %s", n, part.name)
		}
		d %= part.unit
	}
	return text[1:]
}

// Age writes how old something is, in the largest unit that fits.
func Age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d < time.Minute:
		return "less than a minute"
	}
	return Count(int(d/time.Minute), "minute")
}

// Count writes a number and its noun.
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
