package provision

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
)

// This file estimates how long steps take: as long as they took on this machine, or until that is known, as long as
// they usually do. The rules are: only whole steps that succeeded are recorded; a record that can't be read or written
// ends no run; it never holds more than the last few durations of each step.

const (
	durationsKept = 3        // of each step
	maxDurations  = 64 << 10 // bytes
	longest       = 24 * time.Hour
	// usualImage and usualRate count for an image whose size the server does not say, and before anything was
	// downloaded: images of Debian and Ubuntu have 300 to 600 MB, and 40 Mbit/s are common.
	usualImage = 500_000_000
	usualRate  = 5_000_000 // bytes per second
)

// What the time of a step depends on, besides the step.
const (
	ofNew     = "new"     // the VM is new
	ofRestart = "restart" // it is started
	ofLive    = "live"    // it goes on running

	emulated = "emulation"
)

// stepBetween stands for the work between the steps: observing and verifying.
const stepBetween StepID = "between"

// usualBetween is how long that usually takes, with hardware acceleration.
const usualBetween = 3 * time.Second

// durationsPath is the file that holds the durations of this machine's steps.
func durationsPath(spec Spec) string { return filepath.Join(spec.StateDir, "durations.json") }

// durations are how long steps took on this machine.
type durations struct {
	// Acceleration is that of the last run by the type of VM, for a VM that runs: how it was started doesn't show.
	Acceleration map[string]string `json:"acceleration"`
	Rate         int64             `json:"rate"` // of the last download, in bytes per second
	// Steps holds the latest durations, the last one last, by acceleration, kind of run, and step: "kvm/new/vm-start".
	Steps map[string][]time.Duration `json:"steps_ns"`
}

// readDurations reads the file. One that is damaged holds nothing.
func readDurations(path string) durations {
	var d durations
	text, err := readLimited(path, maxDurations)
	if err != nil || json.Unmarshal(text, &d) != nil {
		d = durations{}
	}
	if d.Steps == nil {
		d.Steps = map[string][]time.Duration{}
	}
	if d.Acceleration == nil {
		d.Acceleration = map[string]string{}
	}
	for key, took := range d.Steps {
		took = slices.DeleteFunc(took, func(one time.Duration) bool { return one < 0 || one > longest })
		if d.Steps[key] = took; len(took) == 0 {
			delete(d.Steps, key)
		}
	}
	if d.Rate < 0 {
		d.Rate = 0
	}
	return d
}

func (d durations) write(path string) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if len(text) > maxDurations { // not by our steps
		return os.Remove(path)
	}
	// If two runs end at the same time, the file may be damaged, and is then read as empty.
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func durationKey(acceleration, kind string, id StepID) string {
	return strings.Join([]string{acceleration, kind, string(id)}, "/")
}

func (d durations) add(acceleration, kind string, id StepID, took time.Duration) {
	at := durationKey(acceleration, kind, id)
	all := append(d.Steps[at], took)
	d.Steps[at] = all[max(0, len(all)-durationsKept):]
}

// median returns how long a step usually takes: the median of the latest times, in runs of this kind or else of
// another; or initial, if there are none.
func (d durations) median(acceleration, kind string, id StepID, initial time.Duration) time.Duration {
	for _, kind := range []string{kind, ofRestart, ofLive, ofNew} {
		took := slices.Sorted(slices.Values(d.Steps[durationKey(acceleration, kind, id)]))
		if n := len(took); n > 0 {
			return (took[(n-1)/2] + took[n/2]) / 2
		}
	}
	if acceleration == emulated {
		return emulatedTime(initial)
	}
	return initial
}

// emulatedTime returns how long something takes without hardware acceleration. What is short consists mostly of waiting
// for ssh; what is long, a boot or apt-get, keeps the processor busy.
func emulatedTime(accelerated time.Duration) time.Duration {
	if accelerated > 10*time.Second {
		return 10 * accelerated
	}
	return 2 * accelerated
}

// times are what a run knows about the time that its steps take.
type times struct {
	target   *target
	edges    *Edges
	activity *lifecycle.Activity
	list     *agreed

	durations    *durations // read when they are first needed
	acceleration string     // empty as long as it isn't known
	kind         string     // of the run; empty before its first plan
	image        int64      // bytes to download, at least about; 0 for none
	size         int64      // the same; 0 where it is unknown

	took  map[StepID][]time.Duration // of the steps that are done
	began time.Time                  // the first step; zero before
	all   time.Duration              // of the steps together
}

// observe takes what the prerequisites show: acceleration, and what has to be downloaded.
func (w *times) observe(t target, results []checks.Result) {
	for _, result := range results {
		switch {
		case result.ID == "acceleration" && result.Outcome == OK:
			w.acceleration = "kvm"
		case result.ID == "acceleration" && (result.Outcome == Info || result.Outcome == Warning):
			w.acceleration = emulated
		case result.ID == "image-host" && (result.Outcome == OK || result.Outcome == Info):
			w.size = result.Size
			w.image = cmp.Or(w.size, usualImage)
		}
	}
	switch {
	case t.vmType == limatype.VZ:
		w.acceleration = limatype.VZ
	case w.acceleration == "" && t.arch != "" && t.arch != limatype.NewArch(platform.Arch()):
		w.acceleration = emulated
	case w.acceleration == "" && platform.OS() == "darwin":
		w.acceleration = "hvf"
	}
}

// known returns the durations and the acceleration, as far as they are known.
func (w *times) known() (d *durations, acceleration string) {
	if w.durations == nil {
		read := readDurations(durationsPath(w.target.spec))
		w.durations = &read
	}
	if acceleration = w.acceleration; acceleration == "" {
		acceleration = w.durations.Acceleration[w.target.vmType]
	}
	return w.durations, acceleration
}

// estimate sets how long the steps of a plan take, and the whole.
func (w *times) estimate(plan *Plan) {
	if w.kind == "" || !w.list.made {
		w.kind = plan.kind()
	}
	plan.Total = 0
	for i := range plan.Steps {
		plan.Steps[i] = w.estimated(plan.Steps[i])
		plan.Total += plan.Steps[i].Usual
	}
	if g := plan.Gets; g != nil && g.Download && w.image > 0 {
		known := *g
		known.DownloadSize, known.DownloadTime = w.size, w.downloadTime()
		plan.Gets = &known
	}
	if len(plan.Steps) > 0 {
		d, acceleration := w.known()
		plan.Total += d.median(acceleration, w.kind, stepBetween, usualBetween)
	}
}

// preview returns a plan that nothing is done about, with its times and numbers.
func (w *times) preview(plan Plan) Plan {
	w.estimate(&plan)
	plan, _ = new(agreed).update(plan, false)
	return plan
}

// estimated returns the step with the time that it takes.
func (w *times) estimated(step Step) Step {
	d, acceleration := w.known()
	step.Usual = d.median(acceleration, w.kind, step.ID, kindOf(step.ID).usual)
	if step.ID == StepCreate || step.ID == StepReplaceCreate {
		step.Usual += w.downloadTime()
	}
	return step
}

// downloadTime is how long the download of the image takes.
func (w *times) downloadTime() time.Duration {
	d, _ := w.known()
	return time.Duration(float64(w.image) / float64(cmp.Or(d.Rate, usualRate)) * float64(time.Second))
}

// kind is what the time of its steps depends on.
func (p Plan) kind() string {
	switch {
	case p.has(StepCreate), p.has(StepReplaceCreate):
		return ofNew
	case p.has(StepStart):
		return ofRestart
	}
	return ofLive
}

// add keeps how long a step took that is done. What it downloaded doesn't count.
func (w *times) add(step Step, elapsed time.Duration) {
	if w.took == nil {
		w.took = map[StepID][]time.Duration{}
		w.began = w.edges.Now().Add(-elapsed)
	}
	w.all += elapsed
	if step.ID == StepCreate || step.ID == StepReplaceCreate {
		elapsed = max(0, elapsed-w.activity.Downloading())
	}
	w.took[step.ID] = append(w.took[step.ID], elapsed)
}

// record keeps the durations of the run's steps for the next one, and if it is whole, that of the work between them.
func (w *times) record(whole bool) {
	if len(w.took) == 0 {
		return
	}
	path := durationsPath(w.target.spec)
	_, acceleration := w.known()
	d := readDurations(path) // again: other runs write it as well
	add := func(id StepID, took time.Duration) { d.add(acceleration, w.kind, id, took) }
	for id, all := range w.took {
		for _, took := range all {
			add(id, took)
		}
	}
	for _, step := range w.list.steps {
		if step.state == StepSkipped && step.Conditional {
			add(step.ID, 0)
		}
	}
	if whole {
		add(stepBetween, max(0, w.edges.Now().Sub(w.began)-w.all))
	}
	if acceleration != "" {
		d.Acceleration[w.target.vmType] = acceleration
	}
	if rate := w.activity.Rate(); rate > 0 {
		d.Rate = rate
	}
	_ = d.write(path) // without it, the next estimate is as good as this one
}
