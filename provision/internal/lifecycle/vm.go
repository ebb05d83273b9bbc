// Package lifecycle finds, creates, starts and stops a VM, and shows how its boot comes along.
package lifecycle

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

const (
	// gracefulStop is how long a VM may take to stop when it is asked to; 3 s are usual, 10 s under emulation.
	gracefulStop = 90 * time.Second
	// sshPause is the interval at which a booting VM is probed for ssh.
	sshPause = 250 * time.Millisecond
	// cleanupDeadline bounds what is done after a run was interrupted.
	cleanupDeadline = time.Minute
)

// VM is the VM of a name in Lima's home, and its boot in this run.
type VM struct {
	Place vmswap.Place
	Now   func() time.Time

	Activity Activity
	// Boot is the start in this run, running or ended; nil before.
	Boot *Boot
	// stamp is the stamp of the VM that this run created; empty when it created none.
	stamp string
}

// Find asks Lima for the instance; nil when there is none. A directory in Lima's home that is not a VM, which an
// interrupted creation can leave, makes `limactl list` of some versions fail for all VMs, and others list it as a VM:
// Find then looks for this one alone, and names the directory if it is in the way.
func (v *VM) Find(ctx context.Context) (*limatype.Instance, error) {
	instance, err := v.Place.Lima.Find(ctx, v.Place.VM)
	dir := v.Place.Dir("")
	_, missing := os.Lstat(dir)
	_, statErr := os.Lstat(filepath.Join(dir, filenames.LimaYAML))
	none := missing == nil && errors.Is(statErr, fs.ErrNotExist)
	refused, ok := errors.AsType[*lima.CommandError](err)
	elsewhere := v.elsewhere(instance)
	switch {
	case ok && refused.HomeOnNFS(), !ok && (instance == nil || !none || elsewhere != nil):
		return instance, cmp.Or(err, elsewhere)
	case !v.Place.Observe().VM:
		return nil, nil
	case none:
		return nil, &finding.Error{
			Kind: finding.KindUnhealthy, What: dir + " is where the VM would be, but is not a VM",
			Why: "it has no " + filenames.LimaYAML + "; an interrupted creation leaves such a directory", Err: err,
			Next: "inspect it, and if nothing in it is needed: rm -r " + shellescape.Quote(dir) +
				"; then run worldsetup again",
		}
	}
	return v.FindOnly(ctx)
}

// FindOnly asks Lima for this instance alone, which exists.
func (v *VM) FindOnly(ctx context.Context) (*limatype.Instance, error) {
	instance, err := v.Place.Lima.FindOnly(ctx, v.Place.VM)
	return instance, cmp.Or(err, v.elsewhere(instance))
}

// elsewhere returns an error if instance is in another Lima home than worldsetup uses: limactl would change one VM,
// and worldsetup the directory of another.
func (v *VM) elsewhere(instance *limatype.Instance) error {
	if instance == nil {
		return nil
	}
	home, other := filepath.Clean(v.Place.Home), filepath.Dir(instance.Dir)
	homeInfo, homeErr := os.Stat(home)
	otherInfo, otherErr := os.Stat(other)
	if other == home || homeErr == nil && otherErr == nil && os.SameFile(homeInfo, otherInfo) {
		return nil
	}
	return &finding.Error{
		Kind: finding.KindPrerequisite, What: fmt.Sprintf("limactl works in another Lima home than %s", home),
		Why:  fmt.Sprintf("it has the VM %s in %s", instance.Name, instance.Dir),
		Next: "set LIMA_HOME to the home that you mean, and check which limactl is called: command -v limactl",
	}
}

// HalfCreated reports whether an interrupted run has left an instance with a disk or image that may be incomplete.
func (v *VM) HalfCreated(instance *limatype.Instance) bool {
	return instance != nil && instance.Config != nil && instance.Status == limatype.StatusStopped &&
		!StartedBefore(instance.Dir) && hasImage(instance.Dir) && v.Place.Unfinished()
}

// Create creates the VM and protects it, and cleans up after a failure.
func (v *VM) Create(ctx context.Context, profile []byte, protect bool, line func(string)) error {
	v.stamp = rand.Text()
	err := v.Place.Lima.Create(ctx, v.Place.VM, lima.Stamp(profile, v.stamp), line)
	if err == nil {
		err = v.Place.Claim(ctx, "", protect, line)
	}
	return v.cleanUp(ctx, err, false)
}

// madeHere reports whether this run created the VM that is there, and not another program that was faster.
func (v *VM) madeHere() bool {
	text, err := os.ReadFile(filepath.Join(v.Place.Dir(""), filenames.LimaYAML))
	return err == nil && v.stamp != "" && lima.Stamped(text, v.stamp)
}

// Start starts the VM and returns as soon as Lima's shared ssh connection is up, or booting has ended.
func (v *VM) Start(ctx context.Context, line func(string)) error {
	boot := &Boot{ended: make(chan struct{})}
	v.Boot = boot
	v.Activity.begin()
	booting, cancel := context.WithCancelCause(ctx)
	dir := v.Place.Dir("")
	consoles := lima.Consoles(dir) // before the VM writes to them
	go crash.Guard(func() { v.Activity.watchConsole(booting, dir, consoles, cancel) })()
	go func() {
		defer close(boot.ended)
		defer cancel(nil)
		defer crash.Catch()
		boot.Err = v.cleanUp(booting, v.Launch(booting, line), true)
	}()
	connection := filepath.Join(dir, filenames.SSHSock)
	ticker := time.NewTicker(sshPause)
	defer ticker.Stop()
	for {
		select {
		case <-boot.ended:
			return boot.Err
		case <-ticker.C:
			if booting.Err() == nil && Accepts(ctx, connection) { // otherwise it was given up, and ends
				return nil
			}
		}
	}
}

// StaysUpError is the error of a VM that did not shut down, and that was not powered off.
type StaysUpError struct{ err error }

func (e *StaysUpError) Error() string { return e.err.Error() }
func (e *StaysUpError) Unwrap() error { return e.err }

// Stop shuts the VM down, or powers it off if force is set. A VM that does not shut down is powered off if that was
// agreed to.
func (v *VM) Stop(ctx context.Context, force, mayForce bool, line func(string)) error {
	if force {
		return v.Place.Lima.Stop(ctx, v.Place.VM, true, line)
	}
	late := errors.New("it did not stop within " + gracefulStop.String())
	graceful, cancel := context.WithTimeoutCause(ctx, gracefulStop, late)
	defer cancel()
	err := v.Place.Lima.Stop(graceful, v.Place.VM, false, line)
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case !mayForce:
		return &StaysUpError{err}
	}
	line(fmt.Sprintf("%v: stopping it by force", err))
	return v.Place.Lima.Stop(ctx, v.Place.VM, true, line)
}

// AwaitBoot waits for the end of a boot, if one is under way. booting says that another program may have begun it.
func (v *VM) AwaitBoot(ctx context.Context, booting bool, instance *limatype.Instance) error {
	if v.Boot == nil && booting {
		return v.awaitOthersBoot(ctx, instance)
	}
	return v.Boot.Wait()
}

// awaitOthersBoot waits for the end of a boot that another program started.
func (v *VM) awaitOthersBoot(ctx context.Context, instance *limatype.Instance) error {
	ticker := time.NewTicker(bootPause)
	defer ticker.Stop()
	_, before := BootOf(instance.Dir, v.Now())
	began := time.Now()
	for {
		booted, age := BootOf(instance.Dir, v.Now())
		if booted || max(age, before+time.Since(began)) >= BootGrace { // the clock may be set back
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// FinishBoot waits for the end of booting, since a run does not end before the processes that it started. If that is
// interrupted as well, it adds to err what became of the VM.
func (v *VM) FinishBoot(ctx context.Context, err error) error {
	bootErr := v.Boot.Wait()
	failure := finding.AsError(err)
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
func (v *VM) cleanUp(ctx context.Context, err error, booting bool) error {
	if err == nil {
		return nil
	}
	// The run's own context may be what ended.
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupDeadline)
	defer cancel()
	instance, findErr := v.Find(cleanup)
	switch {
	case findErr != nil:
		return fmt.Errorf("%w (and Lima does not report what is left of it: %w)", err, findErr)
	case instance == nil:
		return fmt.Errorf("%w (no VM is left of it)", err)
	case !booting && !v.madeHere():
		return fmt.Errorf("%w (another VM of that name is there, and was left alone)", err)
	case v.madeHere() && !HasDisk(instance.Dir):
		if deleteErr := v.Place.Discard(cleanup, "", nil); deleteErr != nil {
			return fmt.Errorf("%w (and the incomplete VM could not be removed: %w)", err, deleteErr)
		}
		return fmt.Errorf("%w (the incomplete VM, which had no disk yet, was removed)", err)
	case ctx.Err() != nil && booting && instance.Status != limatype.StatusStopped:
		if stopErr := v.Place.Lima.Stop(cleanup, v.Place.VM, true, nil); stopErr != nil {
			return fmt.Errorf("%w (and the VM, which was booting, could not be stopped: %w)", err, stopErr)
		}
		return fmt.Errorf("%w (the VM, which was booting, was stopped; its disk is kept)", err)
	}
	return fmt.Errorf("%w (the VM is left %s)", err, strings.ToLower(instance.Status))
}

// Accepts reports whether the UNIX socket at path accepts connections.
func Accepts(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	connection.Close()
	return true
}
