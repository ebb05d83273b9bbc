package fake

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// newWorld returns a World with a running VM, whose home has a short path: it holds UNIX sockets.
func newWorld(t *testing.T) (*World, lima.Client, guest.Client) {
	t.Helper()
	home, err := os.MkdirTemp("", "fake")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	w := New(Options{LimaHome: home, Patience: time.Millisecond})
	t.Cleanup(w.Close)
	limactl := lima.Client{Runner: w}
	if err := errors.Join(limactl.Create(t.Context(), "w", []byte("images:\n- location: /image\n"), nil),
		limactl.Start(t.Context(), "w", nil)); err != nil {
		t.Fatal(err)
	}
	return w, limactl, w.Guest(&limatype.Instance{Name: "w"}, layout.AgentV1)
}

// TestNotModelled: what the fake does not know is an error that names it.
func TestNotModelled(t *testing.T) {
	w, _, client := newWorld(t)
	for _, args := range [][]string{{"clone", "a", "b"}, {"list"}, {"stop", "--force", "a", "b"}, {}} {
		if _, err := w.Run(t.Context(), lima.Command{Args: args}); err == nil ||
			!strings.Contains(err.Error(), "unexpected call") {
			t.Errorf("%q: %v", args, err)
		}
	}
	err := client.Change(t.Context(), guest.Shared, []guest.Change{guest.MakeWritable{}}, func() {})
	if err == nil || !strings.Contains(err.Error(), "guest.MakeWritable") {
		t.Errorf("an unknown change: %v", err)
	}
	if _, err := client.Build(t.Context(), guest.Shared, guest.Build{}, nil); err == nil {
		t.Error("it built")
	}
}

// TestHang: what hangs ends with its context, or with the fake's patience; a start that is given up on leaves the VM
// running.
func TestHang(t *testing.T) {
	w, limactl, client := newWorld(t)
	w.Faults.Hang = map[string]bool{"list": true, "start-late": true}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := limactl.Find(ctx, "w"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := limactl.Find(t.Context(), "w"); !errors.Is(err, errHang) {
		t.Errorf("got %v", err)
	}
	w.VM("w").KillDriver()
	if err := limactl.Start(t.Context(), "w", nil); !errors.Is(err, errHang) {
		t.Errorf("got %v", err)
	}
	if err := client.Enter(t.Context()); err != nil {
		t.Errorf("the VM does not run: %v", err)
	}
}

// TestEdit: the settings of a world come out of an edit as they went in.
func TestEdit(t *testing.T) {
	_, limactl, client := newWorld(t)
	find := func() *limatype.Instance {
		instance, err := limactl.Find(t.Context(), "w")
		if err != nil || instance == nil {
			t.Fatalf("found %v, %v", instance, err)
		}
		return instance
	}
	wanted := lima.Wanted{CPUs: 3, Memory: 2 << 30, Disk: 200 << 30, Home: t.TempDir(), Project: t.TempDir()}
	if editable, replace := wanted.Differences(find()); len(editable) != 8 || len(replace) > 0 {
		t.Fatalf("differences %q, %q", editable, replace)
	}
	path := filepath.Join(find().Dir, "lima.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited, err := wanted.Edit(text, find().Dir)
	if err := errors.Join(err, lima.WriteConfig(find().Dir, edited), limactl.Stop(t.Context(), "w", false, nil),
		limactl.Start(t.Context(), "w", nil)); err != nil {
		t.Fatal(err)
	}
	if editable, replace := wanted.Differences(find()); len(editable)+len(replace) > 0 {
		t.Errorf("after the edit: %q, %q", editable, replace)
	}
	if o, err := client.Observe(t.Context(), guest.Shared, guest.ObserveOptions{}); err != nil || o.Group == nil {
		t.Errorf("the boot script made no group: %+v, %v", o, err)
	}
}
