package provision

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// RunInfo is a run that is at work on a VM, in this process or another.
type RunInfo struct {
	PID   int       `json:"pid"` // 0 when it is unknown
	Since time.Time `json:"since"`
	// Step is the one that it is at; nil while it looks, or proves.
	Step *StepStatus `json:"step,omitempty"`
}

// A run holds a second lock beside the one that keeps runs apart, since only of such a lock can it be asked whether somebody
// holds it without taking it: a reader that took the first one for a moment would turn a run away. Like the first, the
// kernel drops it when its process ends, however it ends.

// announce takes that lock. Without it a run works, and nobody sees that it does: no reason to fail.
func announce(spec Spec) (end func()) {
	file, err := os.OpenFile(stateFile(spec, ".run"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return func() {}
	}
	_ = syscall.FcntlFlock(file.Fd(), setDescriptionLock, &syscall.Flock_t{Type: syscall.F_WRLCK}) // see above
	return func() { _ = file.Close() }
}

// underWay is the run that is at work on the VM; nil when there is none.
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
		info.Since, _ = time.Parse(time.RFC3339, since) // zero: as unknown as it is
	}
	info.Step = currentStep(LogPath(spec), info.Since)
	return info
}

// logTail is how much of a log's end is read for the step that a run is at, in bytes; events have some hundred.
const logTail = 64 << 10

// currentStep is the step that the log's last step event tells of, if that is under way and no older than the run.
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

// busy is the error of whoever would see a half-made world.
func busy(spec Spec, info *RunInfo) *Error {
	failure := &Error{
		Kind: KindBusy,
		What: fmt.Sprintf("provisioning in progress: another run of worldsetup is at work on the VM %s", spec.VM),
		Why:  "it did not say which process it is",
		Next: "wait until it has ended (--wait does that), or watch it: worldsetup status --watch",
	}
	if info != nil {
		failure.Why = info.String()
	}
	return failure
}

// String says which run it is and what it is at.
func (i RunInfo) String() string {
	text := fmt.Sprintf("process %d", i.PID)
	if !i.Since.IsZero() {
		text += ", since " + i.Since.Format(time.RFC3339)
	}
	if step := i.Step; step != nil {
		text += fmt.Sprintf("; step %d of %d, %s, for %s", step.Number, step.Of, step.Title, plaintext.Duration(step.Elapsed))
	}
	return strings.TrimSpace(text)
}
