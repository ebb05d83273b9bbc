package embed_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
)

// TestWaitingForALock: while another program holds a lock of apt or dpkg, the script says which one, once.
func TestWaitingForALock(t *testing.T) {
	for lock, want := range map[string]string{
		"/var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)\nN: Be aware": "process 812 " +
			"(unattended-upgr)",
		"/var/lib/apt/lists/lock - open (11: Resource temporarily unavailable)": "another program",
	} {
		dir := t.TempDir()
		// jq is there at the third try to update.
		for name, text := range map[string]string{
			"sleep": "",
			"apt-get": `echo "$*" >>"$DIR/calls"
				case $*,$(grep -c update "$DIR/calls") in
				*update*,[12]) printf 'E: Could not get lock %s\n' "$LOCK" >&2; exit 100 ;;
				esac
				case $* in *install*) cp "$DIR/sleep" "$DIR/jq" ;; esac`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		install := exec.CommandContext(t.Context(), "sh", "-c", embed.Packages.Text, "packages", "jq=jq")
		install.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "DIR=" + dir, "LOCK=" + lock}
		out, err := install.CombinedOutput()
		if words := "waiting for " + want + ", which installs packages\n"; err != nil ||
			strings.Count(string(out), "waiting") != 1 ||
			!strings.Contains(string(out), words) {
			t.Errorf("%q: %v\n%s\nwant %q", lock, err, out, words)
		}
	}
}
