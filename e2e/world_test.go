//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

const vm = "substrate"

const (
	capabilitiesURL = "http://localhost/v1/capabilities"
	guestSocket     = "/run/substrate.sock"
)

// world is the one VM of the suite and the directories around it.
type world struct {
	limaHome
	project string
	before  map[string]string // its snapshot, before anything was done
}

func newWorld(t *testing.T, rig *rig) *world {
	t.Helper()
	w := &world{limaHome: rig.sharedHome(t)}
	// A path with everything that is legal and awkward.
	w.project = filepath.Join(w.files(), `pro 'j"ect ü`)
	w.write(t, filepath.Join(w.project, "main.go"), "package main\n")
	w.write(t, filepath.Join(w.project, "docs", "read.me"), "hello\n")
	w.before = w.snapshot(t)
	return w
}

// setup runs worldsetup on the suite's VM, with its output as JSON.
func (w *world) setup(t testing.TB, args ...string) run {
	t.Helper()
	return w.setupCommand(t, append([]string{"--non-interactive", "--json", "--profile", w.rig.profile, w.project},
		args...)...)
}

func (w *world) setupCommand(t testing.TB, args ...string) run {
	t.Helper()
	r := parseRun(t, w.limaHome.run(t, args...))
	if w.rig.bed == nil && r.code != 0 && strings.Contains(r.stderr, "the guest's kernel panicked") {
		// Under QEMU's emulation a kernel panics once in some hundred boots, in its first seconds. A rerun carries on.
		t.Logf("the emulated kernel panicked, and worldsetup said so: once more")
		r = parseRun(t, w.limaHome.run(t, args...))
	}
	return r
}

// run is what one run of worldsetup reported.
type run struct {
	result
	events []provision.Event
}

// parseRun reads JSON lines strictly, and checks what holds for every run.
func parseRun(t testing.TB, r result) run {
	t.Helper()
	if strings.Contains(r.stdout+r.stderr, "\x1b") {
		t.Error("an escape sequence in the output")
	}
	parsed := run{result: r}
	step := 0
	for i, line := range strings.Split(strings.TrimSpace(r.stdout), "\n") {
		var event provision.Event
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&event); err != nil {
			t.Fatalf("line %d is no event (%v): %s\n%s", i+1, err, line, r.stderr)
		}
		if event.Schema != provision.Schema || event.Seq != i+1 {
			t.Errorf("event %d has schema %d and number %d", i+1, event.Schema, event.Seq)
		}
		if event.Type == provision.EventStep && event.Step.State != provision.StepSkipped && !event.Step.Added {
			if event.Step.Number < step || event.Step.Number > event.Step.Of {
				t.Errorf("step %d of %d after step %d", event.Step.Number, event.Step.Of, step)
			}
			step = event.Step.Number
		}
		parsed.events = append(parsed.events, event)
	}
	last := parsed.events[len(parsed.events)-1]
	if last.Type != provision.EventFinished {
		t.Fatalf("the last event is %q", last.Type)
	}
	if last.Result.Ready != (r.code == 0) {
		t.Errorf("ready is %v with exit code %d", last.Result.Ready, r.code)
	}
	return parsed
}

func (r run) outcome() provision.Result { return *r.events[len(r.events)-1].Result }

// steps are the steps that were begun.
func (r run) steps() (ids []provision.StepID) {
	for _, event := range r.events {
		if event.Type == provision.EventStep && event.Step.State == provision.StepRunning {
			ids = append(ids, event.Step.ID)
		}
	}
	return ids
}

// firstPlan is what was planned before anything was done.
func (r run) firstPlan(t *testing.T) provision.Plan {
	t.Helper()
	for _, event := range r.events {
		if event.Type == provision.EventPlan {
			return *event.Plan
		}
	}
	t.Fatalf("no plan in\n%s", r.stdout)
	return provision.Plan{}
}

func (r run) wantReady(t testing.TB) {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d, error %+v\n%s", r.code, r.outcome().Error, r.stderr)
	}
}

// guest runs a command in the guest the way a person does, without sudo.
func (w *world) guest(t testing.TB, command ...string) result {
	t.Helper()
	return w.limactl(t, append([]string{"shell", "--workdir", "/", vm}, command...)...)
}

// root runs a shell script as root in the guest.
func (w *world) root(t testing.TB, script string) string {
	t.Helper()
	r := w.guest(t, "sudo", "sh", "-c", script)
	if r.code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", script, r.code, r.stdout, r.stderr)
	}
	return strings.TrimSpace(r.stdout)
}

// wantPrinted wants root's commands in the guest to succeed and to print these words. All go in one call.
func (w *world) wantPrinted(t *testing.T, want map[string]string) {
	t.Helper()
	const end = "--- the end of a command\n"
	commands := slices.Sorted(maps.Keys(want))
	var script strings.Builder
	for _, command := range commands {
		fmt.Fprintf(&script, "( %s\n) || echo \"exit code $?\"\necho '%s'\n", command, strings.TrimSpace(end))
	}
	printed := strings.Split(w.root(t, script.String())+"\n", end)
	if len(printed) != len(commands)+1 {
		t.Fatalf("%d commands printed\n%s", len(commands), strings.Join(printed, end))
	}
	for i, command := range commands {
		if got := strings.TrimSpace(printed[i]); got != want[command] {
			t.Errorf("%s printed %q, want %q", command, got, want[command])
		}
	}
}

// snapshot is a fingerprint of every file that a run must not change: the project, and the user's home without our
// state folder.
func (w *world) snapshot(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, root := range []string{w.project, w.userHome()} {
		err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			inside, err := filepath.Rel(w.userHome(), path)
			if err != nil {
				return err
			}
			switch inside {
			case ".local/state/worldsetup":
				return filepath.SkipDir
			case ".", ".local", ".local/state": // made for it
				return nil
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			files[path] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime().UnixNano())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func testHostUntouched(t *testing.T, w *world) {
	after := w.snapshot(t)
	for path, want := range w.before {
		if after[path] != want {
			t.Errorf("%s changed: %q, was %q", path, after[path], want)
		}
		delete(after, path)
	}
	for path := range after {
		t.Errorf("%s appeared", path)
	}
}

func buildAgent(t testing.TB, path, source string, ldflags ...string) {
	t.Helper()
	settings := strings.Join(append([]string{"-s", "-w"}, ldflags...), " ")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", settings, "-o", path, source)
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", source, err, out)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// write makes a file that belongs to the ordinary user, with its directories.
func (home limaHome) write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for _, owned := range []string{path, filepath.Dir(path)} {
		if err := os.Chown(owned, int(home.rig.host.User.UID), int(home.rig.host.User.GID)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(owned, old, old); err != nil {
			t.Fatal(err)
		}
	}
}
