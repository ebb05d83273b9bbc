package provision_test

import (
	"slices"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// TestStopAndStart: the VM is switched and nothing else of it changes; what is not a world is left alone.
func TestStopAndStart(t *testing.T) {
	b := newBench(t)
	wantKind(t, b.setup().Stop(t.Context()), provision.KindUnhealthy, "there is no VM called substrate")
	b.mustRun(t)
	for _, test := range []struct {
		status string
		do     func() error
	}{
		{"running", func() error { return b.setup().Start(t.Context()) }},
		{"stopped", func() error { return b.setup().Stop(t.Context()) }},
		{"stopped", func() error { return b.setup().Stop(t.Context()) }},
		{"running", func() error { return b.setup().Start(t.Context()) }},
	} {
		if err := test.do(); err != nil {
			t.Fatal(err)
		}
		if found, err := b.setup().Find(t.Context()); err != nil || found.Status != test.status {
			t.Fatalf("%+v, %v; want %s", found, err, test.status)
		}
	}
	if health, err := b.setup().Status(t.Context()); err != nil || !health.Ready {
		t.Errorf("%v: %+v", err, health)
	}
	if worlds := provision.Worlds(b.spec.LimaHome); !slices.Equal(worlds, []string{"substrate"}) {
		t.Errorf("the worlds are %v", worlds)
	}
}
