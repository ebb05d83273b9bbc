package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// lockPause is the interval at which the lock is tried again, and the time that a run that has just taken the lock gets
// to write down which process it is.
const (
	lockPause = 100 * time.Millisecond
	lockGrace = time.Second
)

// lock takes the VM's lock, which the kernel releases when the process ends, however it ends. If the Spec asks for it,
// lock waits for another run.
func lock(ctx context.Context, spec Spec, events *emitter) (unlock func(), err error) {
	if err := os.MkdirAll(spec.StateDir, 0o700); err != nil {
		return nil, &Error{
			Kind: KindPrerequisite, What: "the state directory cannot be made", Why: err.Error(),
			Next: "make it writable, or set XDG_STATE_HOME to a directory that is", Err: err,
		}
	}
	path := stateFile(spec, ".lock")
	for reported := false; ; {
		held, err := tryLock(path)
		switch {
		case err != nil:
			return nil, &Error{
				Kind: KindPrerequisite, What: "the lock of this VM cannot be taken", Why: err.Error(),
				Next: "make the state directory " + spec.StateDir + " writable", Err: err,
			}
		case held != nil:
			// Who holds it, for messages only.
			_ = os.WriteFile(path, fmt.Appendf(nil, "process %d, since %s\n", os.Getpid(),
				events.now().Format(time.RFC3339)), 0o600)
			end := announce(spec)
			return func() { end(); _ = held.Unlock() }, nil
		case !spec.Wait:
			return nil, busy(spec, holder(ctx, spec))
		case !reported:
			reported = true
			failure := busy(spec, holder(ctx, spec))
			events.emit(Event{Type: EventWaiting, Message: failure.What + ": " + failure.Why})
		}
		if !pause(ctx, lockPause) {
			return nil, interrupted(ctx)
		}
	}
}

// tryLock returns the lock at path, or nil when another process holds it. If its file was removed meanwhile, together
// with the world, the lock excludes no other run and doesn't count.
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

// holder returns the run that holds the lock. A run that has just taken it needs a moment to write its name; until then
// the file is empty, or names a process that has ended. It is nil when no holder is known in time.
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

// pause waits, and reports whether ctx is still valid.
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

// RunInfo is a run in progress on a VM, in this process or another.
type RunInfo struct {
	PID   int       `json:"pid"` // 0 when it is unknown
	Since time.Time `json:"since"`
	// Step is the current one; nil while the run observes or verifies.
	Step *StepStatus `json:"step,omitempty"`
}

// A run holds a second lock besides the one that keeps runs apart. Readers can test this kind of lock without taking
// it; if a reader took the first one for a moment, a run that starts just then would fail. Like the first, the kernel
// releases it when its process ends, however it ends.

// announce takes that lock. An error is ignored: readers would just not see the run.
func announce(spec Spec) (end func()) {
	file, err := os.OpenFile(stateFile(spec, ".run"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return func() {}
	}
	_ = syscall.FcntlFlock(file.Fd(), setDescriptionLock, &syscall.Flock_t{Type: syscall.F_WRLCK}) // see above
	return func() { _ = file.Close() }
}

// underWay returns the run in progress on the VM; nil when there is none.
func underWay(spec Spec) *RunInfo {
	file, err := os.Open(stateFile(spec, ".run"))
	if err != nil {
		return nil
	}
	defer file.Close()
	held := syscall.Flock_t{Type: syscall.F_RDLCK}
	if err := syscall.FcntlFlock(file.Fd(), getDescriptionLock, &held); err != nil || held.Type == syscall.F_UNLCK {
		return nil
	}
	info := &RunInfo{}
	if text, err := os.ReadFile(stateFile(spec, ".lock")); err == nil {
		var since string
		_, _ = fmt.Sscanf(string(text), "process %d, since %s", &info.PID, &since)
		info.Since, _ = time.Parse(time.RFC3339, since) // zero means unknown
	}
	info.Step = currentStep(LogPath(spec), info.Since)
	return info
}

// logTail is how much of a log's end is read to find the current step, in bytes; an event has a few hundred.
const logTail = 64 << 10

// currentStep returns the step of the log's last step event, if it is running and no older than the run.
func currentStep(path string, since time.Time) *StepStatus {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > logTail {
		_, _ = file.Seek(-logTail, io.SeekEnd)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil
	}
	var last Event
	for line := range bytes.Lines(text) {
		var event Event
		if json.Unmarshal(line, &event) == nil && event.Type == EventStep && !event.Time.Before(since) {
			last = event
		}
	}
	if last.Step == nil || last.Step.State != StepRunning {
		return nil
	}
	last.Step.Elapsed = time.Since(last.Time)
	return last.Step
}

// busy returns the error of a command that would see an incomplete world.
func busy(spec Spec, info *RunInfo) *Error {
	failure := &Error{
		Kind: KindBusy,
		What: fmt.Sprintf("provisioning in progress: another run of worldsetup is at work on the VM %s", spec.VM),
		Why:  "it did not report which process it is",
		Next: "wait until it has ended (--wait does that), or watch it: worldsetup status --watch",
	}
	if info != nil {
		failure.Why = info.String()
	}
	return failure
}

// String describes the run and its current step.
func (i RunInfo) String() string {
	text := fmt.Sprintf("process %d", i.PID)
	if !i.Since.IsZero() {
		text += ", since " + i.Since.Format(time.RFC3339)
	}
	if step := i.Step; step != nil {
		text += fmt.Sprintf("; step %d of %d, %s, for %s", step.Number, step.Of, step.Title,
			plaintext.Duration(step.Elapsed))
	}
	return strings.TrimSpace(text)
}
