package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
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
func (r *run) lock(ctx context.Context) (unlock func(), err error) {
	spec := r.target.spec
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
			// Who holds it, for the message below only.
			_ = os.WriteFile(path, fmt.Appendf(nil, "process %d, since %s\n", os.Getpid(), r.now().Format(time.RFC3339)), 0o600)
			return func() { _ = held.Unlock() }, nil
		case !spec.Wait:
			return nil, busy(spec, holder(ctx, path))
		case !told:
			told = true
			r.events.emit(Event{Type: EventWaiting, Message: busy(spec, "").What + ": " + holder(ctx, path)})
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

// holder is who holds the lock. Whoever has just taken it needs a moment to say so; until then the file is empty, or
// names a process that is gone.
func holder(ctx context.Context, path string) string {
	for waited := time.Duration(0); ; waited += lockPause {
		text, _ := os.ReadFile(path)
		pid := 0
		_, err := fmt.Sscanf(string(text), "process %d,", &pid)
		if err == nil && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return strings.TrimSpace(string(text))
		}
		if waited >= lockGrace || !pause(ctx, lockPause) {
			return "it did not say which"
		}
	}
}

func busy(spec Spec, holder string) *Error {
	return &Error{
		Kind: KindBusy,
		What: fmt.Sprintf("another run of worldsetup is at work on the VM %s", spec.VM),
		Why:  holder,
		Next: "wait until it has ended, then run worldsetup again; --wait does that",
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
