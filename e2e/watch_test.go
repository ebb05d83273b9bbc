//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// testWatch: changes are reported, and what is no change isn't.
func testWatch(t *testing.T, w *world) {
	cmd := w.command(t.Context(), suite.binary, "status", "--watch", "--json", w.project)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	next := func() *provision.Health {
		for lines.Scan() {
			var event provision.Event
			if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
				t.Fatalf("%v: %s", err, lines.Bytes())
			}
			if event.Type == provision.EventHealth {
				return event.Health
			}
		}
		t.Fatalf("the watch ended: %v", lines.Err())
		return nil
	}
	until := func(ready bool) {
		for next().Ready != ready {
		}
	}
	until(true)
	// Only observing is no change, nor is what the watch itself does: the next word is about the marker.
	if r := w.run(t, "status", w.project); r.code != 0 {
		t.Errorf("status: exit code %d\n%s", r.code, r.stderr)
	}
	w.root(t, "rm -f /etc/substrate-lima-layout")
	// it may report first that it observes
	for health := next(); health.Instance != "running" || health.Ready; health = next() {
		if health.Instance == "running" {
			t.Error("the watch reported what is no change")
		}
	}
	w.setup(t, "--agent", "builtin").wantReady(t)
	until(true)
	for _, change := range []string{"chmod 0666 /run/substrate.sock", "systemctl stop substrate-world-agent.socket"} {
		w.root(t, change)
		changed := time.Now()
		until(false)
		t.Logf("%s: reported after %v", change, time.Since(changed))
		w.setup(t, "--agent", "builtin").wantReady(t)
		until(true)
	}
}

// testBusy: while a run is at work, others report it.
func testBusy(t *testing.T, w *world) {
	w.root(t, "rm -f /usr/local/bin/substrate-world-agent")
	working := w.command(t.Context(), suite.binary, "--non-interactive", "--json", "--agent", "builtin", w.project)
	out, err := working.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := working.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	asked := false
	for lines.Scan() {
		if asked || !strings.Contains(lines.Text(), `"state":"running"`) {
			continue
		}
		asked = true
		if r := w.run(t, "status", w.project); r.code != 7 || !strings.Contains(r.stderr, "provisioning in progress") ||
			!strings.Contains(r.stderr, "step 1 of") {
			t.Errorf("status: exit code %d\n%s", r.code, r.stderr)
		}
	}
	if err := working.Wait(); err != nil || !asked {
		t.Errorf("the run: %v; status was asked: %v", err, asked)
	}
	if r := w.run(t, "status", w.project); r.code != 0 {
		t.Errorf("status afterwards: exit code %d\n%s", r.code, r.stderr)
	}
}
