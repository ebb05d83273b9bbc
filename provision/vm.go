package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const (
	// gracefulStop is how long a VM may take to stop when it is asked to; 3 s are usual, 10 s under emulation.
	gracefulStop = 90 * time.Second
	// sshPause is the interval at which a booting VM is probed for ssh.
	sshPause = 250 * time.Millisecond
	// cleanupDeadline bounds what is done after a run was interrupted.
	cleanupDeadline = time.Minute
)

// vmLifecycle creates, starts and stops the VM, and collects the signs of its boot.
type vmLifecycle struct {
	observer
	prefetch prefetch
	activity activity
	// boot is the start in this run, running or ended; nil before.
	boot *bootProcess
	// stamp is the stamp of the VM that this run created; empty when it created none.
	stamp string
}

// create creates the VM and protects it, and cleans up after a failure.
func (v *vmLifecycle) create(ctx context.Context, profile []byte, protect bool, line func(string)) error {
	v.stamp = rand.Text()
	err := v.lima.Create(ctx, v.place.VM, lima.Stamp(profile, v.stamp), line)
	if err == nil {
		err = v.place.Claim(ctx, "", protect, line)
	}
	return v.cleanUp(ctx, err, false)
}

// madeHere reports whether this run created the VM that is there, and not another program that was faster.
func (v *vmLifecycle) madeHere() bool {
	text, err := os.ReadFile(filepath.Join(v.place.Dir(""), filenames.LimaYAML))
	return err == nil && v.stamp != "" && lima.Stamped(text, v.stamp)
}

// start starts the VM and returns as soon as Lima's shared ssh connection is up, or booting has ended.
func (v *vmLifecycle) start(ctx context.Context, line func(string)) error {
	boot := &bootProcess{ended: make(chan struct{})}
	v.boot = boot
	v.activity.begin()
	booting, cancel := context.WithCancelCause(ctx)
	dir := v.place.Dir("")
	consoles := lima.Consoles(dir) // before the VM writes to them
	go crash.Guard(func() { v.activity.watchConsole(booting, dir, consoles, cancel) })()
	go func() {
		defer close(boot.ended)
		defer cancel(nil)
		defer crash.Catch()
		boot.err = v.cleanUp(booting, v.launch(booting, line), true)
	}()
	connection := filepath.Join(v.place.Dir(""), filenames.SSHSock)
	ticker := time.NewTicker(sshPause)
	defer ticker.Stop()
	for {
		select {
		case <-boot.ended:
			return boot.err
		case <-ticker.C:
			if booting.Err() == nil && accepts(ctx, connection) { // otherwise it was given up, and ends
				return nil
			}
		}
	}
}

// launch has Lima start the VM. If Lima gives up, the error begins with the reasons in the log of its host agent.
func (o observer) launch(ctx context.Context, line func(string)) error {
	log := lima.NewHostLog(o.place.Dir(""))
	defer log.Close()
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := setBack(time.Now())
	go crash.Guard(func() { watchClock(starting, clock, log.Booted, func() { cancel(errClockSetBack) }) })()
	err := o.lima.Start(starting, o.place.VM, line)
	if ctx.Err() == nil && errors.Is(context.Cause(starting), errClockSetBack) {
		return nil
	}
	if refused, ok := errors.AsType[*lima.CommandError](err); ok && ctx.Err() == nil {
		err = o.outlast(ctx, log, refused, line)
	}
	_, explained := errors.AsType[*startError](err)
	if err == nil || ctx.Err() != nil || explained {
		return err
	}
	if reasons := log.Reasons(); len(reasons) > 0 {
		return &startError{reasons, err}
	}
	return err
}

// errClockSetBack ends a `limactl start` that would not end by itself.
var errClockSetBack = errors.New("the VM has booted, and the clock of this machine was set back meanwhile")

const (
	// clockStep is by how much the clock must have been set back to matter. Lima compares in seconds.
	clockStep = time.Second
	// bootedPatience is how long limactl may take to notice the end of a boot.
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

// startError is the error of a VM that did not start for reasons that the host shows.
type startError struct {
	reasons []string
	err     error // of limactl
}

func (e *startError) Error() string { return strings.Join(e.reasons, "\n") + "\n" + e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

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
		"this machine may have too little memory: close programs, or give the VM less: worldsetup --memory SIZE"},
	{lazyregexp.New(`(?i)not a valid (device|machine|chardev)|unsupported machine type|could not open option rom`),
		"this QEMU lacks a part of it: install all of it (brew reinstall qemu; sudo apt-get install --reinstall " +
			"qemu-system-x86), or see which one is called: command -v qemu-system-x86_64"},
	{lazyregexp.New(`com\.apple\.security\.virtualization|VZErrorDomain`),
		"see whether limactl may create VMs here: worldsetup check"},
	{lazyregexp.New(`(?i)kvm|hvf|hypervisor|firmware|executable file not found|shared libraries|dyld`),
		"see what this machine lacks: worldsetup check"},
}

// advice returns what to do about the reasons; dir is the VM's directory.
func (e *startError) advice(dir string) string {
	for _, known := range startAdvice {
		if known.reason.MatchString(strings.Join(e.reasons, "\n")) {
			return strings.ReplaceAll(known.next, "%s", shellescape.Quote(dir))
		}
	}
	return "repair what that names"
}

// stop shuts the VM down, or powers it off if force is set. A VM that does not shut down is powered off if that was
// agreed to.
func (v *vmLifecycle) stop(ctx context.Context, force, mayForce bool, line func(string)) error {
	if force {
		return v.lima.Stop(ctx, v.place.VM, true, line)
	}
	late := errors.New("it did not stop within " + gracefulStop.String())
	graceful, cancel := context.WithTimeoutCause(ctx, gracefulStop, late)
	defer cancel()
	err := v.lima.Stop(graceful, v.place.VM, false, line)
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case !mayForce:
		return &Error{
			Kind: KindDisruption, What: "the VM did not shut down, and powering it off was not agreed to",
			Why: err.Error(), Err: err,
			Next: "look at it: limactl shell " + shellescape.Quote(v.place.VM) + "; or power it off: " +
				vmCommand("worldsetup", v.place.VM) + " --allow=" + DisruptionForce.Word(),
		}
	}
	line(fmt.Sprintf("%v: stopping it by force", err))
	return v.lima.Stop(ctx, v.place.VM, true, line)
}

// awaitBoot waits for the end of a boot, if one is under way.
func (v *vmLifecycle) awaitBoot(ctx context.Context, at State) error {
	if v.boot == nil && at.Booting {
		return v.awaitOthersBoot(ctx, at.Instance)
	}
	return v.boot.wait()
}

// awaitOthersBoot waits for the end of a boot that another program started.
func (v *vmLifecycle) awaitOthersBoot(ctx context.Context, instance *limatype.Instance) error {
	ticker := time.NewTicker(bootPause)
	defer ticker.Stop()
	_, before := bootOf(instance, v.now())
	began := time.Now()
	for {
		booted, age := bootOf(instance, v.now())
		if booted || max(age, before+time.Since(began)) >= bootGrace { // the clock may be set back
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// finishBoot waits for the end of booting, since a run does not end before the processes that it started. If that is
// interrupted as well, it adds to err what became of the VM.
func (v *vmLifecycle) finishBoot(ctx context.Context, err error) error {
	bootErr := v.boot.wait()
	failure := AsError(err)
	if bootErr == nil || ctx.Err() == nil || errors.Is(err, bootErr) {
		return failure
	}
	failure.Why += "\n" + bootErr.Error()
	return failure
}

// cleanUp cleans up after creating or starting a VM failed or was interrupted: Lima does not clean up. A VM that was
// created in this run and never had a disk is removed again; one that is booting is stopped, so that nothing keeps
// running in the background. A VM that another program created meanwhile is left alone. It returns err with what state
// was left.
func (v *vmLifecycle) cleanUp(ctx context.Context, err error, booting bool) error {
	if err == nil {
		return nil
	}
	// The run's own context may be what ended.
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupDeadline)
	defer cancel()
	instance, findErr := v.find(cleanup)
	switch {
	case findErr != nil:
		return fmt.Errorf("%w (and Lima does not report what is left of it: %w)", err, findErr)
	case instance == nil:
		return fmt.Errorf("%w (no VM is left of it)", err)
	case !booting && !v.madeHere():
		return fmt.Errorf("%w (another VM of that name is there, and was left alone)", err)
	case v.madeHere() && !hasDisk(instance.Dir):
		if deleteErr := v.place.Discard(cleanup, "", nil); deleteErr != nil {
			return fmt.Errorf("%w (and the incomplete VM could not be removed: %w)", err, deleteErr)
		}
		return fmt.Errorf("%w (the incomplete VM, which had no disk yet, was removed)", err)
	case ctx.Err() != nil && booting && instance.Status != limatype.StatusStopped:
		if stopErr := v.lima.Stop(cleanup, v.place.VM, true, nil); stopErr != nil {
			return fmt.Errorf("%w (and the VM, which was booting, could not be stopped: %w)", err, stopErr)
		}
		return fmt.Errorf("%w (the VM, which was booting, was stopped; its disk is kept)", err)
	}
	return fmt.Errorf("%w (the VM is left %s)", err, strings.ToLower(instance.Status))
}

// bootProcess is a running `limactl start`. For half of its time, steps in the guest can already run.
type bootProcess struct {
	ended chan struct{} // closed when it has ended; err is valid then
	err   error
}

// wait waits for the end of booting. Without a boot under way there is nothing to wait for.
func (b *bootProcess) wait() error {
	if b == nil {
		return nil
	}
	<-b.ended
	return b.err
}

// going reports whether the VM is still booting.
func (b *bootProcess) going() bool {
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

// until waits until seen returns true; false when booting has ended without that.
func (b *bootProcess) until(seen func() bool) bool {
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

// failed reports whether booting has ended with an error.
func (b *bootProcess) failed() bool { return b != nil && !b.going() && b.err != nil }

// laying reports whether mounts and forwarded sockets are still to come. That is also so when booting has failed and no
// step has waited for its end yet, so that one does, and reports the reason (TestWhatReplacementsMeet, under load).
func (b *bootProcess) laying() bool { return b.going() || b.failed() }

// bootPause is the interval at which a boot that another program began is probed for its end.
const bootPause = time.Second

// bootOf returns whether the boot that Lima's host agent supervises has ended, according to its events, and how long
// ago that agent was started. A boot without events is taken for an old one.
func bootOf(instance *limatype.Instance, now time.Time) (booted bool, age time.Duration) {
	if info, err := os.Stat(filepath.Join(instance.Dir, filenames.HostAgentPID)); err == nil {
		age = max(now.Sub(info.ModTime()), 1)
	}
	boot, err := lima.ReadBoot(instance.Dir)
	return boot.Ended || err != nil, age
}

// startedBefore reports whether an instance was ever started: Lima's host agent leaves its log.
func startedBefore(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, filenames.HostAgentStdoutLog))
	return err == nil
}

// hasDisk reports whether an instance ever got as far as having a disk, under its name in Lima 2 or in Lima 1.
func hasDisk(dir string) bool {
	for _, name := range []string{filenames.Disk, filenames.DiffDiskLegacy} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// hasImage reports whether an instance has a disk, or the image that it is made from.
func hasImage(dir string) bool {
	for _, name := range []string{filenames.Image, filenames.BaseDiskLegacy} { // Lima 2.0 has the second one
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return hasDisk(dir)
}

// bootGrace is how long a boot that another program started may take before it counts as hung: Lima's own deadline.
const bootGrace = 10 * time.Minute

// accepts reports whether the UNIX socket at path accepts connections.
func accepts(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	connection.Close()
	return true
}

// hostProcess is the state of a process on this machine.
type hostProcess struct {
	pid             int // 0 when it is gone
	stopped, zombie bool
}

// processesIn observes the processes whose numbers are in the pid files of a directory, by the files' names. states
// returns their states.
func processesIn(dir string, states func(pids ...int) map[int]byte) map[string]hostProcess {
	files, _ := filepath.Glob(filepath.Join(dir, "*.pid")) // the pattern is a constant
	found := map[string]hostProcess{}
	var pids []int
	for _, path := range files {
		var p hostProcess
		text, _ := os.ReadFile(path) // it may be gone by now
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil && pid > 0 && syscall.Kill(pid, 0) != syscall.ESRCH {
			p.pid = pid
			pids = append(pids, pid)
		}
		found[filepath.Base(path)] = p
	}
	seen := states(pids...)
	for name, p := range found {
		state := seen[p.pid]
		p.stopped, p.zombie = state == process.Stopped || state == process.Traced, state == process.Zombie
		found[name] = p
	}
	return found
}

// stoppedProcesses names the VM's processes that were stopped; empty for none.
func stoppedProcesses(dir string) (text string) {
	processes := processesIn(dir, func(pids ...int) map[int]byte { return process.States(context.Background(), pids...) })
	var stopped []string
	for _, name := range slices.Sorted(maps.Keys(processes)) {
		if processes[name].stopped {
			stopped = append(stopped, fmt.Sprintf("the process in %s is stopped", name))
		}
	}
	return strings.Join(stopped, ", ")
}
