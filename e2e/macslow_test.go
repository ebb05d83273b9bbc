//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// testSlowStart: limactl gives its host agent 5 s to begin, and then its guest agent a minute to answer. A run outlasts
// both, and the report says what Lima misses.
func (m *mac) testSlowStart(t *testing.T) {
	t.Helper()
	if m.described.arch != "arm64" { // once is enough
		return
	}
	environment := m.env
	m.limactl(t, "stop", vm)
	m.env = append(slices.Clip(environment), "ASMAC_LATE=8s", "ASMAC_SILENT=1")
	r := m.setup(t)
	m.env = environment
	r.wantReady(t)
	if r.outcome().Error != nil || !strings.Contains(r.stdout, "limactl did not wait for its host agent") {
		t.Errorf("error %+v\n%s", r.outcome().Error, r.stdout)
	}
	degraded := func(r result) bool { return strings.Contains(r.stdout, "guest agent does not seem to be running") }
	if r := m.worldsetup(t, "status", "-v"); r.code != 0 || !degraded(r) {
		t.Errorf("status does not say what Lima misses: exit code %d\n%s", r.code, r.stdout)
	}
	testReachable(t, m.world)
	m.limactl(t, "stop", vm)
	m.setup(t).wantReady(t)
	if r := m.worldsetup(t, "status", "-v"); r.code != 0 || degraded(r) {
		t.Errorf("status after a whole boot: exit code %d\n%s", r.code, r.stdout)
	}
}

// testStubbornAgent: an agent, or a program of its, that does not end when it is asked to does not keep the VM from
// shutting down within the 30 s after which a Mac's Lima powers it off.
func (m *mac) testStubbornAgent(t *testing.T) {
	t.Helper()
	m.world.root(t, `systemctl start substrate-world-agent.service
(trap "" TERM; exec sleep 600) >/dev/null 2>&1 </dev/null &
echo $! >"/sys/fs/cgroup$(systemctl show -P ControlGroup substrate-world-agent.service)/cgroup.procs"
kill -TERM $! && kill -0 $!`)
	if r := m.limactl(t, "stop", vm); r.code != 0 {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	log, err := os.ReadFile(filepath.Join(m.dir, vm, "ha.stderr.log"))
	if err != nil || strings.Contains(string(log), "vz timeout while waiting for stop status") {
		t.Errorf("the VM was powered off, %v", err)
	}
	m.setup(t).wantReady(t)
}

// testFrozenHostAgent: a watch names the process that was stopped, although a Mac has no files about processes, and
// sees when it goes on.
func (m *mac) testFrozenHostAgent(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, vm, "ha.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	cmd := m.command(t.Context(), macBuild.binary, "status", "--watch", "--json", m.project)
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
	until := func(what string, seen func(*provision.Health) bool) {
		for lines.Scan() {
			var event provision.Event
			if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
				t.Fatalf("%v: %s", err, lines.Bytes())
			}
			if event.Type == provision.EventHealth && seen(event.Health) {
				return
			}
		}
		t.Fatalf("the watch ended before it was %s: %v", what, lines.Err())
	}
	ready := func(health *provision.Health) bool { return health.Ready }
	until("ready", ready)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	until("frozen", func(health *provision.Health) bool {
		return slices.ContainsFunc(health.Items, func(item provision.Item) bool {
			return strings.Contains(item.Found, "the process in ha.pid is stopped")
		})
	})
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until("ready again", ready)
}
