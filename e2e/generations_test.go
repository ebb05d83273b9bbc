//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// TestGenerations takes a world from one generation of the contract to the next.
func TestGenerations(t *testing.T) { inTurn(t, 1, testGenerations) }

func testGenerations(t *testing.T, rig *rig) {
	if rig.bed == nil {
		t.Skip("played on the test bed only: nothing of it depends on what a container can't show")
	}
	w := &world{limaHome: rig.newHome(t)}
	w.project = filepath.Join(w.files(), "project")
	w.write(t, filepath.Join(w.project, "docs", "read.me"), "hello\n")
	w.setup(t, "--agent", "builtin").wantReady(t)
	w.root(t, "mkdir /srv/tree && echo kept >/srv/tree/file && systemd-run --quiet --unit kept sleep infinity")

	dead := filepath.Join(w.files(), "world-service")
	buildAgent(t, dead, "./e2e/agent", "-X", "main.refuses=yes")
	old, now := layout.AgentV1, layout.ServiceV1
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"the new agent is dead", func(t *testing.T) {
			r := w.setup(t, "--agent", dead)
			if failure := r.outcome().Error; r.code != 5 || failure == nil ||
				!strings.Contains(failure.Why, "generation before was started again and answers") {
				t.Errorf("exit code %d, error %+v", r.code, failure)
			}
			w.wantGeneration(t, old, now)
			w.setup(t, "--agent", "builtin").wantReady(t)
		}},
		{"upgraded", func(t *testing.T) {
			r := w.setup(t, "--agent", "builtin", "--layout", now.Name)
			r.wantReady(t)
			want := []provision.StepID{provision.StepUnits, provision.StepAgent, provision.StepActivate,
				provision.StepRetire}
			if got := slices.DeleteFunc(r.steps(), func(id provision.StepID) bool {
				return id == provision.StepWaitForBoot
			}); !slices.Equal(got, want) {
				t.Errorf("the steps were %v, want %v", got, want)
			}
			w.wantGeneration(t, now, old)
			if got := w.root(t, "cat /srv/tree/file; systemctl is-active kept"); got != "kept\nactive" {
				t.Errorf("what was in the guest: %q", got)
			}
		}},
		{"stays", func(t *testing.T) {
			r := w.setup(t, "--agent", "builtin")
			if r.wantReady(t); len(r.steps()) > 0 {
				t.Errorf("the steps were %v", r.steps())
			}
		}},
		{"its service stopped", func(t *testing.T) {
			w.root(t, "systemctl stop "+now.Service())
			w.wantGeneration(t, now, old)
			w.wantContract(t, now)
		}},
		{"restarted by Lima", func(t *testing.T) {
			for _, verb := range []string{"stop", "start"} {
				if r := w.limactl(t, verb, vm); r.code != 0 {
					t.Fatalf("limactl %s: exit code %d\n%s", verb, r.code, r.stderr)
				}
			}
			w.wantGeneration(t, now, old)
			w.wantContract(t, now)
		}},
		{"no way back", func(t *testing.T) {
			if r := w.setup(t, "--agent", "builtin", "--layout", old.Name); r.code != 4 || len(r.steps()) > 0 {
				t.Errorf("exit code %d, steps %v", r.code, r.steps())
			}
		}},
		{"replaced", func(t *testing.T) {
			w.setup(t, "--agent", "builtin", "--layout", old.Name, "--replace", vm).wantReady(t)
			w.wantGeneration(t, old, now)
		}},
		{"killed at each step", func(t *testing.T) {
			args := []string{"--non-interactive", "--json", "--profile", w.rig.profile, w.project, "--agent", "builtin",
				"--layout", now.Name}
			for _, at := range []provision.StepID{provision.StepUnits, provision.StepAgent, provision.StepActivate,
				provision.StepRetire} {
				for _, state := range []provision.StepState{provision.StepRunning, provision.StepDone} {
					w.kill(t, args, at, state)
					w.setup(t, args[5:]...).wantReady(t)
					w.wantGeneration(t, now, old)
					w.root(t, withoutUnits(now))
					w.setup(t, "--agent", "builtin", "--layout", old.Name).wantReady(t)
				}
			}
		}},
	} {
		if !t.Run(part.name, part.run) {
			t.Fatalf("the rest needs %q", part.name)
		}
	}
}

// TestStaged takes worlds of the older generations to the one that has a copy of the project.
func TestStaged(t *testing.T) { inTurn(t, 1, testStaged) }

func testStaged(t *testing.T, rig *rig) {
	if rig.bed == nil {
		t.Skip("played on the test bed only: nothing of it depends on what a container can't show")
	}
	w := &world{limaHome: rig.newHome(t)}
	w.project = filepath.Join(w.files(), "project")
	w.write(t, filepath.Join(w.project, "docs", "read.me"), "hello\n")
	w.setup(t, "--agent", "builtin").wantReady(t)
	w.root(t, "mkdir /srv/tree && echo kept >/srv/tree/file")

	dead := filepath.Join(w.files(), "world-service")
	buildAgent(t, dead, "./e2e/agent", "-X", "main.refuses=yes")
	old, now, staged := layout.AgentV1, layout.ServiceV1, layout.StagedV2
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"upgraded", func(t *testing.T) {
			r := w.setup(t, "--agent", "builtin", "--layout", staged.Name)
			r.wantReady(t)
			want := []provision.StepID{provision.StepStage, provision.StepUnits, provision.StepAgent,
				provision.StepActivate, provision.StepRetire, provision.StepStop, provision.StepConfigure,
				provision.StepStart, provision.StepMarker}
			if got := withoutWait(r.steps()); !slices.Equal(got, want) {
				t.Errorf("the steps were %v, want %v", got, want)
			}
			w.wantGeneration(t, staged, old)
			w.wantContract(t, staged)
			w.wantStaged(t)
			if got := w.root(t, "cat /srv/tree/file"); got != "kept" {
				t.Errorf("what was in the guest: %q", got)
			}
		}},
		{"stays", func(t *testing.T) {
			r := w.setupCommand(t, "--non-interactive", "--json", "--profile", w.rig.profile, "--agent", "builtin")
			if r.wantReady(t); len(r.steps()) > 0 {
				t.Errorf("the steps were %v", r.steps())
			}
			w.write(t, filepath.Join(w.project, "docs", "new"), "new\n")
			status := w.limaHome.run(t, "status", "--agent", "builtin")
			if status.code != 0 || !strings.Contains(status.stdout, "1 new") {
				t.Errorf("status: exit code %d\n%s%s", status.code, status.stdout, status.stderr)
			}
			for _, want := range []bool{true, false} {
				r := w.limaHome.run(t, "stage", "--json")
				if copied := strings.Contains(r.stdout, `"changed":true`); r.code != 0 || copied != want {
					t.Errorf("stage: exit code %d, copied is %v\n%s%s", r.code, copied, r.stdout, r.stderr)
				}
			}
			w.wantStaged(t)
		}},
		{"restarted by Lima", func(t *testing.T) {
			for _, verb := range []string{"stop", "start"} {
				if r := w.limactl(t, verb, vm); r.code != 0 {
					t.Fatalf("limactl %s: exit code %d\n%s", verb, r.code, r.stderr)
				}
			}
			w.root(t, "systemctl stop "+staged.Service())
			w.wantGeneration(t, staged, old)
			if r := w.setup(t, "--agent", "builtin"); len(r.steps()) > 0 {
				t.Errorf("the steps were %v", r.steps())
			}
		}},
		{"its agent built from the copy", func(t *testing.T) {
			w.write(t, filepath.Join(w.project, "Cargo.toml"), "[package]\nname = \""+staged.Package+"\"\nversion = \"0.1.0\"\n")
			w.write(t, filepath.Join(w.project, "Cargo.lock"), "version = 3\n[[package]]\nname = \""+staged.Package+"\"\n")
			w.write(t, filepath.Join(w.project, "src", "main.rs"), "fn main() {}\n")
			buildAgent(t, filepath.Join(w.project, "built"), "./e2e/agent", "-X", "main.backend="+staged.Backend)
			w.write(t, filepath.Join(w.files(), "cargo"), copyingCargo)
			for _, program := range []string{"cargo", "rustc"} {
				if err := failed(w.limactl(t, "copy", filepath.Join(w.files(), "cargo"), vm+":/tmp/"+program)); err != nil {
					t.Fatal(err)
				}
			}
			w.guest(t, "sh", "-ec", "mkdir -p ~/.cargo/bin && install -m 0755 /tmp/cargo /tmp/rustc ~/.cargo/bin")
			r := w.setup(t, "--agent", "build", "--rebuild-agent")
			r.wantReady(t)
			want := []provision.StepID{provision.StepStage, provision.StepAgentBuild, provision.StepAgent,
				provision.StepActivate}
			if got := withoutWait(r.steps()); !slices.Equal(got, want) {
				t.Errorf("the steps were %v, want %v", got, want)
			}
			w.wantAnswer(t, "e2e")
			w.wantGeneration(t, staged, old)
			if left := w.root(t, "ls -d /home/*/.cache/worldsetup-build 2>/dev/null || :"); left != "" {
				t.Errorf("left in the guest: %s", left)
			}
		}},
		{"no way back", func(t *testing.T) {
			if r := w.setup(t, "--agent", "builtin", "--layout", now.Name); r.code != 4 || len(r.steps()) > 0 {
				t.Errorf("exit code %d, steps %v", r.code, r.steps())
			}
			w.setup(t, "--agent", "builtin", "--layout", now.Name, "--replace", vm).wantReady(t)
			w.wantGeneration(t, now, old)
		}},
		{"the new agent is dead", func(t *testing.T) {
			r := w.setup(t, "--agent", dead, "--layout", staged.Name)
			if failure := r.outcome().Error; r.code != 5 || failure == nil ||
				!strings.Contains(failure.Why, "generation before was started again and answers") {
				t.Errorf("exit code %d, error %+v", r.code, failure)
			}
			w.wantGeneration(t, now, old)
			r = w.setup(t, "--agent", "builtin", "--layout", now.Name)
			if r.wantReady(t); len(r.steps()) > 0 {
				t.Errorf("the steps were %v", r.steps())
			}
		}},
		{"killed at each step", func(t *testing.T) {
			args := []string{"--non-interactive", "--json", "--profile", w.rig.profile, w.project, "--agent", "builtin",
				"--layout", staged.Name}
			w.root(t, "rm -r "+staged.Staging) // which the attempt before has left
			is := now
			for _, point := range []struct {
				from  layout.Layout
				at    provision.StepID
				state provision.StepState
			}{
				{now, provision.StepStage, provision.StepRunning}, {old, provision.StepUnits, provision.StepDone},
				{old, provision.StepActivate, provision.StepRunning}, {old, provision.StepRetire, provision.StepRunning},
				{now, provision.StepStop, provision.StepDone}, {old, provision.StepConfigure, provision.StepDone},
				{now, provision.StepStart, provision.StepRunning},
			} {
				if !point.from.Is(is) {
					back := "rm -r " + staged.Staging + " && echo " + point.from.Marker + " >/etc/substrate-lima-layout"
					if point.from.Unit != staged.Unit {
						back = withoutUnits(staged) + " && " + back
					}
					w.root(t, back)
					w.setup(t, "--agent", "builtin", "--layout", point.from.Name).wantReady(t)
				}
				w.kill(t, args, point.at, point.state)
				w.setup(t, args[5:]...).wantReady(t)
				w.wantGeneration(t, staged, old)
				w.wantStaged(t)
				is = staged
			}
		}},
	} {
		if !t.Run(part.name, part.run) {
			t.Fatalf("the rest needs %q", part.name)
		}
	}
}

// copyingCargo is a cargo, and a rustc, that builds nothing: the program is in the project already.
const copyingCargo = `#!/bin/sh
set -eu
name=${0##*/}
if [ "$1" = --version ]; then echo "$name 1.80.0 (0a1b2c3d4 2024-07-16)"; exit; fi
while [ "$#" -gt 0 ]; do
    case $1 in
    --manifest-path) project=${2%/*} ;;
    --target-dir) to=$2/release ;;
    --package=*) program=${1#*=} ;;
    esac
    shift
done
mkdir -p "$to"
cp "$project/built" "$to/$program"
`

// withoutUnits is a script of root's that removes the units of a generation, and its agent.
func withoutUnits(of layout.Layout) string {
	return fmt.Sprintf("systemctl --quiet disable --now %s %s && rm %s %s %s", of.Socket(), of.Service(), of.SocketPath(),
		of.ServicePath(), of.Agent())
}

func withoutWait(steps []provision.StepID) []provision.StepID {
	return slices.DeleteFunc(steps, func(id provision.StepID) bool { return id == provision.StepWaitForBoot })
}

// wantStaged wants the guest to have a copy of the project, and to mount nothing.
func (w *world) wantStaged(t *testing.T) {
	t.Helper()
	current := layout.StagedV2.Current()
	w.wantPrinted(t, map[string]string{
		"stat -c '%U:%G %a' " + layout.StagedV2.Staging: "root:substrate 750",
		"stat -c '%G %a' " + current:                    "substrate 750",
		"stat -c '%G %a' " + layout.StagedV2.Manifest(): "substrate 640",
		"head -n 1 " + layout.StagedV2.Manifest():       "project_path=" + w.project,
		"cat " + current + "/docs/read.me":              "hello",
		"ls -A " + layout.StagedV2.Staging:              "current",
		"grep -c ' /src ' /proc/self/mountinfo; :":      "0",
	})
}

// wantGeneration wants the agent of one generation to answer, and the units of another to be gone.
func (w *world) wantGeneration(t *testing.T, of, gone layout.Layout) {
	t.Helper()
	r := w.guest(t, "curl", "-sS", "--unix-socket", guestSocket, capabilitiesURL)
	if r.code != 0 || !strings.Contains(r.stdout, fmt.Sprintf("%q", of.Backend)) {
		t.Errorf("curl: exit code %d, %s%s", r.code, r.stdout, r.stderr)
	}
	want := map[string]string{
		"systemctl is-active " + of.Socket() + " " + of.Service():  "active\nactive",
		"systemctl is-enabled " + of.Socket() + " " + of.Service(): "enabled\nenabled",
		"stat -c '%F %U:%G %a' /run/substrate.sock":                "socket root:substrate 660",
		"systemctl show -P LoadState " + gone.Socket():             "not-found",
		"systemctl show -P LoadState " + gone.Service():            "not-found",
	}
	if !gone.Is(layout.ServiceV1) { // whose program may have stayed
		want["ls "+gone.SocketPath()+" "+gone.Agent()+" 2>&1 | grep -c 'No such'"] = "2"
	}
	w.wantPrinted(t, want)
}
