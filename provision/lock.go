package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// lockPause is the interval at which the lock is tried again, and the time that a run that has just taken the lock gets
// to write down which process it is.
const (
	lockPause = 100 * time.Millisecond
	lockGrace = time.Second
)

// lockFile returns the path of a lock of the VM. It lies in Lima's home, as the VM does, so that all who work on the VM
// share it, whatever their state directory, user or way to that home. Lima takes no file for an instance, and no name
// that begins with "_".
func lockFile(spec Spec, suffix string) string {
	return filepath.Join(spec.LimaHome, "_worldsetup."+spec.VM+suffix)
}

// lock takes the VM's lock, which the kernel releases when the process ends, however it ends. If the Spec asks for it,
// lock waits for another run. held is the lock if it is taken already, else nil.
func lock(ctx context.Context, spec Spec, events *emitter, held *os.File) (unlock func(), err error) {
	_, statErr := os.Stat(spec.LimaHome)
	path := lockFile(spec, ".lock")
	var other *Error // the run that holds it
	for {
		if err := os.MkdirAll(spec.LimaHome, 0o700); err != nil {
			return nil, unwritableHome(err)
		}
		if held == nil {
			held, err = tryLock(path)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // another run has just removed the home that it made
		case errors.Is(err, fs.ErrPermission):
			return nil, unwritableHome(err)
		case err != nil:
			return nil, &Error{
				Kind: KindPrerequisite, What: "the lock of this VM cannot be taken", Why: err.Error(),
				Next: fmt.Sprintf("see whose it is (ls -l %s), and if no run works on the VM, remove it",
					shellescape.Quote(path)), Err: err,
			}
		case held != nil:
			sign(held, spec, events.now())
			end := announce(spec)
			return func() {
				if statErr != nil {
					removeHome(spec)
				}
				end()
				_ = held.Close()
			}, nil
		case !spec.Wait:
			return nil, busy(spec, holder(ctx, spec))
		case other == nil:
			other = busy(spec, holder(ctx, spec))
			events.emit(Event{Type: EventWaiting, Message: other.What + ": " + other.Why})
		}
		if !pause(ctx, lockPause) {
			return nil, unlocked(ctx, spec, other)
		}
	}
}

// freeLock takes the VM's lock if its file is there and no other run holds it; else it returns nil.
func freeLock(spec Spec, now time.Time) *os.File {
	path := lockFile(spec, ".lock")
	if _, err := os.Lstat(path); err != nil {
		return nil
	}
	held, _ := tryLock(path) // who has to have it reports why not
	if held != nil {
		sign(held, spec, now)
	}
	return held
}

// sign writes into a lock who holds it, for messages only.
func sign(held *os.File, spec Spec, now time.Time) {
	_ = held.Truncate(0)
	_, _ = held.WriteAt(fmt.Appendf(nil, "process %d, since %s, log %s\n", os.Getpid(), now.Format(time.RFC3339),
		LogPath(spec)), 0)
}

// unlocked returns the error of a wait for another run that ended before that run, which may be nil.
func unlocked(ctx context.Context, spec Spec, other *Error) *Error {
	if other == nil || !errors.Is(context.Cause(ctx), errTimeout) {
		return interrupted(ctx)
	}
	other.Why += fmt.Sprintf("\nit did not end within %s", plaintext.Duration(spec.Timeout))
	other.Next = "wait longer: " + vmCommand("worldsetup --wait --timeout=2h", spec.VM) + "; or watch it: " +
		vmCommand("worldsetup status --watch", spec.VM)
	return other
}

// removeHome removes a Lima home that holds nothing but the locks.
func removeHome(spec Spec) {
	if entries, err := os.ReadDir(spec.LimaHome); err != nil || len(entries) > 2 {
		return
	}
	_ = os.Remove(lockFile(spec, ".run"))
	_ = os.Remove(lockFile(spec, ".lock"))
	_ = os.Remove(spec.LimaHome) // something else is in it: it stays
}

// unwritableHome returns the error of a Lima home in which no lock can be made.
func unwritableHome(err error) *Error {
	return &Error{
		Kind: KindPrerequisite, What: "Lima's home directory is not writable", Why: err.Error(),
		Next: "make it writable, or set LIMA_HOME to a directory that is", Err: err,
	}
}

// tryLock returns the locked file at path, or nil when another process holds the lock. If its file was removed
// meanwhile, together with the world, the lock excludes no other run and doesn't count.
func tryLock(path string) (*os.File, error) {
	for {
		file, err := openPlain(path, os.O_RDWR|os.O_CREATE)
		writable := !errors.Is(err, fs.ErrPermission)
		if !writable { // another user's: it can still show that a run is in progress
			denied := err
			if file, err = openPlain(path, os.O_RDONLY); errors.Is(err, fs.ErrNotExist) {
				err = denied
			}
		}
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = file.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, nil
			}
			return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
		}
		mine, err := file.Stat()
		now, nowErr := os.Lstat(path)
		if err == nil && nowErr == nil && os.SameFile(mine, now) {
			if !writable {
				_ = file.Close()
				return nil, errors.New(path + " belongs to another user")
			}
			return file, nil
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
}

// openPlain opens a file that must be no link and have no second name: others may be able to write to its directory.
// All may read it, since other users of this Lima home have to see the lock.
func openPlain(path string, flag int) (*os.File, error) {
	file, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o644)
	if errors.Is(err, syscall.ELOOP) {
		return nil, errors.New(path + " is a link, which another user may have made")
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		status, ok := info.Sys().(*syscall.Stat_t)
		if !info.Mode().IsRegular() || !ok || status.Nlink > 1 {
			err = errors.New(path + " is no plain file; another user may have made it")
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
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

// A run holds a second lock besides the one that keeps runs apart. Readers can test this kind of lock without taking
// it; if a reader took the first one for a moment, a run that starts just then would fail. Like the first, the kernel
// releases it when its process ends, however it ends.

// announce takes that lock. An error is ignored: readers would just not see the run.
func announce(spec Spec) (end func()) {
	file, err := openPlain(lockFile(spec, ".run"), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return func() {}
	}
	_ = syscall.FcntlFlock(file.Fd(), setDescriptionLock, &syscall.Flock_t{Type: syscall.F_WRLCK}) // see above
	return func() { _ = file.Close() }
}

// underWay returns the run in progress on the VM; nil when there is none.
func underWay(spec Spec) *RunInfo {
	file, err := openPlain(lockFile(spec, ".run"), os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer file.Close()
	held := syscall.Flock_t{Type: syscall.F_RDLCK}
	if err := syscall.FcntlFlock(file.Fd(), getDescriptionLock, &held); err != nil || held.Type == syscall.F_UNLCK {
		return nil
	}
	info := &RunInfo{}
	if text, err := os.ReadFile(lockFile(spec, ".lock")); err == nil {
		_, _ = fmt.Sscanf(string(text), "process %d, ", &info.PID)
		_, rest, _ := strings.Cut(strings.TrimSpace(string(text)), ", since ")
		since, log, _ := strings.Cut(rest, ", log ")
		info.Since, _ = time.Parse(time.RFC3339, since) // zero means unknown
		info.Step = currentStep(log, info.Since)
	}
	return info
}

// logTail is how much of a log's end is read to find the current step, in bytes; an event has a few hundred.
const logTail = 64 << 10

// currentStep returns the step of the log's last step event, if it is running and no older than the run.
func currentStep(path string, since time.Time) *StepStatus {
	file, err := openPlain(path, os.O_RDONLY)
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
