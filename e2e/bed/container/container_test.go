//go:build linux

package main

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the caller sends can only name a root file system of the test bed's.
func TestServeRefusesOtherRoots(t *testing.T) {
	for _, name := range []string{"", "..", "../../etc", "/", "trixie-0a1b", "trixie-0a1b/plain/../../..",
		"trixie-0a1b/plain\n", "-x/plain"} {
		if err := serve(name); err == nil || !strings.Contains(err.Error(), "no name of a root file system") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := serve("trixie-0a1b/plain"); err == nil || !strings.Contains(err.Error(), "there is no root file system") {
		t.Errorf("one that isn't there: %v", err)
	}
}

func TestUnpackEntryStaysInside(t *testing.T) {
	dir := t.TempDir()
	disc, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer disc.Close()
	file := func(name string, kind byte) error {
		return unpackEntry(disc, &tar.Header{Name: name, Typeflag: kind}, strings.NewReader("x"))
	}
	if err := file("./boot/01-a.sh", tar.TypeReg); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "boot", "01-a.sh")); err != nil || string(text) != "x" {
		t.Errorf("it holds %q, %v", text, err)
	}
	for name, kind := range map[string]byte{"../out": tar.TypeReg, "/out": tar.TypeReg,
		"link": tar.TypeSymlink, "fifo": tar.TypeFifo} {
		if err := file(name, kind); err == nil {
			t.Errorf("%s was unpacked", name)
		}
	}
}

func TestWithoutMount(t *testing.T) {
	text := "bootcmd:\n- mount -t iso9660 -o ro /x /y\n- mount -o " +
		"ro,mode=0700,dmode=0700,overriderockperm,exec,uid=0 /dev/sr0 /mnt\n"
	got := string(withoutMount([]byte(text)))
	if strings.Count(got, "mounted by the test bed") != 1 || !strings.Contains(got, "- mount -t iso9660") ||
		!strings.Contains(got, "- : mounted") {
		t.Errorf("got %s", got)
	}
}
