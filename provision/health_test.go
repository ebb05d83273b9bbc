package provision

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// TestReportsWithoutAnObservationHoldLists: programs that read the JSON find a list in every report, though an empty
// one.
func TestReportsWithoutAnObservationHoldLists(t *testing.T) {
	t.Parallel()
	spec, err := Spec{LimaHome: t.TempDir(), StateDir: t.TempDir(), Project: t.TempDir()}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	release, err := lockOf(spec).Take(t.Context(), nil, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	watching := &watcher{run: &run{edges: Edges{Now: time.Now}}, spec: spec}
	underWay, err := watching.observe(t.Context())
	if err != nil || underWay.Run == nil {
		t.Fatalf("a run is at work, and the report has %v, %v", underWay.Run, err)
	}
	for name, health := range map[string]Health{
		"a run is at work":  underWay,
		"a slow one":        beingObserved(spec, time.Now(), t.TempDir()),
		"one that can't be": unknownHealth(spec, time.Now(), errors.New("no answer")),
	} {
		text, err := json.Marshal(health)
		if err != nil {
			t.Fatal(err)
		}
		var read struct {
			Access, Items []any
			Socket        struct {
				Path  string
				Reach []any
			}
			Drift struct{ Steps []any }
		}
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if read.Access == nil || read.Items == nil || read.Socket.Reach == nil || read.Drift.Steps == nil {
			t.Errorf("%s: a list is null in %s", name, text)
		}
		if read.Socket.Path == "" {
			t.Errorf("%s: the socket has no path", name)
		}
	}
}
