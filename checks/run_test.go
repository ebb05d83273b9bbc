package checks

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// after is a probe that takes d and obeys its context.
func after(d time.Duration, result Result) func(context.Context) Result {
	return func(ctx context.Context) Result {
		select {
		case <-time.After(d):
			return result
		case <-ctx.Done():
			return failed("the probe was stopped", "", "")
		}
	}
}

func collect(ctx context.Context, list []Check) (results []Result, finished []string) {
	results = Run(ctx, list, func(r Result) {
		finished = append(finished, strings.TrimSuffix(r.ID+" "+string(r.Outcome), " ok"))
	})
	return results, finished
}

func outcomes(results []Result) (out []Outcome) {
	for _, result := range results {
		out = append(out, result.Outcome)
	}
	return out
}

func TestRunSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		results, finished := collect(t.Context(), []Check{
			{ID: "slow", Probe: after(3*time.Second, ok("1"))},
			{ID: "fast", Probe: after(time.Second, ok("2"))},
			{ID: "next", Requires: []string{"fast"}, Probe: after(time.Second, ok("3"))},
		})
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		want := []string{"slow pending", "fast pending", "next pending", "fast", "next", "slow"}
		if !slices.Equal(finished, want) {
			t.Errorf("finished as %q, want %q", finished, want)
		}
		for i, want := range []string{"slow", "fast", "next"} {
			if results[i].ID != want || results[i].Outcome != OK {
				t.Errorf("result %d is %+v, want %s", i, results[i], want)
			}
		}
		if results[0].Elapsed != 3*time.Second || results[2].Elapsed != time.Second {
			t.Errorf("elapsed: %v, %v; waiting for another check does not count",
				results[0].Elapsed, results[2].Elapsed)
		}
	})
}

func TestRunShowsCausesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probed := func(context.Context) Result { t.Error("probed although its requirement failed"); return ok("") }
		results, finished := collect(t.Context(), []Check{
			{ID: "cause", Title: "the cause", Probe: after(time.Second, failed("broken", "", "fix it"))},
			{ID: "second", Title: "second", Requires: []string{"cause"}, Probe: probed},
			{ID: "third", Requires: []string{"second"}, Probe: probed},
			{ID: "unknown", Title: "unknown", Probe: after(0, result("", "who knows"))},
			{ID: "fourth", Requires: []string{"unknown"}, Probe: probed},
			Check{ID: "foreign", Title: "foreign", Probe: probed}.When(false, "another system"),
			{ID: "fifth", Requires: []string{"foreign"}, Probe: after(0, ok("an omitted check is no obstacle"))},
			{ID: "sixth", Requires: []string{"not in this list"},
				Probe: after(0, ok("nor is one that was not asked for"))},
		})
		want := []Outcome{Failed, Skipped, Skipped, Unknown, Skipped, Omitted, OK, OK}
		if got := outcomes(results); !slices.Equal(got, want) {
			t.Errorf("outcomes %q, want %q", got, want)
		}
		for i, found := range map[int]string{
			1: "waits for the cause", 2: "waits for second", 4: "waits for unknown", 5: "another system",
		} {
			if results[i].Found != found {
				t.Errorf("%s found %q, want %q", results[i].ID, results[i].Found, found)
			}
		}
		if slices.Index(finished, "cause") > slices.Index(finished, "second") {
			t.Errorf("%q: a check finished before what it requires", finished)
		}
	})
}

// A probe that ignores its context, as a stat(2) on a dead file server does, must not hold up the run.
func TestRunDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, probe := range map[string]func(context.Context) Result{
			"obeys":   after(time.Hour, ok("")),
			"ignores": func(context.Context) Result { time.Sleep(time.Minute); return ok("") },
		} {
			start := time.Now()
			results, _ := collect(t.Context(), []Check{
				{ID: "hangs", Title: "Lima", Deadline: 2 * time.Second, Late: "kick it", Probe: probe},
				{ID: "usual", Title: "usual", Probe: probe},
				{ID: "other", Probe: after(0, ok("not held up"))},
			})
			if got, want := outcomes(results), []Outcome{Failed, Failed, OK}; !slices.Equal(got, want) {
				t.Errorf("%s: outcomes %q, want %q", name, got, want)
			}
			if r := results[0]; r.Found != "Lima gave no answer within 2s" || r.Next != "kick it" {
				t.Errorf("%s: %+v", name, r)
			}
			if r := results[1]; r.Found != "usual gave no answer within 10s" || r.Next == "" {
				t.Errorf("%s: %+v", name, r)
			}
			if took := time.Since(start); took > DefaultDeadline+unwind {
				t.Errorf("%s: took %v", name, took)
			}
			time.Sleep(time.Hour) // the abandoned probes end
		}
	})
}

func TestRunCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		results, _ := collect(ctx, []Check{
			{ID: "done", Probe: after(0, ok(""))},
			{ID: "stopped", Probe: after(time.Minute, ok(""))},
			{ID: "waiting", Requires: []string{"stopped"}, Probe: after(0, ok(""))},
		})
		if got, want := outcomes(results), []Outcome{OK, Unknown, Skipped}; !slices.Equal(got, want) {
			t.Errorf("outcomes %q, want %q", got, want)
		}
		never := Check{Probe: func(context.Context) Result { t.Error("probed after the end"); return ok("") }}
		if results := Run(ctx, []Check{never}, nil); results[0].Outcome != Unknown {
			t.Errorf("outcome %q", results[0].Outcome)
		}
	})
}

func TestResultJSON(t *testing.T) {
	r := failed("f", "y", "n").fixable("", "true")
	r.ID, r.Title, r.Elapsed = "limactl", "Lima", 5
	text, err := json.Marshal(r)
	want := `{"id":"limactl","title":"Lima","outcome":"error","found":"f","why":"y","next":"n","elapsed_ns":5,` +
		`"fix":{"command":["true"]}}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
}
