package lifecycle

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestClockSetBackDuringABoot: limactl does not see its end then, and is ended, but only then.
func TestClockSetBackDuringABoot(t *testing.T) {
	for name, test := range map[string]struct {
		back   time.Duration
		booted time.Duration // when
		ends   bool
	}{
		"set back": {time.Hour, time.Minute, true}, "as it was": {0, time.Minute, false},
		"put forward": {-time.Hour, time.Minute, false}, "boots still": {time.Hour, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				ended := false
				watchClock(ctx, func() time.Duration { return test.back },
					func() bool { return time.Since(began) >= test.booted }, func() { ended = true })
				if took := time.Since(began); ended != test.ends || ended && took < test.booted+bootedPatience {
					t.Errorf("it was ended: %v, after %v", ended, took)
				}
			})
		})
	}
	if back := setBack(time.Now())(); back.Abs() > time.Second/2 {
		t.Errorf("the clock was set back by %v", back)
	}
}
