package fake

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const vmName = "substrate"

// newWorld returns a World whose home has a short path: it holds UNIX sockets.
func newWorld(t *testing.T, options Options) *World {
	t.Helper()
	home, err := os.MkdirTemp("", "sim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	options.LimaHome = home
	w := New(options)
	t.Cleanup(w.Close)
	return w
}

// profile is the built-in profile with what the world adds to it, and the project directory that it mounts.
func profile(t *testing.T) (text []byte, project string) {
	t.Helper()
	base, err := lima.ParseProfile(embed.Profile())
	if err != nil {
		t.Fatal(err)
	}
	project = t.TempDir()
	if err := os.WriteFile(filepath.Join(project, "a.txt"), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	lima.Wanted{
		VMType: limatype.QEMU, Arch: limatype.X8664, MountType: limatype.REVSSHFS, CPUs: 4,
		Memory: 4 << 30, Disk: 20 << 30,
		Home: t.TempDir(), Project: project, ProjectMount: guest.ProjectMount,
	}.Apply(base)
	text, err = lima.MarshalProfile(base)
	if err != nil {
		t.Fatal(err)
	}
	return text, project
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, w *World) *limatype.Instance {
	t.Helper()
	instance, err := lima.Client{Runner: w}.Find(t.Context(), vmName)
	must(t, err)
	if instance == nil {
		t.Fatal("the VM is not listed")
	}
	return instance
}

func observed(t *testing.T, w *World) *guest.Observation {
	t.Helper()
	options := guest.ObserveOptions{Mounts: []string{guest.ProjectMount}}
	o, err := w.Guest(&limatype.Instance{Name: vmName}).Observe(t.Context(), guest.Shared, options)
	must(t, err)
	return o
}
