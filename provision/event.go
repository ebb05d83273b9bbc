package provision

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/internal/readfile"
)

// Schema is the version of the JSON form of events, plans and health reports. It changes when a field changes its
// meaning or is removed; new fields may appear under the same version and must be ignored by readers that don't know
// them.
const Schema = 2

// EventType determines which fields of an Event are set.
type EventType string

// The event types, in the order in which a run emits them.
const (
	EventStarted   EventType = "started"   // Message: what was asked for
	EventWaiting   EventType = "waiting"   // Message: what for
	EventCheck     EventType = "check"     // Check
	EventPlan      EventType = "plan"      // Plan; after each observation
	EventStep      EventType = "step"      // Step; started, then done or failed; or skipped
	EventLog       EventType = "log"       // Step, Message: one line of a tool's output
	EventHeartbeat EventType = "heartbeat" // Step: still running; at least every HeartbeatEvery while a step is silent
	EventProgress  EventType = "progress"  // Step, with Phase or Transfer; Message: a line of the VM's console
	EventHealth    EventType = "health"    // Health
	EventFinished  EventType = "finished"  // Result; the last event of a run
)

// HeartbeatEvery is the longest silence within a step.
const HeartbeatEvery = 2 * time.Second

// Event is one thing that happened in a run. Events are for display; decide by the result of Run.
type Event struct {
	Schema  int       `json:"schema"` // always Schema
	Seq     int       `json:"seq"`    // 1, 2, 3 …
	Time    time.Time `json:"time"`
	Type    EventType `json:"type"`
	Message string    `json:"message,omitempty"`

	Check  *checks.Result `json:"check,omitempty"`
	Plan   *Plan          `json:"plan,omitempty"`
	Step   *StepStatus    `json:"step,omitempty"`
	Health *Health        `json:"health,omitempty"`
	Result *Result        `json:"result,omitempty"`
}

// CheckResult is the result of a prerequisite.
type CheckResult = checks.Result

// StepState is how far a step has come.
type StepState string

// The step states.
const (
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped" // it was agreed to and is not needed; Reason has why
	StepPending StepState = "pending" // only in [Progress]: still to come
)

// StepStatus is the progress of a step.
type StepStatus struct {
	Number  int           `json:"number"` // in the list that was agreed to; what was added is counted on
	Of      int           `json:"of"`     // the length of that list, with what was added so far
	ID      StepID        `json:"id"`
	Title   string        `json:"title"`
	Reason  string        `json:"reason,omitempty"`
	Added   bool          `json:"added,omitempty"` // it was not in the plan that was agreed to
	State   StepState     `json:"state"`
	Elapsed time.Duration `json:"elapsed_ns"`
	Usual   time.Duration `json:"usual_ns,omitempty"` // how long it usually takes
	Left    time.Duration `json:"left_ns,omitempty"`  // how long the whole run still takes, as far as is known
	Error   *Error        `json:"error,omitempty"`
	// Phase is how far a long step has come, and Transfer the progress of its download.
	Phase    string    `json:"phase,omitempty"`
	Transfer *Transfer `json:"transfer,omitempty"`
}

// Transfer is the progress of a download.
type Transfer struct {
	Done  int64         `json:"done"`            // bytes
	Total int64         `json:"total,omitempty"` // bytes; 0 when unknown
	Rate  int64         `json:"rate,omitempty"`  // bytes per second, smoothed
	Left  time.Duration `json:"left_ns,omitempty"`
}

// Result is how a run ended.
type Result struct {
	Ready   bool          `json:"ready"`   // the world was verified by this run
	Changed bool          `json:"changed"` // at least one step was started
	Steps   int           `json:"steps"`   // how many steps were started
	Elapsed time.Duration `json:"elapsed_ns"`
	Error   *Error        `json:"error,omitempty"`
}

// emitter numbers events and passes them on one at a time.
type emitter struct {
	mu       sync.Mutex
	seq      int
	now      func() time.Time
	handle   func(Event)
	journal  *journal
	progress Progress // for the time that is left
}

func (e *emitter) emit(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	event.Schema, event.Seq, event.Time = Schema, e.seq, e.now()
	if e.progress.Add(event); event.Step != nil && event.Type != EventLog {
		step := *event.Step
		step.Left = e.progress.Left(event.Time)
		event.Step = &step
	}
	e.journal.write(event)
	if e.handle != nil {
		e.handle(event)
	}
}

// journal is the log file of a run. A nil journal writes nothing.
type journal struct {
	file *os.File
	size int  // bytes
	cut  bool // the output of tools is left out from here on
}

// maxJournal is the size of a log, in bytes, from which on it holds no more output of tools: a build prints 100 KiB.
// Other events are few. With that of the run before, there are two logs for each VM.
const maxJournal = 8 << 20

func openJournal(path string) (*journal, error) {
	if err := ownDirectory(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &journal{file: file}, nil
}

// ownDirectory makes a directory for the user alone. One that is there must be safe from other users.
func ownDirectory(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode().Perm(); {
	case ok && owner.Uid != 0 && int(owner.Uid) != os.Getuid():
		return fmt.Errorf("%s belongs to another user (%d)", path, owner.Uid)
	case mode&0o002 != 0, mode&0o020 != 0 && ok && int(owner.Gid) != os.Getgid():
		return fmt.Errorf("others can write to %s (its mode is %#o)", path, mode)
	}
	return nil
}

// write appends an event. Errors are ignored, since a full disk must not stop a repair.
func (j *journal) write(event Event) {
	output := event.Type == EventLog
	if j == nil || event.Type == EventHeartbeat || output && j.cut {
		return
	}
	if output && j.size >= maxJournal {
		j.cut = true
		event.Message = "(the output from here on is left out of this log)"
	}
	if line, err := json.Marshal(event); err == nil {
		written, _ := j.file.Write(append(plaintext.RedactJSON(line), '\n'))
		j.size += written
	}
}

func (j *journal) closeFile() {
	if j != nil {
		_ = j.file.Close()
	}
}

// logTail is how much of a log's end is read to find the current step, in bytes; an event has a few hundred.
const logTail = 64 << 10

// currentStep returns the step of the log's last step event, if it is running and no older than the run.
func currentStep(path string, since time.Time) *StepStatus {
	file, err := readfile.OpenPlain(path, os.O_RDONLY)
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

// Progress accumulates the events of a call, for a program that shows the present state of a run instead of one line
// per event. The zero value is the start.
type Progress struct {
	Checks []CheckResult // as announced, or with their results
	// Steps is the list of the run: the plan that was agreed to, and after it what was added. Steps keep their places.
	Steps   []StepProgress
	Message string // the last one that belongs to no step

	between  time.Duration // how long observing and verifying take, between the steps
	began    time.Time     // the first step; zero before
	finished bool          // without an error
}

// StepProgress is a step of a run's list.
type StepProgress struct {
	StepStatus
	Conditional bool // it is skipped if the VM turns out not to need it
	Began       time.Time
	Phases      []PhaseProgress
}

// PhaseProgress is a part of a step that was started.
type PhaseProgress struct {
	Name  string
	Began time.Time
}

// Add takes the next event.
func (p *Progress) Add(event Event) {
	switch event.Type {
	case EventCheck:
		p.addCheck(*event.Check)
	case EventPlan:
		p.addPlan(*event.Plan)
	case EventStep, EventProgress:
		p.addStep(event)
	case EventFinished:
		p.finished = event.Result.Error == nil
	case EventStarted, EventLog:
	default:
		p.Message = event.Message
	}
}

func (p *Progress) addCheck(result CheckResult) {
	at := slices.IndexFunc(p.Checks, func(c CheckResult) bool { return c.ID == result.ID })
	if at < 0 {
		p.Checks = append(p.Checks, result)
		return
	}
	p.Checks[at] = result
}

// addPlan takes the steps that are left to do. Those of later plans are in the list, or added to it.
func (p *Progress) addPlan(plan Plan) {
	if len(p.Steps) == 0 && plan.Total > 0 {
		p.between = plan.Total
		for _, step := range plan.Steps {
			p.between -= step.Usual
		}
	}
	for i, step := range plan.Steps {
		listed := p.at(cmp.Or(step.Number, i+1))
		listed.StepStatus = StepStatus{Number: listed.Number, ID: step.ID, Title: step.Title, Reason: step.Reason,
			Added: step.Added, State: StepPending, Usual: step.Usual}
		listed.Conditional = step.Conditional
	}
}

// at returns the step with a number. The list grows up to it.
func (p *Progress) at(number int) *StepProgress {
	for len(p.Steps) < number {
		p.Steps = append(p.Steps, StepProgress{StepStatus: StepStatus{Number: len(p.Steps) + 1, State: StepPending}})
	}
	return &p.Steps[number-1]
}

func (p *Progress) addStep(event Event) {
	status := *event.Step
	step := p.at(max(status.Number, 1))
	if step.State == StepPending {
		step.Began = event.Time.Add(-status.Elapsed)
	}
	if step.StepStatus = status; status.State == StepSkipped {
		return
	}
	if p.began.IsZero() {
		p.began = step.Began
	}
	if n := len(step.Phases); status.Phase != "" && (n == 0 || step.Phases[n-1].Name != status.Phase) {
		step.Phases = append(step.Phases, PhaseProgress{status.Phase, event.Time})
	}
}

// Current is the running step; nil when there is none.
func (p *Progress) Current() *StepProgress {
	at := slices.IndexFunc(p.Steps, func(s StepProgress) bool { return s.State == StepRunning })
	if at < 0 {
		return nil
	}
	return &p.Steps[at]
}

// Count returns how many steps are in a state.
func (p *Progress) Count(state StepState) (n int) {
	for i := range p.Steps {
		if p.Steps[i].State == state {
			n++
		}
	}
	return n
}

// Begun reports whether a step was begun.
func (p *Progress) Begun() bool { return !p.began.IsZero() }

// Problems returns the checks that a user should read about.
func (p *Progress) Problems() (problems []CheckResult) {
	for _, check := range p.Checks {
		if check.Outcome.IsProblem() {
			problems = append(problems, check)
		}
	}
	return problems
}

// Fixable is the first check with a command that would fix it; nil when there is none.
func (p *Progress) Fixable() *CheckResult {
	for i, check := range p.Checks {
		if check.Outcome.IsProblem() && check.Fix != nil {
			return &p.Checks[i]
		}
	}
	return nil
}

// RolledBack reports whether the VM is as it was before a swap, and nothing went wrong or on after that: it got its
// name back, or had never lost it. If the rollback failed as well, the error has the details.
func (p *Progress) RolledBack() bool {
	undone := false
	for i := range p.Steps {
		switch step := &p.Steps[i]; {
		case step.State == StepPending, step.State == StepSkipped:
		case step.ID.RollsBack():
			if step.State != StepDone {
				return false
			}
			undone = undone || step.ID != StepRollbackDisplace // after which no VM has the name
		default:
			undone = false
		}
	}
	return undone
}

// least is the time that every step and the verification count for at least.
const least = time.Second

// Percent is how much of the work is done, as far as its time is known. It is 100 when the run has ended well, after
// the verification.
func (p *Progress) Percent(now time.Time) int {
	if p.finished {
		return 100
	}
	if len(p.Steps) == 0 {
		return 0
	}
	var done time.Duration
	between := max(p.between, least)
	all := between
	for i := range p.Steps {
		step := &p.Steps[i]
		usual := max(step.Usual, least)
		switch {
		case step.State == StepSkipped:
			continue
		case step.State == StepRunning: // one that takes longer than usual is never quite done
			done += min(now.Sub(step.Began), usual*95/100)
		case step.State != StepPending:
			done += usual
		}
		all += usual
	}
	done += min(p.besides(now), between*95/100)
	return max(0, min(99, int(100*done/all)))
}

// Left is how long the run still takes, as far as is known: 0 before there is a plan, and at the end.
func (p *Progress) Left(now time.Time) (left time.Duration) {
	if p.finished || len(p.Steps) == 0 {
		return 0
	}
	for i := range p.Steps {
		switch step := &p.Steps[i]; step.State {
		case StepPending:
			left += step.Usual
		case StepRunning:
			rest := max(step.Usual-now.Sub(step.Began), step.Usual/10)
			if step.Transfer != nil {
				rest = max(rest, step.Transfer.Left)
			}
			left += rest
		}
	}
	return left + max(0, p.between-p.besides(now))
}

// besides is how long the run was at work between its steps, since the first one.
func (p *Progress) besides(now time.Time) time.Duration {
	if p.began.IsZero() {
		return 0
	}
	besides := now.Sub(p.began)
	for i := range p.Steps {
		switch step := &p.Steps[i]; step.State {
		case StepRunning:
			besides -= now.Sub(step.Began)
		case StepDone, StepFailed:
			besides -= step.Elapsed
		}
	}
	return max(0, besides)
}
