//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

var onKills = flag.String("kills", "",
	"play at most `N` kill points of each kind of run and victim, or \"all\"; without it a selection that CI has "+
		"the time for")

// victim names what gets SIGKILL in the middle of a run of worldsetup.
type victim string

const (
	killSelf  victim = "worldsetup" // alone: what it started goes on
	killTree  victim = "everything" // worldsetup and all its descendants, as an impatient person does
	killLima  victim = "limactl"    // the limactl that worldsetup waits for
	killSSH   victim = "ssh"        // likewise
	killTheVM victim = "VM"         // the stand-in for QEMU
	killNone  victim = ""
)

// survived reports whether worldsetup lives on without the victim.
func (v victim) survived() bool {
	return v == killLima || v == killSSH || v == killTheVM || v == killNone
}

// killPoint is an event of a run, and who is killed when it was read.
type killPoint struct {
	victim victim
	at     string // see names
	early  bool   // no step has begun by then
}

func (p killPoint) String() string { return fmt.Sprintf("%s at %s", p.victim, p.at) }

// names gives the events of a run names: what they are about, and how many of the kind there were before.
type names map[string]int

func (n names) of(event provision.Event) string {
	name := string(event.Type)
	if event.Step != nil {
		name += " " + string(event.Step.ID)
	}
	if event.Type == provision.EventStep {
		name += " " + string(event.Step.State)
	}
	if n[name]++; n[name] > 1 {
		name += " " + strconv.Itoa(n[name])
	}
	return name
}

// chatter reports whether an event is one of those of which each run has another number.
func chatter(event provision.Event) bool {
	return event.Type == provision.EventLog || event.Type == provision.EventProgress ||
		event.Type == provision.EventHeartbeat
}

// watched is a run of worldsetup whose events are read as they come.
type watched struct {
	result
	events []provision.Event
	struck time.Time // when the victim had got its signal; zero when there was none
}

// begun reports whether the run reported that a step begins.
func (r watched) begun(id provision.StepID) bool {
	return slices.ContainsFunc(r.events, func(event provision.Event) bool {
		return event.Type == provision.EventStep && event.Step.ID == id && event.Step.State == provision.StepRunning
	})
}

// last is the result that the run reported in the end; nil when it came to none.
func (r watched) last() *provision.Result {
	if len(r.events) == 0 {
		return nil
	}
	return r.events[len(r.events)-1].Result
}

// verifiedAfterwards reports whether the run made its last verification entirely after the victim's death.
func (r watched) verifiedAfterwards() bool {
	const dying = 500 * time.Millisecond
	verified := time.Time{}
	for _, event := range r.events {
		if event.Type == provision.EventStep || event.Type == provision.EventPlan {
			verified = event.Time
		}
		if event.Type == provision.EventHealth {
			return r.struck.Add(dying).Before(verified)
		}
	}
	return false
}

// watch runs worldsetup and calls each for every event, with its name, from one goroutine; ended is closed after the
// last one. Meanwhile during runs, if there is one.
func (w *killWorld) watch(t *testing.T, args []string, each func(name string, event provision.Event),
	during func(pid int, ended <-chan struct{})) watched {
	t.Helper()
	const limit = 20 * time.Minute // Lima's own deadlines are shorter
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := w.command(ctx, suite.binary, args...)
	stderr := scratch(t)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var r watched
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		named := names{}
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var event provision.Event
			if json.Unmarshal(lines.Bytes(), &event) != nil {
				continue // the last line of a killed one may be half a line
			}
			r.events = append(r.events, event)
			each(named.of(event), event)
		}
	}()
	if during != nil {
		during(cmd.Process.Pid, ended)
	}
	<-ended
	_ = cmd.Wait()
	if ctx.Err() != nil && t.Context().Err() == nil {
		t.Errorf("no end within %v", limit)
	}
	r.result = result{stderr: slurp(t, stderr), code: cmd.ProcessState.ExitCode(),
		took: time.Since(begun).Round(time.Millisecond)}
	t.Logf("worldsetup %s: exit code %d after %s, %d events", strings.Join(args, " "), r.code, r.took, len(r.events))
	return r
}

// strike runs worldsetup and kills the victim as soon as the event was read. met reports whether it came to that.
func (w *killWorld) strike(t *testing.T, args []string, p killPoint) (r watched, met bool) {
	t.Helper()
	reached := make(chan struct{})
	var once sync.Once
	each := func(name string, event provision.Event) {
		if name == p.at || event.Type == provision.EventStep && event.Step.State != provision.StepRunning &&
			overtaken(p.at, event.Step.ID) {
			once.Do(func() { close(reached) })
		}
	}
	var struck time.Time
	r = w.watch(t, args, each, func(pid int, ended <-chan struct{}) {
		select {
		case <-reached:
		case <-ended:
			return
		}
		for {
			if found := w.find(p.victim, pid); len(found) > 0 {
				for _, pid := range found {
					_ = syscall.Kill(pid, syscall.SIGKILL) // one that has ended is as good
				}
				struck = time.Now()
				return
			}
			select {
			case <-time.After(time.Millisecond): // it will call one soon
			case <-ended:
				return
			}
		}
	})
	r.struck = struck
	return r, !struck.IsZero()
}

// overtaken reports that an event of chatter about a step can't be expected any more, once the step has ended.
func overtaken(at string, ended provision.StepID) bool {
	words := strings.Fields(at)
	kind := provision.EventType(words[0])
	return chatter(provision.Event{Type: kind}) && words[1] == string(ended)
}

// find returns the processes of a victim. pid is worldsetup's.
func (w *killWorld) find(v victim, pid int) []int {
	switch v {
	case killSelf:
		return []int{pid}
	case killTree:
		return w.freeze(pid)
	case killLima, killSSH:
		return slices.DeleteFunc(children(pid), func(pid int) bool { return programOf(pid) != string(v) })
	case killTheVM:
		return w.standIns()
	}
	return nil
}

// freeze stops a process and all its descendants, so that none can start another one, and returns them. A guest's own
// processes are not among them: they end with its stand-in.
func (w *killWorld) freeze(pid int) []int {
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		if w.isStandIn(pids[i]) {
			continue
		}
		for _, child := range children(pids[i]) {
			_ = syscall.Kill(child, syscall.SIGSTOP)
			pids = append(pids, child)
		}
	}
	return pids
}

func programOf(pid int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(name))
}

func (w *killWorld) isStandIn(pid int) bool {
	program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return program == w.rig.bed.QEMU()
}

// standIns are the processes of the VMs that run.
func (w *killWorld) standIns() (pids []int) {
	files, _ := filepath.Glob(filepath.Join(w.dir, "*", "qemu.pid"))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && w.isStandIn(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// moment is an event of a run that was left in peace.
type moment struct {
	name  string
	event provision.Event
	there map[victim]bool // who was seen until the next event
}

// record runs worldsetup unharmed.
func (w *killWorld) record(t *testing.T, args []string) (moments []moment, r watched) {
	t.Helper()
	var lock sync.Mutex
	each := func(name string, event provision.Event) {
		lock.Lock()
		defer lock.Unlock()
		moments = append(moments, moment{name, event, map[victim]bool{}})
	}
	r = w.watch(t, args, each, func(pid int, ended <-chan struct{}) {
		for {
			for _, v := range []victim{killLima, killSSH, killTheVM} {
				found := len(w.find(v, pid)) > 0
				lock.Lock()
				if found && len(moments) > 0 {
					moments[len(moments)-1].there[v] = true
				}
				lock.Unlock()
			}
			select {
			case <-time.After(2 * time.Millisecond):
			case <-ended:
				return
			}
		}
	})
	return moments, r
}

// choose returns the points of a kind of run.
func (d deed) choose(moments []moment) (points []killPoint) {
	if d.from != nil {
		moments = moments[slices.IndexFunc(moments, func(m moment) bool { return d.from(m.event) }):]
	}
	begun := slices.IndexFunc(moments, func(m moment) bool { return m.event.Type == provision.EventStep })
	for _, v := range []victim{killTree, killSelf, killLima, killSSH, killTheVM} {
		at := v.chances(moments)
		switch most, err := strconv.Atoi(*onKills); {
		case *onKills == "all":
		case err == nil:
			at = spread(at, most)
		case v == killTree:
			at = landmarks(moments, at)
		default:
			if marks := landmarks(moments, at); len(marks) >= d.others[v] {
				at = marks
			}
			at = spread(at, d.others[v])
		}
		for _, i := range at {
			points = append(points, killPoint{v, moments[i].name, i < begun})
		}
	}
	return points
}

// chances returns the events at which a victim can be killed. What a step still says after its end is none.
func (v victim) chances(moments []moment) (at []int) {
	over := map[provision.StepID]bool{}
	for i, m := range moments {
		if m.event.Type == provision.EventStep && m.event.Step.State != provision.StepRunning {
			over[m.event.Step.ID] = true
		}
		if m.event.Type != provision.EventFinished && (!chatter(m.event) || !over[m.event.Step.ID]) &&
			(v.alwaysThere() || m.there[v]) {
			at = append(at, i)
		}
	}
	return at
}

func (v victim) alwaysThere() bool { return v == killTree || v == killSelf }

// spread returns n of the values, in equal distances.
func spread(values []int, n int) (some []int) {
	if n >= len(values) {
		return values
	}
	for i := range n {
		some = append(some, values[(2*i+1)*len(values)/(2*n)])
	}
	return some
}

// landmarks returns the events that change something: all but most of the checks and of what the steps report
// meanwhile.
func landmarks(moments []moment, all []int) (at []int) {
	similar := map[string][]int{}
	for _, i := range all {
		switch event := moments[i].event; {
		case event.Type == provision.EventHeartbeat: // a fast machine has none
		case chatter(event):
			key := string(event.Type) + string(event.Step.ID)
			similar[key] = append(similar[key], i)
		case event.Type == provision.EventCheck:
			similar["check"] = append(similar["check"], i)
		default:
			at = append(at, i)
		}
	}
	for key, values := range similar {
		n := 1
		if key == "check" {
			n = 2
		}
		at = append(at, spread(values, n)...)
	}
	slices.Sort(at)
	return at
}

// fileOf reads a file of a VM's root file system, whether the VM runs or not; it is empty when it can't be read.
func (w *killWorld) fileOf(t *testing.T, name, path string) string {
	t.Helper()
	if !exists(filepath.Join(w.dir, name, "lima.yaml")) {
		return ""
	}
	if text, err := w.inside(t, name, `cat "$1" 2>/dev/null || :`, path); err == nil {
		return strings.TrimSpace(text)
	}
	text, _ := exec.CommandContext(t.Context(), "debugfs", "-R", "cat /upper"+path,
		filepath.Join(w.dir, name, "disk")).Output()
	return strings.TrimSpace(string(text))
}
