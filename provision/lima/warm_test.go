package lima_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/scenario"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestUnitScripts: an entry is recognized by what it writes.
func TestUnitScripts(t *testing.T) {
	const units = "/etc/systemd/system/"
	const unit, socket = units + "substrate-world-agent.service", units + "substrate-world-service.socket"
	for script, want := range map[string]string{
		"cat >" + unit + " <<'EOF'\n[Unit]\nEOF\n":                    "substrate-world-agent.service",
		"cat <<EOF | sudo tee '" + socket + "' >/dev/null\nEOF\n":     "substrate-world-service.socket",
		"\t printf x >> \"" + unit + "\"; systemctl daemon-reload\n":  "substrate-world-agent.service",
		"install -m 0644 /src/unit " + unit + " && true\n":            "substrate-world-agent.service",
		"test -f " + unit + " || cp /src/unit " + unit + "\n":         "substrate-world-agent.service",
		"# cat >" + unit + "\n":                                       "",
		"mkdir -p " + unit + ".d\ncat >" + unit + ".d/my.conf <<E\nE": "",
		"systemctl restart substrate-world-agent.service\n":           "",
		"grep -q Restart " + unit + " > /tmp/found\n":                 "",
		"cp /tmp/x /tmp/y; cat " + unit + "\n":                        "",
		"echo see " + unit + "\n":                                     "",
		scenario.OwnScript:                                            "",
	} {
		config := &limatype.LimaYAML{Provision: []limatype.Provision{{Mode: "system", Script: &script}}}
		if got := strings.Join(lima.UnitsWritten(config), " "); got != want {
			t.Errorf("%q writes %q, want %q", script, got, want)
		}
	}
	path := unit
	data := limatype.Provision{Mode: limatype.ProvisionModeData, ProvisionData: limatype.ProvisionData{Path: &path}}
	if got := lima.UnitsWritten(&limatype.LimaYAML{Provision: []limatype.Provision{data}}); len(got) != 1 {
		t.Errorf("a file that is written at each boot: %v", got)
	}
}

// TestWarmScriptTakenOut: the script goes, and nothing else changes; every generation's is recognized.
func TestWarmScriptTakenOut(t *testing.T) {
	for _, of := range layout.All {
		text := scenario.WarmProfile("images:\n- location: /image\nx-of-others: 1 # kept\n", "/home/ada", "/home/ada/src", of)
		signs := strings.Join(lima.WarmSigns([]byte(text)), "")
		if !strings.Contains(signs, of.Service()+" and "+of.Socket()) {
			t.Errorf("the signs are %q", signs)
		}
		wanted := lima.Wanted{Home: "/home/ada", Project: "/home/ada/src", NoMounts: !of.Mounts()}
		edited, err := wanted.Edit([]byte(text), "")
		if err != nil {
			t.Fatal(err)
		}
		if lima.WarmSigns(edited) != nil || strings.Contains(string(edited), "PartOf") {
			t.Errorf("it is still there:\n%s", edited)
		}
		for _, line := range withoutWarm(text, of) {
			if !strings.Contains(string(edited), line) {
				t.Errorf("the line %q is gone:\n%s", line, edited)
			}
		}
		again, err := wanted.Edit(edited, "")
		if err != nil || string(again) != string(edited) {
			t.Errorf("a second edit changes it: %v\n%s", err, again)
		}
	}
}

// withoutWarm returns the lines of a profile that are not of the script.
func withoutWarm(text string, of layout.Layout) (lines []string) {
	warm := slices.Collect(strings.Lines(scenario.WarmScript(of)))
	for line := range strings.Lines(text) {
		if !slices.Contains(warm, strings.TrimPrefix(line, "    ")) {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestKeepConfig: each lima.yaml is kept once, and none is lost.
func TestKeepConfig(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"a: 1\n", "a: 1\n", "a: 2\n", "a: 1\n"} {
		if err := os.WriteFile(filepath.Join(dir, "lima.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := lima.KeepConfig(dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{lima.KeptConfig: "a: 1\n", lima.KeptConfig + ".2": "a: 2\n"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); string(text) != want {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}
	if entries, err := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

// TestSignsOfEachText: what is kept of the text that was read last is not taken for what another one shows.
func TestSignsOfEachText(t *testing.T) {
	world := []byte("portForwards:\n- guestSocket: " + lima.GuestSocket + "\n  hostSocket: x\n")
	other := []byte("cpus: 2\n")
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 3 {
				if signs := lima.Signs(world); !slices.Equal(signs, []string{lima.ForwardSign}) {
					t.Errorf("a world: %q", signs)
				}
				for _, text := range [][]byte{other, nil} {
					if signs := append(lima.Signs(text), lima.WarmSigns(text)...); len(signs) > 0 {
						t.Errorf("another VM: %q", signs)
					}
				}
			}
		})
	}
	wait.Wait()
	copy(world[bytes.IndexByte(world, '/'):], "/run/elsewhere.sock") // in the very bytes that were read
	if signs := lima.Signs(world); len(signs) > 0 {
		t.Errorf("without the socket: %q", signs)
	}
}
