package lifecycle

import (
	"context"
	"errors"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Launch has Lima start the VM. If Lima gives up, the error begins with the reasons in the log of its host agent.
func (v *VM) Launch(ctx context.Context, line func(string)) error {
	log := lima.NewHostLog(v.Place.Dir(""))
	defer log.Close()
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := setBack(time.Now())
	go crash.Guard(func() { watchClock(starting, clock, log.Booted, func() { cancel(errClockSetBack) }) })()
	err := v.Place.Lima.Start(starting, v.Place.VM, line)
	if ctx.Err() == nil && errors.Is(context.Cause(starting), errClockSetBack) {
		return nil
	}
	if refused, ok := errors.AsType[*lima.CommandError](err); ok && ctx.Err() == nil {
		err = v.outlast(ctx, log, refused, line)
	}
	_, explained := errors.AsType[*StartError](err)
	if err == nil || ctx.Err() != nil || explained {
		return err
	}
	if reasons := log.Reasons(); len(reasons) > 0 {
		return &StartError{reasons, err}
	}
	return err
}

// errClockSetBack ends a `limactl start` that would not end by itself.
var errClockSetBack = errors.New("the VM has booted, and the clock of this machine was set back meanwhile")

const (
	// clockStep is by how much the clock must have been set back to matter. Lima compares in seconds.
	clockStep = time.Second
	// bootedPatience is how long limactl may take to report the end of a boot.
	bootedPatience = 10 * time.Second
)

// watchClock calls end if this machine's clock was set back since the start of a boot, and the boot has ended: limactl
// ignores events that seem to be older than its own start, and would wait for its whole deadline.
func watchClock(ctx context.Context, back func() time.Duration, booted func() bool, end func()) {
	ticker := time.NewTicker(bootPause)
	defer ticker.Stop()
	var seen time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if back() < clockStep || !booted() {
			continue
		}
		if seen.IsZero() {
			seen = time.Now()
		}
		if time.Since(seen) >= bootedPatience {
			end()
			return
		}
	}
}

// setBack returns a function that returns by how much this machine's clock was set back since began.
func setBack(began time.Time) func() time.Duration {
	return func() time.Duration {
		now := time.Now()
		return now.Sub(began) - now.Round(0).Sub(began.Round(0)) // the first is by the monotonic clock
	}
}

// StartError is the error of a VM that did not start for reasons that the host shows.
type StartError struct {
	reasons []string
	err     error // of limactl
}

func (e *StartError) Error() string { return strings.Join(e.reasons, "\n") + "\n" + e.err.Error() }
func (e *StartError) Unwrap() error { return e.err }

// startAdvice holds what to do about reasons why a VM did not start. %s is the VM's directory. The messages are QEMU's
// (7.2 to 10), virtiofsd's and the kernel's.
var startAdvice = []struct {
	reason *lazyregexp.Regexp
	next   string
}{
	{lazyregexp.New(`(?i)[Ff]ailed to get (shared )?"write" lock`),
		"another process uses the VM's disk: find it with `fuser -v %s/disk`, and end it"},
	{lazyregexp.New(`(?i)host forwarding rule|address already in use`),
		"another program listens at that port: find it with `lsof -nP -iTCP -sTCP:LISTEN`, and end it"},
	{lazyregexp.New(`(?i)no space left on device|disk quota exceeded`),
		"free disk space: `df -h %s` shows how much there is"},
	{lazyregexp.New(`(?i)cannot allocate memory|cannot set up guest memory|signal: killed`),
		"this machine may have too little memory: close programs, or give the VM less (--memory SIZE)"},
	{lazyregexp.New(`(?i)not a valid (device|machine|chardev)|unsupported machine type|could not open option rom`),
		"this QEMU is incomplete: install all of it (brew reinstall qemu; sudo apt-get install --reinstall " +
			"qemu-system-x86), or see which one is called: command -v qemu-system-x86_64"},
	{lazyregexp.New(`com\.apple\.security\.virtualization|VZErrorDomain`),
		"see whether limactl may create VMs here: worldsetup check"},
	{lazyregexp.New(`(?i)kvm|hvf|hypervisor|firmware|executable file not found|shared libraries|dyld`),
		"see what this machine lacks: worldsetup check"},
}

// Advice returns what to do about the reasons; dir is the VM's directory.
func (e *StartError) Advice(dir string) string {
	for _, known := range startAdvice {
		if known.reason.MatchString(strings.Join(e.reasons, "\n")) {
			return strings.ReplaceAll(known.next, "%s", shellescape.Quote(dir))
		}
	}
	return "repair what that names"
}
