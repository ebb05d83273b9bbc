package provision

import (
	"cmp"
	"path/filepath"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision/internal/durations"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
)

// This file knows how long steps take: as long as they took on this machine, or until that is known, as long as they
// usually do. Only whole steps that succeeded are recorded.

const (
	// usualImage and usualRate count for an image whose size the server does not say, and before anything was
	// downloaded: images of Debian and Ubuntu have 300 to 600 MB, and 40 Mbit/s are common.
	usualImage = 500_000_000
	usualRate  = 5_000_000 // bytes per second
)

// stepBetween stands for the work between the steps: observing and verifying.
const stepBetween = "between"

// usualBetween is how long that usually takes, with hardware acceleration.
const usualBetween = 3 * time.Second

// durationsPath is the file that holds the durations of this machine's steps.
func durationsPath(spec Spec) string { return filepath.Join(spec.StateDir, "durations.json") }

// times are what a run knows about the time that its steps take.
type times struct {
	target   *target
	activity *lifecycle.Activity
	list     *agreedList

	recorded     *durations.Durations // read when they are first needed
	acceleration string               // empty as long as it isn't known
	kind         string               // of the run; empty before its first plan
	image        int64                // bytes to download, at least about; 0 for none
	size         int64                // the same; 0 where it is unknown

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
			w.acceleration = durations.Emulated
		case result.ID == "image-host" && (result.Outcome == OK || result.Outcome == Info):
			w.size = result.Size
			w.image = cmp.Or(w.size, usualImage)
		}
	}
	switch {
	case t.vmType == limatype.VZ:
		w.acceleration = limatype.VZ
	case w.acceleration == "" && t.arch != "" && t.arch != limatype.NewArch(platform.Arch()):
		w.acceleration = durations.Emulated
	case w.acceleration == "" && platform.OS() == "darwin":
		w.acceleration = "hvf"
	}
}

// known returns the durations and the acceleration, as far as they are known.
func (w *times) known() (d *durations.Durations, acceleration string) {
	if w.recorded == nil {
		read := durations.Read(durationsPath(w.target.spec))
		w.recorded = &read
	}
	return w.recorded, cmp.Or(w.acceleration, w.recorded.Acceleration[w.target.vmType])
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
		plan.Total += d.Median(acceleration, w.kind, stepBetween, usualBetween)
	}
}

// preview returns a plan that nothing is done about, with its times and numbers.
func (w *times) preview(plan Plan) Plan {
	w.estimate(&plan)
	plan, _ = new(agreedList).update(plan, false)
	return plan
}

// estimated returns the step with the time that it takes.
func (w *times) estimated(step Step) Step {
	d, acceleration := w.known()
	step.Usual = d.Median(acceleration, w.kind, string(step.ID), kindOf(step.ID).usual)
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
		return durations.OfNew
	case p.has(StepStart):
		return durations.OfRestart
	}
	return durations.OfLive
}

// add keeps how long a step took that is done. What it downloaded doesn't count.
func (w *times) add(step Step, elapsed time.Duration) {
	if w.took == nil {
		w.took = map[StepID][]time.Duration{}
		w.began = w.list.events.now().Add(-elapsed)
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
	d := durations.Read(path) // again: other runs write it as well
	add := func(id string, took time.Duration) { d.Add(acceleration, w.kind, id, took) }
	for id, all := range w.took {
		for _, took := range all {
			add(string(id), took)
		}
	}
	for _, step := range w.list.steps {
		if step.state == StepSkipped && step.Conditional {
			add(string(step.ID), 0)
		}
	}
	if whole {
		add(stepBetween, max(0, w.list.events.now().Sub(w.began)-w.all))
	}
	if acceleration != "" {
		d.Acceleration[w.target.vmType] = acceleration
	}
	if rate := w.activity.Rate(); rate > 0 {
		d.Rate = rate
	}
	_ = d.Write(path) // without it, the next estimate is as good as this one
}
