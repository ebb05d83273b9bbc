//go:build linux

package bed

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/devhost"
)

// Without root the test bed reports it, and what to do instead, before it makes anything.
func TestPrepareNeedsRoot(t *testing.T) {
	if os.Geteuid() == 0 {
		again := exec.Command("/proc/self/exe", "-test.run=^TestPrepareNeedsRoot$", "-test.v")
		again.Dir = "/"
		again.Env = append(os.Environ(), "TMPDIR=/tmp")
		again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := again.CombinedOutput(); err != nil ||
			!strings.Contains(string(out), "--- PASS: TestPrepareNeedsRoot") {
			t.Fatalf("as an ordinary user: %v\n%s", err, out)
		}
		return
	}
	cache := t.TempDir()
	_, err := Prepare(t.Context(), &devhost.Host{Cache: cache})
	if err == nil || !strings.Contains(err.Error(), "needs root") || !strings.Contains(err.Error(), "make e2e") {
		t.Errorf("the error is %v", err)
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
		t.Errorf("it made %v, %v", left, err)
	}
}

// A guest's name becomes part of a path that root uses.
func TestProfileRefusesUnknownGuests(t *testing.T) {
	b := &Bed{dir: t.TempDir(), host: &devhost.Host{Cache: t.TempDir()}}
	for _, guest := range []string{"", "..", "noble", "trixie-", "trixie-plain", "trixie/../..", "all"} {
		if file, err := b.Profile(t.Context(), guest); err == nil || !strings.Contains(err.Error(), "has no guest") {
			t.Errorf("%q: %s, %v", guest, file, err)
		}
	}
}

func TestProfile(t *testing.T) {
	text := profile("/some where/image", "sha256:00", "trixie-0a1b/plain")
	for _, want := range []string{
		`location: "/some where/image"`, "cmdline: worldsetup.root=trixie-0a1b/plain\n", "mountType: reverse-sshfs",
		"legacyBIOS: true", "digest: sha256:00",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
