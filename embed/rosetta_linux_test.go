package embed_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
)

// TestRosettaScript: the line that Lima has cloud-init write (pkg/cidata, user-data) goes, and no other does.
func TestRosettaScript(t *testing.T) {
	const rosetta = "vz-rosetta\t/mnt/lima-rosetta\tvirtiofs\tdefaults,comment=cloudconfig\t0\t0\n"
	const others = "LABEL=cloudimg-rootfs\t/\text4\tdiscard,errors=remount-ro\t0 1\n# vz-rosetta is gone\n" +
		"mount0\t/src\tvirtiofs\trw,nofail,comment=cloudconfig\t0\t0\n"
	for text, want := range map[string]string{
		others + rosetta: others, rosetta + others: others, others: others,
		strings.ReplaceAll(rosetta, "\t", " ") + strings.TrimSuffix(others, "\n"): others,
	} {
		dir := t.TempDir()
		fstab := filepath.Join(dir, "fstab")
		if err := os.WriteFile(fstab, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		script := strings.NewReplacer("fstab=/etc/fstab", "fstab="+fstab, "sync -f /etc", "sync -f "+dir).
			Replace(embed.Rosetta.Text)
		if out, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		have, err := os.ReadFile(fstab)
		entries, _ := os.ReadDir(dir)
		if err != nil || string(have) != want || len(entries) != 1 {
			t.Errorf("%q became %q (%v), with %d files", text, have, err, len(entries))
		}
	}
}
