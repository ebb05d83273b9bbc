package plaintext

import (
	"testing"
	"time"
)

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 s", 1400 * time.Millisecond: "1 s", 8 * time.Second: "8 s", 41 * time.Second: "40 s",
		58 * time.Second: "1 min", 95 * time.Second: "1 min 40 s", 131 * time.Second: "2 min 10 s",
		12*time.Minute + 40*time.Second: "13 min", 65 * time.Minute: "1 h 5 min",
	} {
		if have := About(d); have != want {
			t.Errorf("%v is about %q, want %q", d, have, want)
		}
	}
}
