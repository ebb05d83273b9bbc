package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// lockPause is how often it is looked whether another run has ended, and for how long at most a run that has just taken
// the lock is given to write down who it is.
const (
	lockPause = 100 * time.Millisecond
	lockGrace = time.Second
)

// lock takes the VM's lock, which the kernel releases when the process ends, however it ends. Another run is waited for
// when the Spec says so.
func lock(ctx context.Context, spec Spec, events *emitter) (unlock func(), err error) {
	if err := os.MkdirAll(spec.StateDir, 0o700); err != nil {
		return nil, &Error{
			Kind: KindPrerequisite, What: "the state directory cannot be made", Why: err.Error(),
			Next: "make it writable, or set XDG_STATE_HOME to a directory that is", Err: err,
		}
	}
	path := stateFile(spec, ".lock")
	for told := false; ; {
		held, err := tryLock(path)
		switch {
		case err != nil:
			return nil, &Error{
				Kind: KindPrerequisite, What: "the lock of this VM cannot be taken", Why: err.Error(),
				Next: "make the state directory " + spec.StateDir + " writable", Err: err,
			}
		case held != nil:
			// Who holds it, for messages only.
			_ = os.WriteFile(path, fmt.Appendf(nil, "process %d, since %s\n", os.Getpid(), events.now().Format(time.RFC3339)), 0o600)
			end := announce(spec)
			return func() { end(); _ = held.Unlock() }, nil
		case !spec.Wait:
			return nil, busy(spec, holder(ctx, spec))
		case !told:
			told = true
			failure := busy(spec, holder(ctx, spec))
			events.emit(Event{Type: EventWaiting, Message: failure.What + ": " + failure.Why})
		}
		if !pause(ctx, lockPause) {
			return nil, interrupted(ctx)
		}
	}
}

// tryLock returns the lock at path, or nil when somebody else holds it. A lock whose file was removed meanwhile, with the
// world that it was for, keeps nobody out and is not the one.
func tryLock(path string) (*flock.Flock, error) {
	for {
		held := flock.New(path, flock.SetPermissions(0o600))
		got, err := held.TryLock()
		if !got || err != nil {
			return nil, err
		}
		mine, err := held.Stat()
		now, nowErr := os.Stat(path)
		if err == nil && nowErr == nil && os.SameFile(mine, now) {
			return held, nil
		}
		if err := errors.Join(err, held.Unlock()); err != nil {
			return nil, err
		}
	}
}

// holder is the run that holds the lock. Whoever has just taken it needs a moment to say so; until then there is none, or
// a process that is gone is named. It is nil when nobody says so in time.
func holder(ctx context.Context, spec Spec) *RunInfo {
	for waited := time.Duration(0); ; waited += lockPause {
		info := underWay(spec)
		if info != nil && info.PID > 0 && !errors.Is(syscall.Kill(info.PID, 0), syscall.ESRCH) {
			return info
		}
		if waited >= lockGrace || !pause(ctx, lockPause) {
			return info
		}
	}
}

// pause waits, and says whether ctx allows to go on.
func pause(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
