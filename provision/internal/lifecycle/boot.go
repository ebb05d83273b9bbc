package lifecycle

import (
	"os"
	"path/filepath"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Boot is a running `limactl start`. For half of its time, steps in the guest can already run.
type Boot struct {
	ended chan struct{} // closed when it has ended; err is valid then
	Err   error
}

// Wait waits for the end of booting. Without a boot under way there is nothing to wait for.
func (b *Boot) Wait() error {
	if b == nil {
		return nil
	}
	<-b.ended
	return b.Err
}

// Going reports whether the VM is still booting.
func (b *Boot) Going() bool {
	if b == nil {
		return false
	}
	select {
	case <-b.ended:
		return false
	default:
		return true
	}
}

// Until waits until seen returns true; false when booting has ended without that.
func (b *Boot) Until(seen func() bool) bool {
	ticker := time.NewTicker(sshPause)
	defer ticker.Stop()
	for !seen() {
		select {
		case <-b.ended:
			return false
		case <-ticker.C:
		}
	}
	return true
}

// Failed reports whether booting has ended with an error.
func (b *Boot) Failed() bool { return b != nil && !b.Going() && b.Err != nil }

// Laying reports whether mounts and forwarded sockets are still to come. That is also so when booting has failed and no
// step has waited for its end yet, so that one does, and reports the reason (TestWhatReplacementsMeet, under load).
func (b *Boot) Laying() bool { return b.Going() || b.Failed() }

// bootPause is the interval at which a boot that another program began is probed for its end.
const bootPause = time.Second

// BootOf returns whether the boot that the host agent in dir supervises has ended, according to its events, and how
// long ago that agent was started. A boot without events is taken for an old one.
func BootOf(dir string, now time.Time) (booted bool, age time.Duration) {
	if info, err := os.Stat(filepath.Join(dir, filenames.HostAgentPID)); err == nil {
		age = max(now.Sub(info.ModTime()), 1)
	}
	boot, err := lima.ReadBoot(dir)
	return boot.Ended || err != nil, age
}

// BootGrace is how long a boot that another program started may take before it counts as hung: Lima's own deadline.
const BootGrace = 10 * time.Minute
