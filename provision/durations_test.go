package provision

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/internal/durations"
)

// TestFirstEstimate: before anything was recorded, it depends on acceleration and on the download.
func TestFirstEstimate(t *testing.T) {
	found := func(id, outcome string, size int64) checks.Result {
		return checks.Result{Size: size, Finding: Finding{ID: id, Outcome: Outcome(outcome)}}
	}
	total := func(rate int64, results ...checks.Result) time.Duration {
		r := newRun(&emitter{})
		r.target = target{spec: Spec{StateDir: t.TempDir()}, vmType: limatype.QEMU}
		if rate > 0 {
			_ = durations.Durations{Rate: rate}.Write(durationsPath(r.target.spec))
		}
		r.times.observe(r.target, results)
		plan := Plan{Gets: &Gets{Download: true}}
		plan.Steps = []Step{newStep(StepCreate, ""), newStep(StepStart, "")}
		r.times.estimate(&plan)
		if plan.Gets.DownloadSize != r.times.size || plan.Gets.DownloadTime != r.times.downloadTime() {
			t.Errorf("%+v", plan.Gets)
		}
		if plan.Usual() != plan.Total || plan.Total <= plan.Steps[0].Usual+plan.Steps[1].Usual {
			t.Errorf("the total of %+v", plan)
		}
		return plan.Total
	}
	fast, slow := found("acceleration", string(OK), 0), found("acceleration", string(Info), 0)
	if a, b := total(0, fast), total(0, slow); a > 30*time.Second || b < 3*time.Minute {
		t.Errorf("with KVM %v, without %v", a, b)
	}
	here, unknown := found("image-host", string(OK), 600_000_000), found("image-host", string(OK), 0)
	base := total(0, fast)
	for name, test := range map[string]struct{ have, want time.Duration }{
		"600 MB":                 {total(0, fast, here), 120 * time.Second},
		"600 MB, a slow line":    {total(1_000_000, fast, here), 600 * time.Second},
		"an unknown size":        {total(0, fast, unknown), 100 * time.Second},
		"nothing to download":    {total(0, fast, found("image-host", string(Omitted), 0)), 0},
		"it can't be downloaded": {total(0, fast, found("image-host", string(Failed), 0)), 0},
	} {
		if test.have != base+test.want {
			t.Errorf("%s: %v more, want %v", name, test.have-base, test.want)
		}
	}
}

// recordedRun is a run as it was on a machine.
type recordedRun struct {
	Kind     string // what was done, and where
	Machine  string // runs of one machine follow each other
	Emulated bool
	Steps    []struct { // of the first plan, and what was added; Took is 0 for what was skipped
		ID   StepID
		Took time.Duration
	}
	Total time.Duration // from the first step to the end
}

// TestReplay replays runs that were recorded, on test beds and a VM, each while the load of its machine stayed the
// same: from the second one of its kind on a machine, the estimate at its start is within a quarter of what it took.
func TestReplay(t *testing.T) {
	text, err := os.ReadFile("testdata/runs.json")
	if err != nil {
		t.Fatal(err)
	}
	var runs []recordedRun
	if err := json.Unmarshal(text, &runs); err != nil {
		t.Fatal(err)
	}
	dirs, seen, judged := map[string]string{}, map[string]int{}, map[string]int{}
	for i, was := range runs {
		if dirs[was.Machine] == "" {
			dirs[was.Machine] = t.TempDir()
		}
		clock := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
		now := func() time.Time { return clock }
		r := newRun(&emitter{now: now})
		r.target = target{spec: Spec{StateDir: dirs[was.Machine]}, vmType: limatype.QEMU}
		r.edges = Edges{Now: now}
		r.times.acceleration = "kvm"
		if was.Emulated {
			r.times.acceleration = durations.Emulated
		}
		plan := Plan{}
		for _, step := range was.Steps {
			s := newStep(step.ID, "")
			s.Conditional = step.Took == 0
			plan.Steps = append(plan.Steps, s)
		}
		r.times.estimate(&plan)
		plan, _ = r.list.update(plan, false)
		began := clock
		for at, step := range was.Steps {
			if step.Took == 0 {
				continue
			}
			listed := r.list.begin(plan.Steps[at])
			clock = clock.Add(step.Took)
			r.times.add(listed, step.Took)
			r.list.end(listed, StepDone)
		}
		clock = began.Add(was.Total)
		if err := r.end(nil, true); err != nil {
			t.Fatal(err)
		}
		name := was.Machine + ": " + was.Kind
		if seen[name]++; seen[name] == 1 {
			continue
		}
		judged[name]++
		if off := float64(plan.Total-was.Total) / float64(was.Total); off < -0.25 || off > 0.25 {
			t.Errorf("run %d (%s): the estimate was %v, it took %v: %+.0f %%", i, name, plan.Total, was.Total, 100*off)
		}
	}
	t.Logf("judged: %v", slices.Sorted(maps.Keys(judged)))
	if len(judged) < 3 {
		t.Errorf("only %v were judged", judged)
	}
}
