//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

const keptVM = vm + ".ws-old"

// killPoints are where a run is killed, by SIGKILL, together with the limactl that it has called: as by a power cut.
var killPoints = []struct {
	args  []string
	at    provision.StepID
	state provision.StepState
}{
	{[]string{"--replace", vm}, provision.StepReplaceCreate, provision.StepRunning},
	{[]string{"--replace", vm}, provision.StepReplaceStop, provision.StepRunning},
	{[]string{"--replace", vm}, provision.StepReplaceBackup, provision.StepDone},
	{[]string{"--replace", vm}, provision.StepReplacePlace, provision.StepDone},
	{[]string{"--replace", vm}, provision.StepStart, provision.StepRunning},
	{[]string{"--replace", vm}, provision.StepActivate, provision.StepRunning},
	{[]string{"--replace", vm}, provision.StepReplaceRemove, provision.StepRunning},
	{[]string{"--replace", vm, "--agent", "bad"}, provision.StepRollbackPlace, provision.StepDone},
}

func testReplace(t *testing.T, rig *rig) {
	if rig.bed == nil && testing.Short() {
		t.Skip("a dozen boots: the test bed plays this, and make e2e-all does on a real VM")
	}
	w := newWorld(t, rig)
	bad := filepath.Join(w.files(), "bad-agent")
	buildAgent(t, bad, "./e2e/badagent")
	w.setup(t, "--agent", "builtin").wantReady(t)
	w.becomeOld(t)

	t.Run("without consent", w.testNoConsent)
	t.Run("the image is refused", w.testImageRefused)
	t.Run("the new agent does not answer", func(t *testing.T) { w.testBadAgent(t, bad) })
	t.Run("the middle of a rename", w.testPartialRename)
	for _, point := range killPoints {
		t.Run(fmt.Sprintf("killed at %s %s", point.at, point.state), func(t *testing.T) {
			args := slices.Clone(point.args)
			if i := slices.Index(args, "bad"); i >= 0 {
				args[i] = bad
			} else {
				args = append(args, "--agent", "builtin")
			}
			w.kill(t, append([]string{"--non-interactive", "--json", "--profile", w.rig.profile, w.project}, args...),
				point.at, point.state)
			w.converge(t)
			w.wantVMs(t, vm, keptVM)
			_ = w.deleteVM(t, keptVM)
			w.becomeOld(t)
		})
	}
	t.Run("kept, restored and removed", w.testKept)
}

func (w *world) testBadAgent(t *testing.T, bad string) {
	r := w.setup(t, "--agent", bad, "--replace", vm)
	if failure := r.outcome().Error; r.code != 5 || failure == nil ||
		!strings.Contains(failure.Why, "answers as before") {
		t.Errorf("exit code %d, error %+v", r.code, failure)
	}
	w.wantOld(t, true)
	w.wantVMs(t, vm)
	w.setup(t, "--agent", "builtin").wantReady(t)
}

func (w *world) testNoConsent(t *testing.T) {
	for _, args := range [][]string{{"--disk", "5GiB"}, {"--disk", "5GiB", "--replace", "other"}} {
		r := w.setup(t, append(args, "--agent", "builtin")...)
		if r.code != 4 && r.code != 2 || len(r.steps()) > 0 {
			t.Errorf("%v: exit code %d, steps %v", args, r.code, r.steps())
		}
	}
	w.wantOld(t, true)
}

// testImageRefused: what can fail without touching the old VM comes first, so that it does not even stop.
func (w *world) testImageRefused(t *testing.T) {
	const boot = "cat /proc/sys/kernel/random/boot_id"
	before := w.root(t, boot)
	profile, err := os.ReadFile(w.rig.profile)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(w.files(), "damaged.yaml")
	w.write(t, damaged, regexp.MustCompile("sha256:[0-9a-f]{64}").ReplaceAllString(string(profile),
		"sha256:"+strings.Repeat("0", 64)))
	r := w.setup(t, "--agent", "builtin", "--replace", vm, "--profile", damaged)
	if failure := r.outcome().Error; r.code != 5 || failure == nil ||
		!strings.Contains(failure.Why, "expected digest") || !strings.Contains(failure.Why, "not touched") {
		t.Errorf("exit code %d, error %+v", r.code, failure)
	}
	if after := w.root(t, boot); after != before {
		t.Error("the old VM was started again")
	}
	w.wantOld(t, true)
	w.wantVMs(t, vm)
}

// testPartialRename moves some of the VM's files, in the order in which limactl rename does, and leaves the rest. A run
// touches neither half.
func (w *world) testPartialRename(t *testing.T) {
	if r := w.limactl(t, "stop", vm); r.code != 0 {
		t.Fatal(r.stderr)
	}
	from, to := filepath.Join(w.dir, vm), filepath.Join(w.dir, keptVM)
	move := `mkdir -m 0700 "$1" && for f in "$0"/*; do mv "$f" "$1/" && case $f in */disk) exit 0 ;; esac; done`
	if r := finish(t, w.command(t.Context(), "sh", "-c", move, from, to)); r.code != 0 {
		t.Fatal(r.stderr)
	}
	r := w.setup(t, "--agent", "builtin")
	if failure := r.outcome().Error; failure == nil || failure.Kind != provision.KindReplacement || len(r.steps()) > 0 {
		t.Errorf("the steps %v, the error %+v", r.steps(), failure)
	}
	back := `mv "$1"/* "$0/" && rmdir "$1"`
	if r := finish(t, w.command(t.Context(), "sh", "-c", back, from, to)); r.code != 0 {
		t.Fatal(r.stderr)
	}
	w.setup(t, "--agent", "builtin").wantReady(t)
	w.wantOld(t, true)
	w.wantVMs(t, vm)
}

func (w *world) testKept(t *testing.T) {
	w.setup(t, "--agent", "builtin", "--replace", vm, "--keep-old").wantReady(t)
	w.wantOld(t, false)
	if !testing.Short() || w.rig.bed != nil {
		w.kill(t, []string{"restore", "--json", "--replace", vm}, provision.StepRestorePlace, provision.StepDone)
		w.converge(t)
		w.wantOld(t, false)
		w.wantVMs(t, vm, keptVM)
	}
	parseRun(t, w.run(t, "restore", "--json", "--replace", vm)).wantReady(t)
	w.wantOld(t, true)
	w.wantVMs(t, vm)
	if r := w.run(t, "remove"); r.code != 4 {
		t.Errorf("removed without consent: exit code %d", r.code)
	}
	if r := w.run(t, "remove", "--remove", vm); r.code != 0 {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	w.wantVMs(t)
}

// converge is the next run after a killed one. What the killed one had asked of Lima may still be going on, such as a
// VM's shutting down; a run that meets that reports it, and what to do, and the one after it ends with a world.
func (w *world) converge(t *testing.T) {
	t.Helper()
	r := w.setup(t, "--agent", "builtin")
	if failure := r.outcome().Error; failure != nil {
		t.Logf("at first: %+v", failure)
		if failure.Kind == provision.KindInternal || failure.Next == "" {
			t.Errorf("it reports too little: %+v", failure)
		}
		w.setup(t, "--agent", "builtin").wantReady(t)
	}
}

// becomeOld leaves words on the VM's disk by which it can be distinguished from others.
func (w *world) becomeOld(t *testing.T) {
	t.Helper()
	w.root(t, "echo old >/root/words && sync -f /root/words")
}

func (w *world) wantOld(t *testing.T, want bool) {
	t.Helper()
	if old := w.root(t, "cat /root/words 2>/dev/null || :") == "old"; old != want {
		t.Errorf("it is the old VM: %v", old)
	}
}

// wantVMs wants no other directories in Lima's home than those of these VMs; all but the first may be missing.
func (w *world) wantVMs(t *testing.T, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "_") {
			continue
		}
		if i := slices.Index(names, entry.Name()); i < 0 {
			t.Errorf("there is %s", entry.Name())
		} else if i == 0 {
			seen++
		}
	}
	if len(names) > 0 && seen != 1 {
		t.Errorf("there is no %s", names[0])
	}
}

// kill runs worldsetup and kills it, and what it has called, when it reports the step.
func (w *world) kill(t *testing.T, args []string, at provision.StepID, state provision.StepState) {
	t.Helper()
	cmd := w.command(t.Context(), suite.binary, args...)
	cmd.Stderr = scratch(t)
	events, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	met := false
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<20)
	for !met && lines.Scan() {
		var event provision.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		met = event.Type == provision.EventStep && event.Step.ID == at && event.Step.State == state
	}
	called := children(cmd.Process.Pid)
	_ = cmd.Process.Kill()
	for _, pid := range called {
		_ = syscall.Kill(pid, syscall.SIGKILL) // gone already: just as well
	}
	_ = cmd.Wait()
	if !met {
		t.Fatalf("it never came to %s %s", at, state)
	}
}

// children are the processes that a process has started and that still run.
func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
