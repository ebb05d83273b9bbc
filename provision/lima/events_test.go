package lima

import (
	"os"
	"path/filepath"
	"testing"
)

// The lines were recorded with Lima 2.1.4; the last one is only partly written.
func TestReadBoot(t *testing.T) {
	booting := `{"time":"2026-03-14T09:26:55.1Z","status":{"sshLocalPort":34857}}` + "\n"
	running := `{"time":"2026-03-14T09:27:21.3Z","status":{"running":true,"sshLocalPort":34857}}` + "\n"
	exiting := `{"time":"2026-03-14T09:28:01.3Z","status":{"exiting":true}}` + "\n"
	degraded := `{"time":"2026-03-14T09:28:21.3Z","status":{"running":true,"degraded":true,"errors":["guest agent does ` +
		`not seem to be running; port forwards will not work"],"sshLocalPort":34857}}` + "\n"
	for name, test := range map[string]struct {
		text string
		want Boot
	}{
		"driver starting":       {"", Boot{}},
		"booting":               {booting, Boot{SSHPort: 34857}},
		"partly written":        {booting + running[:60], Boot{SSHPort: 34857}},
		"booted":                {booting + running, Boot{SSHPort: 34857, Ended: true}},
		"stopped":               {booting + running + exiting, Boot{SSHPort: 34857, Ended: true}},
		"stopped while booting": {booting + exiting, Boot{Exiting: true}},
		"degraded": {booting + degraded, Boot{SSHPort: 34857, Ended: true,
			Degraded: "guest agent does not seem to be running; port forwards will not work"}},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "ha.stdout.log"), []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if boot, err := ReadBoot(dir); boot != test.want || err != nil {
			t.Errorf("%s: got %+v, %v, want %+v", name, boot, err, test.want)
		}
	}
	if _, err := ReadBoot(t.TempDir()); !os.IsNotExist(err) {
		t.Errorf("a VM that was never started: %v", err)
	}
}
