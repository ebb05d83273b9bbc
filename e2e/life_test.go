//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// testLife is the life of one world. Its parts build on each other, since a boot takes minutes under emulation.
func testLife(t *testing.T, rig *rig) {
	w := newWorld(t, rig)
	const short, long = true, false // whether a real VM plays it with -short
	for _, part := range []struct {
		name  string
		run   func(*testing.T, *world)
		short bool
	}{
		{"plan of nothing changes nothing", testPlanOfNothing, short},
		{"interrupted while booting", testInterrupted, short},
		{"from nothing", testCreate, short},
		{"contract", testContract, short},
		{"reachable", testReachable, short},
		{"the commands of the README", testReadme, short},
		{"host is untouched", testHostUntouched, short},
		{"rerun changes nothing", testRerun, short},
		{"agents", testAgents, long},
		{"a project's file is trusted first", testTrust, long},
		{"busy", testBusy, long},
		{"watch", testWatch, long},
		{"Lima's own stop and start", testLimaRestart, short},
		{"bad input on a healthy world", testBadInput, long},
	} {
		if !t.Run(part.name, func(t *testing.T) {
			if rig.bed == nil && testing.Short() && !part.short {
				t.Skip("the test bed plays this, and make e2e-all does on a real VM")
			}
			part.run(t, w)
		}) {
			t.Fatalf("the rest needs %q", part.name)
		}
	}
}

func testPlanOfNothing(t *testing.T, w *world) {
	r := w.run(t, "plan", "--json", "--agent", "builtin", "--profile", w.rig.profile, w.project)
	var plan provision.Plan
	if err := json.Unmarshal([]byte(r.stdout), &plan); r.code != 0 || err != nil {
		t.Fatalf("exit code %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	if len(plan.Steps) == 0 || plan.Steps[0].ID != provision.StepCreate {
		t.Errorf("the plan is %+v", plan)
	}
	if out := w.limactl(t, "list", "--quiet"); strings.TrimSpace(out.stdout) != "" {
		t.Errorf("there is a VM: %s", out.stdout)
	}
	testHostUntouched(t, w)
}

// testInterrupted: a run that is asked to end leaves nothing running, reports what it left, and the next one carries
// on.
func testInterrupted(t *testing.T, w *world) {
	cmd := w.command(t.Context(), suite.binary, "--non-interactive", "--json", "--agent", "builtin", "--profile",
		w.rig.profile, w.project)
	serial := filepath.Join(w.dir, vm, "serial.log")
	stop := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	go func() {
		for { // the guest's kernel has begun to speak: in the middle of booting
			if info, err := os.Stat(serial); err == nil && info.Size() > 0 || t.Context().Err() != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}()
	r := parseRun(t, finish(t, cmd))
	if failure := r.outcome().Error; r.code != 130 || failure == nil || failure.Kind != provision.KindInterrupted ||
		!strings.Contains(failure.Why, "stopped") {
		t.Errorf("exit code %d, error %+v", r.code, failure)
	}
	for _, program := range []string{"qemu-system", "limactl"} {
		if out, err := exec.Command("pgrep", "-a", "-u", w.rig.host.User.Name, "-f",
			program+".*"+w.dir).Output(); err == nil {
			t.Errorf("still there: %s", out)
		}
	}
}

func testCreate(t *testing.T, w *world) {
	r := w.setup(t, "--agent", "builtin")
	r.wantReady(t)
	if steps := r.steps(); slices.Contains(steps, provision.StepCreate) ||
		!slices.Contains(steps, provision.StepStart) || steps[len(steps)-1] != provision.StepMarker {
		t.Errorf("carrying on took the steps %v", steps)
	}
}

// testContract observes the guest with other eyes than ours: what other tools check of the same layout.
func testContract(t *testing.T, w *world) { w.wantContract(t, layout.AgentV1) }

// wantContract wants of a guest what the contract asks for, in the words of a generation. What the doctor of the
// mounting generations asks in the guest is part of that.
func (w *world) wantContract(t *testing.T, of layout.Layout) {
	t.Helper()
	user := w.guest(t, "id", "-un")
	name := strings.TrimSpace(user.stdout)
	home := w.root(t, "getent passwd "+name+" | cut -d: -f6")
	const capabilities = "cap_chown cap_dac_override cap_net_bind_service cap_net_admin cap_sys_chroot cap_sys_ptrace " +
		"cap_sys_admin"
	service, socket := of.Service(), of.Socket()
	want := map[string]string{
		"stat -c '%F %U:%G %a' /run/substrate.sock":                                         "socket root:substrate 660",
		"stat -c '%U:%G %a' " + of.Agent():                                                  "root:root 755",
		"stat -c '%U:%G %a' " + of.ServicePath():                                            "root:root 644",
		"stat -c '%U:%G %a' " + of.SocketPath():                                             "root:root 644",
		"stat -c '%a' /var/lib/substrate":                                                   "750",
		"stat -c '%U:%G %a' /run/substrate":                                                 "root:substrate 750",
		"stat -c '%U %a' " + home + "/.substrate":                                           name + " 755",
		"cat /etc/substrate-lima-layout":                                                    of.Marker,
		"wc -l </etc/substrate-lima-layout":                                                 "1",
		"loginctl show-user -P Linger " + name:                                              "yes",
		"systemctl is-enabled " + service:                                                   "enabled",
		"systemctl is-enabled " + socket:                                                    "enabled",
		"systemctl is-active " + socket:                                                     "active",
		"systemctl show -P SocketMode " + socket:                                            "0660",
		"systemctl show -P RemoveOnStop " + socket:                                          "yes",
		"systemctl show -P PartOf " + socket:                                                "",
		"systemctl show -P Group " + service:                                                "substrate",
		"systemctl show -P Restart " + service:                                              "always",
		"systemctl show -P NoNewPrivileges " + service:                                      "yes",
		"systemctl show -P ProtectSystem " + service:                                        "strict",
		"systemctl show -P AmbientCapabilities " + service:                                  capabilities,
		"systemctl show -P CapabilityBoundingSet " + service:                                capabilities,
		"systemctl show -P NRestarts " + service:                                            "0",
		"test $(getent group substrate | cut -d: -f3) -lt 1000 && echo system":              "system",
		"command -v nft >/dev/null && nft --version | cut -c1-8":                            "nftables",
		"ls /usr/local/bin /etc /etc/systemd/system | grep -c '[.]" + of.Unit + "[.]' || :": "0",
	}
	for _, path := range of.RuntimePaths() {
		want["stat -c '%F %U:%G %a' "+path] = "directory root:substrate 750"
	}
	w.wantPrinted(t, want)
	if groups := w.guest(t, "id", "-nG"); !slices.Contains(strings.Fields(groups.stdout), "substrate") {
		t.Errorf("the shared session is in the groups %s", groups.stdout)
	}
}

// testReachable is the two commands of the README, the way of the clients, and someone who must not get in.
func testReachable(t *testing.T, w *world) {
	if r := w.guest(t, "curl", "-sS", "--unix-socket", guestSocket, capabilitiesURL); r.code != 0 ||
		!strings.Contains(r.stdout, `"world-agent"`) {
		t.Errorf("limactl shell … curl: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	hostSocket := filepath.Join(w.dir, vm, "sock", "substrate.sock")
	if r := finish(t, w.command(t.Context(), "curl", "-sS", "--unix-socket", hostSocket,
		capabilitiesURL)); r.code != 0 || !strings.Contains(r.stdout, `"world-agent"`) {
		t.Errorf("curl on the host: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for path, want := range map[string]os.FileMode{hostSocket: 0o600, filepath.Dir(filepath.Dir(hostSocket)): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if r := w.guest(t, "sudo", "-u", "nobody", "curl", "-sS", "--unix-socket", guestSocket,
		capabilitiesURL); r.code != 7 {
		t.Errorf("a user got in who must not: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	w.clientsWay(t)
	if r := w.guest(t, "cat", "/src/docs/read.me"); r.stdout != "hello\n" {
		t.Errorf("/src/docs/read.me holds %q %s", r.stdout, r.stderr)
	}
	// Socket activation: a stopped service is started by the next connection.
	w.root(t, "systemctl stop substrate-world-agent.service && test -S /run/substrate.sock")
	if r := w.guest(t, "curl", "-sS", "--unix-socket", guestSocket, capabilitiesURL); r.code != 0 {
		t.Errorf("after stopping the service: exit code %d\n%s", r.code, r.stderr)
	}
}

// clientsWay forwards the socket over a connection of its own, as clients do.
func (w *world) clientsWay(t *testing.T) {
	t.Helper()
	local := filepath.Join(w.files(), "client.sock")
	tunnel := w.command(t.Context(), "ssh", "-F", filepath.Join(w.dir, vm, "ssh.config"),
		"-o", "ControlMaster=no", "-o", "ControlPath=none", "-L", local+":"+guestSocket, "lima-"+vm, "-N")
	if err := tunnel.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tunnel.Process.Kill(); _ = tunnel.Wait(); _ = os.Remove(local) }()
	r := finish(t, w.command(t.Context(), "curl", "-sS", "--retry", "30", "--retry-delay", "1", "--retry-all-errors",
		"--unix-socket", local, capabilitiesURL))
	if r.code != 0 || !strings.Contains(r.stdout, `"world-agent"`) {
		t.Errorf("through ssh -L: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// testRerun: the plan is empty before anything begins, and at most one fresh ssh connection is made.
func testRerun(t *testing.T, w *world) {
	const count = "journalctl -b -o cat -t sshd -t sshd-session | grep -c '^Accepted publickey' || :"
	before := w.root(t, count)
	r := w.setup(t, "--agent", "builtin")
	after := w.root(t, count)
	r.wantReady(t)
	if plan := r.firstPlan(t); !plan.Empty() || r.outcome().Changed || len(r.steps()) > 0 {
		t.Errorf("the plan was %+v, the steps %v", plan, r.steps())
	}
	var first, second int
	if _, err := fmt.Sscan(before+" "+after, &first, &second); err != nil || second-first > 1 || first == 0 {
		t.Errorf("the rerun made %s - %s ssh connections, %v", after, before, err)
	}
	// Without any flag it takes what is there.
	parseRun(t, w.run(t, "--non-interactive", "--json")).wantReady(t)
}

// testAgents: an ELF is installed and answers; one that does not answer is taken back.
func testAgents(t *testing.T, w *world) {
	good := filepath.Join(w.files(), "good-agent")
	buildAgent(t, good, "./e2e/agent")
	w.setup(t, "--agent", good).wantReady(t)
	sum := w.root(t, "sha256sum </usr/local/bin/substrate-world-agent")
	bad := filepath.Join(w.files(), "bad-agent")
	buildAgent(t, bad, "./e2e/badagent")
	r := w.setup(t, "--agent", bad)
	if failure := r.outcome().Error; r.code != 5 || failure == nil ||
		!strings.Contains(failure.Why, "previous agent was restored and answers") {
		t.Errorf("exit code %d, error %+v", r.code, failure)
	}
	if now := w.root(t, "sha256sum </usr/local/bin/substrate-world-agent"); now != sum {
		t.Error("the previous agent was not restored")
	}
	w.setup(t, "--agent", "builtin").wantReady(t)
}

// testTrust: what a project's file names beyond the world counts only once it is trusted, in that content; a run
// without a terminal changes nothing before.
func testTrust(t *testing.T, w *world) {
	const installed = "sha256sum </usr/local/bin/substrate-world-agent"
	before := w.root(t, installed)
	file := filepath.Join(w.project, "worldsetup.yaml")
	text := "agent: " + filepath.Join(w.files(), "good-agent") + "\nprofile: " + w.rig.profile + "\n"
	refused := func(text, why string) {
		t.Helper()
		w.write(t, file, text)
		r := parseRun(t, w.run(t, "--non-interactive", "--json", w.project))
		if failure := r.outcome().Error; r.code != 2 || len(r.steps()) > 0 || failure == nil ||
			!strings.Contains(failure.What, why) || !strings.Contains(failure.Next, "worldsetup trust") {
			t.Errorf("exit code %d, steps %v, error %+v", r.code, r.steps(), failure)
		}
	}
	refused(text, "is not trusted yet")
	if r := w.run(t, "trust", "--yes", w.project); r.code != 0 || !strings.Contains(r.stdout, "good-agent") {
		t.Errorf("trust: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	r := parseRun(t, w.run(t, "--non-interactive", "--json", w.project))
	r.wantReady(t)
	if !slices.Contains(r.steps(), provision.StepAgent) || w.root(t, installed) == before {
		t.Errorf("the agent that is trusted was not installed: steps %v", r.steps())
	}
	refused(text+"vm: other\n", "has changed since you trusted it")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	w.setup(t, "--agent", "builtin").wantReady(t)
	if w.root(t, installed) != before {
		t.Error("the agent before was not installed again")
	}
}

// testLimaRestart: with no run of ours, everything is back after Lima's own stop and start.
func testLimaRestart(t *testing.T, w *world) {
	for _, verb := range []string{"stop", "start"} {
		if r := w.limactl(t, verb, vm); r.code != 0 {
			t.Fatalf("limactl %s: exit code %d\n%s", verb, r.code, r.stderr)
		}
	}
	testReachable(t, w)
	r := w.run(t, "status", "--json", w.project)
	var health provision.Health
	if err := json.Unmarshal([]byte(r.stdout), &health); r.code != 0 || err != nil || !health.Ready {
		t.Errorf("status: exit code %d, %v, %+v\n%s", r.code, err, health.Items, r.stderr)
	}
}

// testBadInput: every refusal leaves the healthy world as it is.
func testBadInput(t *testing.T, w *world) {
	script := filepath.Join(w.files(), "script-agent")
	w.write(t, script, "#!/bin/sh\n")
	bad := filepath.Join(w.files(), "bad.yaml")
	w.write(t, bad, "cpus: 2\nimages: []\nmountType: nfs\ncontainerd: {system: false, user: false}\n")
	for name, test := range map[string]struct {
		args []string
		code int
	}{
		"agent is a script":       {[]string{"--agent", script}, 2},
		"unknown VM type":         {[]string{"--vm-type", "xen"}, 2},
		"smaller disk":            {[]string{"--disk", "5GiB"}, 4},
		"another VM type":         {[]string{"--vm-type", "vz"}, 4},
		"profile refused by Lima": {[]string{"--vm", "other", "--agent", "builtin", "--profile", bad}, 2},
	} {
		args := append([]string{"--non-interactive", "--json", w.project}, test.args...)
		r := parseRun(t, w.run(t, args...))
		if failure := r.outcome().Error; r.code != test.code || len(r.steps()) > 0 || failure == nil ||
			failure.What == "" || failure.Next == "" {
			t.Errorf("%s: exit code %d, steps %v, error %+v", name, r.code, r.steps(), failure)
		}
	}
	if out := w.limactl(t, "list", "--quiet"); strings.TrimSpace(out.stdout) != vm {
		t.Errorf("the VMs are now %q", out.stdout)
	}
	testRerun(t, w)
}
