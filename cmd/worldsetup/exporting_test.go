package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

func TestExportHealth(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	path, err := exportHealth(dir, healthy())
	if err != nil || filepath.Dir(path) != dir {
		t.Fatalf("%s: %v", path, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: %v", err, info.Mode())
	}
	text, err := os.ReadFile(path)
	var health provision.Health
	if err := errors.Join(err, json.Unmarshal(text, &health)); err != nil || !health.Ready || health.VM != "substrate" {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := exportHealth(dir, healthy()); err != nil { // over the one of the same second
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v: left behind: %v", err, left)
	}
	if path, err := exportHealth("/dev/null/none", healthy()); err == nil {
		t.Errorf("it was written to %s", path)
	}
}

// An engine that cannot watch is asked again and again, until nobody watches any more.
func TestWatchingByLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		var seen []time.Time
		err := watchful{script{health: healthy()}}.Watch(ctx, func(provision.Health) {
			if seen = append(seen, time.Now()); len(seen) == 3 {
				cancel(enough)
			}
		})
		if !errors.Is(err, enough) || len(seen) != 3 || seen[2].Sub(seen[0]) != 2*watchPause {
			t.Errorf("%v: %v", err, seen)
		}
		broken := errors.New("broken")
		if err := (watchful{script{err: broken}}).Watch(t.Context(), nil); !errors.Is(err, broken) {
			t.Error(err)
		}
	})
}
