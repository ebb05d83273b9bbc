package lifecycle

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// TestOutlast: what becomes of a start that limactl gave up, by what its host agent has left.
func TestOutlast(t *testing.T) {
	const (
		booting  = `{"status":{"sshLocalPort":22}}` + "\n"
		running  = `{"status":{"running":true}}` + "\n"
		degraded = `{"status":{"running":true,"degraded":true,"errors":["no ssh\nlook there"]}}` + "\n"
		exiting  = `{"status":{"exiting":true}}` + "\n"
	)
	refused := &lima.CommandError{Args: []string{"start", "w"}, ExitCode: 1, Stderr: "no matter what"}
	for name, test := range map[string]struct {
		began       bool // a host agent was started
		events, log string
		pid         string
		took        time.Duration
		words       string // of the error, besides limactl's
	}{
		"no host agent was started": {false, "", "", "", 0, ""},
		"it has ended":              {true, booting + exiting, "", "", 0, ""},
		"something after the boot":  {true, booting + running, "", "", 0, ""},
		"degraded, without ssh":     {true, degraded, "", "", 0, "Lima calls the VM degraded: no ssh"},
		"it crashed":                {true, "", "panic: no memory\n", "", 0, ""},
		"it was killed":             {true, booting, "", "1073741824\n", 0, ""},
		"it never begins":           {true, "", "", "", agentPatience, "delays a program"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				home := t.TempDir()
				dir := filepath.Join(home, "w")
				write := func(name, text string) {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				log := lima.NewHostLog(dir)
				defer log.Close()
				write("ha.stdout.log", test.events)
				if test.began {
					write("ha.stderr.log", test.log)
				}
				if test.pid != "" {
					write("ha.pid", test.pid)
				}
				v := VM{Place: vmswap.Place{Home: home, VM: "w"}}
				began := time.Now()
				err := v.outlast(t.Context(), log, refused, func(string) {})
				if err == nil || !errors.Is(err, refused) || !strings.Contains(err.Error(), test.words) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began).Round(time.Second); took != test.took {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
