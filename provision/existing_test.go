package provision_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

func TestPlanHoldsWhatExists(t *testing.T) {
	b := newBench(t)
	plan, err := b.setup().Plan(t.Context())
	if err != nil || plan.Existing != nil {
		t.Fatalf("%v, and there is %+v", err, plan.Existing)
	}
	b.mustRun(t)
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	version := filepath.Join(b.spec.LimaHome, provision.DefaultVM, "lima-version")
	if err := os.WriteFile(version, []byte("2.1.4"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(version, made, made); err != nil {
		t.Fatal(err)
	}
	plan, err = b.setup().Plan(t.Context())
	e := plan.Existing
	if err != nil || e == nil {
		t.Fatalf("%v, and there is %+v", err, e)
	}
	if e.Status != "running" || e.CPUs != provision.DefaultCPUs || e.Memory != provision.DefaultMemory ||
		e.Disk != provision.DefaultDisk ||
		e.Layout != "socket-parity-v1" || e.Project != b.spec.Project || !e.Created.Equal(made) || e.DiskUsed <= 0 {
		t.Errorf("there is %+v", e)
	}
}
