//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/e2e/bed"
)

// budget is what a command may cost. What a clock would show depends on the machine; this does not.
type budget struct {
	name string
	args []string
	// damage is what root does in the guest before; empty for nothing.
	damage string
	// calls are the programs that it starts, with the first word of limactl's arguments, and how often: all of them,
	// of any caller, that are found by their names. `limactl shell` starts the two that have its name before theirs.
	calls map[string]int
	// vain: it starts some in vain, which may be ended before they are counted, or before they call others. Then calls are
	// the most.
	vain bool
	// sent is how much all calls of ssh send to the guest at most, in KiB: the scripts and their arguments.
	sent int
	// processes is how many processes at most they start in the guest: those of the test bed with the most.
	processes int
}

// budgets are the commands that are run most often. A call of ssh is a round trip, after a login where it is not on
// Lima's shared connection.
var budgets = []budget{
	{name: "version", args: []string{"--version"}},
	{name: "quick status", args: []string{"status", "--quick"}, processes: 1}, // a thread of the probe agent
	{name: "status", args: []string{"status"}, sent: 26, processes: 58,
		calls: map[string]int{"limactl list": 1, "ssh": 1}},
	{name: "full status", args: []string{"status", "--fresh"}, sent: 34, processes: 95,
		calls: map[string]int{"limactl list": 1, "limactl shell": 1, "limactl shell: ssh": 2, "ssh": 2}},
	{name: "rerun", args: []string{"--non-interactive"}, sent: 34, processes: 95,
		calls: map[string]int{"limactl list": 1, "limactl --version": 1, "limactl shell": 1, "limactl shell: ssh": 2,
			"ssh": 2}},
	// It verifies twice: beside the first observation in vain. The fifth ssh makes the change.
	{name: "repair of a mode", vain: true, args: []string{"--non-interactive"}, damage: "chmod 0600 /run/substrate.sock",
		sent: 74, processes: 205,
		calls: map[string]int{"limactl list": 2, "limactl --version": 1, "limactl shell": 2, "limactl shell: ssh": 4,
			"ssh": 5}},
}

func testBudget(t *testing.T, rig *rig) {
	if rig.bed == nil && testing.Short() {
		t.Skip("the test bed counts the same calls, and a real VM has processes of its own")
	}
	w := newWorld(t, rig)
	w.setup(t, "--agent", "builtin").wantReady(t)
	counter := newCounter(t, w)
	for _, b := range budgets {
		t.Run(b.name, func(t *testing.T) {
			args := b.args
			if args[0] != "--version" {
				args = append(args[:len(args):len(args)], "--agent", "builtin", "--profile", w.rig.profile, w.project)
			}
			least := 0
			for turn := range 3 { // others start processes in the guest as well, now and then
				if b.damage != "" {
					w.root(t, b.damage)
				}
				have := counter.count(t, args...)
				if !b.allows(have.calls) {
					t.Errorf("it starts %v, want %v", have.calls, b.calls)
				}
				if have.sent > b.sent<<10 {
					t.Errorf("it sends %d bytes to the guest, at most %d KiB are in the budget", have.sent, b.sent)
				}
				if turn == 0 || have.processes < least {
					least = have.processes
				}
				t.Logf("%v, %d bytes, %d processes in the guest", have.calls, have.sent, have.processes)
			}
			if rig.bed != nil && least > b.processes { // a real VM has more of its own
				t.Errorf("it starts %d processes in the guest, at most %d are in the budget", least, b.processes)
			}
		})
	}
}

// allows reports whether calls are within the budget.
func (b budget) allows(calls map[string]int) bool {
	if !b.vain {
		return maps.Equal(calls, b.calls)
	}
	for call, times := range calls {
		if times > b.calls[call] {
			return false
		}
	}
	return true
}

// counter counts what worldsetup starts: its PATH holds nothing but links to a script that writes down each call.
type counter struct {
	world *world
	dir   string // is the PATH
	log   string
}

// spent is what a command has cost.
type spent struct {
	calls     map[string]int
	sent      int
	processes int
}

// countScript is the script. CALLER is the call that is under way, if limactl made it. FOUND are the directories in
// which the programs are.
const countScript = `#!/bin/sh
name=${0##*/} call=${0##*/} all="$*"
case $name in limactl) call="limactl $1" ;; esac
echo "${CALLER:+$CALLER: }$call ${#all}" >>"$CALLS"
case $name in limactl) export CALLER="$call" ;; esac
IFS=:
for dir in $FOUND; do
    if [ -x "$dir/$name" ]; then exec "$dir/$name" "$@"; fi
done
exit 127
`

func newCounter(t *testing.T, w *world) *counter {
	t.Helper()
	c := &counter{world: w, dir: filepath.Join(w.files(), "counted"), log: filepath.Join(w.files(), "calls")}
	script := filepath.Join(w.files(), "count")
	errs := errors.Join(os.WriteFile(script, []byte(countScript), 0o755), os.Mkdir(c.dir, 0o755))
	found := ""
	for _, variable := range w.command(t.Context(), "true").Env {
		if path, ok := strings.CutPrefix(variable, "PATH="); ok {
			found = path
		}
	}
	for _, dir := range filepath.SplitList(found) {
		entries, _ := os.ReadDir(dir) // not all are there
		for _, entry := range entries {
			if err := os.Symlink(script, filepath.Join(c.dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrExist) {
				errs = errors.Join(errs, err)
			}
		}
	}
	if errs != nil {
		t.Fatal(errs)
	}
	w.env = append(w.env, "CALLS="+c.log, "FOUND="+found)
	return c
}

// count runs worldsetup, which must succeed.
func (c *counter) count(t *testing.T, args ...string) (all spent) {
	t.Helper()
	w := c.world
	if err := os.WriteFile(c.log, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(c.log, 0o666); err != nil { // the user writes to it
		t.Fatal(err)
	}
	cmd := w.command(t.Context(), suite.binary, args...)
	cmd.Env = append(cmd.Env, "PATH="+c.dir)
	before := c.lastProcess(t)
	if r := finish(t, cmd); r.code != 0 {
		t.Fatalf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	all.processes = c.lastProcess(t) - before - 1 // the one that told
	calls, err := os.ReadFile(c.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(calls)) {
		line = strings.TrimSuffix(line, "\n")
		at := strings.LastIndexByte(line, ' ')
		call, number := line[:max(at, 0)], line[at+1:]
		sent, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if all.calls == nil {
			all.calls = map[string]int{}
		}
		if all.calls[call]++; call == "ssh" {
			all.sent += sent
		}
	}
	return all
}

// lastProcess is the number of the process that was started last in the guest: they are counted up.
func (c *counter) lastProcess(t *testing.T) (number int) {
	t.Helper()
	const script = "read -r _ _ _ _ last </proc/loadavg; echo $last"
	text, w := "", c.world
	if w.rig.bed == nil {
		text = w.root(t, script)
	} else {
		cmd, done, err := bed.Shell(t.Context(), filepath.Join(w.dir, vm), script)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		text = finish(t, cmd).stdout
	}
	if _, err := fmt.Sscan(text, &number); err != nil {
		t.Fatal(err)
	}
	return number
}
