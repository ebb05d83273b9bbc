// Package lock keeps the runs of worldsetup on a VM apart, and shows which one is in progress.
package lock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/finding"
)

// pause is the interval at which the lock is tried again, and grace the time that a run that has just taken it gets
// to write down which process it is.
const (
	pause = 100 * time.Millisecond
	grace = time.Second
)

// VM is the VM whose lock is taken.
type VM struct {
	Home, Name string // Lima's home, and the VM's name in it
	Log        string // of the run that takes it, for who finds it taken
}

// Holder is a run that holds the lock.
type Holder struct {
	PID   int       // 0 when it is unknown
	Since time.Time // zero when it is unknown
	Log   string
}

// File is the lock. It lies in Lima's home, as the VM does, so that all who work on the VM share it, whatever their
// state directory, user or way to that home. Lima takes no file for an instance, and no name that begins with "_".
func (v VM) File() string { return v.file(".lock") }

// Files are the lock and the file by which [VM.UnderWay] sees that it is held.
func (v VM) Files() []string { return []string{v.file(".run"), v.file(".lock")} }

func (v VM) file(suffix string) string { return filepath.Join(v.Home, "_worldsetup."+v.Name+suffix) }

// Take takes the lock, which the kernel releases when the process ends, however it ends. While another run holds it,
// Take waits: it calls wait once, with that run, which is nil where no one knows it, and an error of wait ends it. held
// is the lock if it is taken already, else nil. When ctx ends, the error is its cause.
func (v VM) Take(
	ctx context.Context, held *os.File, now func() time.Time, wait func(*Holder) error,
) (release func(), err error) {
	_, statErr := os.Stat(v.Home)
	for waits := false; ; {
		if err := os.MkdirAll(v.Home, 0o700); err != nil {
			return nil, unwritableHome(err)
		}
		if held == nil {
			held, err = tryLock(v.File())
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // another run has just removed the home that it made
		case errors.Is(err, fs.ErrPermission):
			return nil, unwritableHome(err)
		case err != nil:
			return nil, &finding.Error{
				Kind: finding.KindPrerequisite, What: "the lock of this VM cannot be taken", Why: err.Error(),
				Next: fmt.Sprintf("see whose it is (ls -l %s), and if no run works on the VM, remove it",
					shellescape.Quote(v.File())), Err: err,
			}
		case held != nil:
			v.sign(held, now())
			end := v.announce()
			return func() {
				if statErr != nil {
					v.removeHome()
				}
				end()
				_ = held.Close()
			}, nil
		case !waits:
			if err := wait(v.holder(ctx)); err != nil {
				return nil, err
			}
			waits = true
		}
		if !sleep(ctx, pause) {
			return nil, context.Cause(ctx)
		}
	}
}

// TakeFree takes the lock if its file is there and no other run holds it; else it returns nil.
func (v VM) TakeFree(now time.Time) *os.File {
	if _, err := os.Lstat(v.File()); err != nil {
		return nil
	}
	held, _ := tryLock(v.File()) // who has to have it reports why not
	if held != nil {
		v.sign(held, now)
	}
	return held
}

// sign writes into a lock who holds it, for messages only.
func (v VM) sign(held *os.File, now time.Time) {
	_ = held.Truncate(0)
	_, _ = held.WriteAt(fmt.Appendf(nil, "process %d, since %s, log %s\n", os.Getpid(), now.Format(time.RFC3339), v.Log),
		0)
}

// removeHome removes a Lima home that holds nothing but the locks.
func (v VM) removeHome() {
	if entries, err := os.ReadDir(v.Home); err != nil || len(entries) > 2 {
		return
	}
	for _, path := range v.Files() {
		_ = os.Remove(path)
	}
	_ = os.Remove(v.Home) // something else is in it: it stays
}

// unwritableHome returns the error of a Lima home in which no lock can be made.
func unwritableHome(err error) *finding.Error {
	return &finding.Error{
		Kind: finding.KindPrerequisite, What: "Lima's home directory is not writable", Why: err.Error(),
		Next: "make it writable, or set LIMA_HOME to a directory that is", Err: err,
	}
}

// tryLock returns the locked file at path, or nil when another process holds the lock. If its file was removed
// meanwhile, together with the world, the lock excludes no other run and doesn't count.
func tryLock(path string) (*os.File, error) {
	for {
		file, err := readfile.OpenPlain(path, os.O_RDWR|os.O_CREATE)
		writable := !errors.Is(err, fs.ErrPermission)
		if !writable { // another user's: it can still show that a run is in progress
			denied := err
			if file, err = readfile.OpenPlain(path, os.O_RDONLY); errors.Is(err, fs.ErrNotExist) {
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

// holder returns the run that holds the lock. A run that has just taken it needs a moment to write its name; until then
// the file is empty, or names a process that has ended. It is nil when no holder is known in time.
func (v VM) holder(ctx context.Context) *Holder {
	for waited := time.Duration(0); ; waited += pause {
		holder := v.UnderWay()
		if holder != nil && holder.PID > 0 && !errors.Is(syscall.Kill(holder.PID, 0), syscall.ESRCH) {
			return holder
		}
		if waited >= grace || !sleep(ctx, pause) {
			return holder
		}
	}
}

// sleep waits, and reports whether ctx is still valid.
func sleep(ctx context.Context, length time.Duration) bool {
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
func (v VM) announce() (end func()) {
	file, err := readfile.OpenPlain(v.file(".run"), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return func() {}
	}
	_ = syscall.FcntlFlock(file.Fd(), setDescriptionLock, &syscall.Flock_t{Type: syscall.F_WRLCK}) // see above
	return func() { _ = file.Close() }
}

// UnderWay returns the run in progress on the VM; nil when there is none.
func (v VM) UnderWay() *Holder {
	file, err := readfile.OpenPlain(v.file(".run"), os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer file.Close()
	held := syscall.Flock_t{Type: syscall.F_RDLCK}
	if err := syscall.FcntlFlock(file.Fd(), getDescriptionLock, &held); err != nil || held.Type == syscall.F_UNLCK {
		return nil
	}
	holder := &Holder{}
	if text, err := os.ReadFile(v.File()); err == nil {
		_, _ = fmt.Sscanf(string(text), "process %d, ", &holder.PID)
		_, rest, _ := strings.Cut(strings.TrimSpace(string(text)), ", since ")
		since, log, _ := strings.Cut(rest, ", log ")
		holder.Since, _ = time.Parse(time.RFC3339, since)
		holder.Log = log
	}
	return holder
}
