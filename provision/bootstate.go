package provision

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
)

// maxHostAgentLog bounds what is read of the events of Lima's host agent, in bytes: those of a boot come first.
const maxHostAgentLog = 1 << 20

// bootPause is how often it is looked whether a boot that somebody else began has come to its end.
const bootPause = time.Second

// bootOf says whether the boot that Lima's host agent is looking after came to its end, which its events tell, and how long
// ago that agent was started. Lima begins both files anew at every start; a boot that left none is taken for an old one.
func bootOf(instance *limatype.Instance, now time.Time) (booted bool, age time.Duration) {
	if info, err := os.Stat(filepath.Join(instance.Dir, filenames.HostAgentPID)); err == nil {
		age = max(now.Sub(info.ModTime()), 1)
	}
	file, err := os.Open(filepath.Join(instance.Dir, filenames.HostAgentStdoutLog))
	if err != nil {
		return true, age
	}
	defer file.Close()
	events := make([]byte, maxHostAgentLog)
	n, _ := file.Read(events) // of an empty log: nothing
	return bytes.Contains(events[:n], []byte(`"running":true`)), age
}

// awaitBoot waits for the end of a boot that somebody else began, for as long as that may take.
func (r *run) awaitBoot(ctx context.Context, state State) error {
	ticker := time.NewTicker(bootPause)
	defer ticker.Stop()
	for {
		if booted, age := bootOf(state.Instance, r.now()); booted || age >= bootGrace {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// startedBefore says whether an instance was ever started: Lima's host agent leaves its log.
func startedBefore(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, filenames.HostAgentStdoutLog))
	return err == nil
}
