//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/bed"
	"github.com/atomize-hq/worldsetup/provision"
)

// deed is a kind of run that someone is killed in.
type deed struct {
	name string
	// prepare makes the world that the run begins with.
	prepare func(w *killWorld, t *testing.T)
	args    func(w *killWorld) []string
	code    int // of the run that is left in peace
	// from is the first event that counts; nil for all. What comes before is another deed's.
	from func(provision.Event) bool
	// others is how many points there are for each victim, beside those for everything.
	others map[victim]int
	// early reports that before the first step nothing is made at all, so that the next point's run is the next run.
	early bool
	// killed is what must hold right after worldsetup was killed, and finished what must hold after the next runs. Both
	// may be nil.
	killed   func(w *killWorld, t *testing.T) error
	finished func(w *killWorld, t *testing.T, r watched) error
	// again is what is run next instead of a plain run, at every second point; nil for a plain run.
	again func(w *killWorld, t *testing.T) error
	// beside are the VMs that may stand beside the VM in the end.
	beside []string
}

var deeds = map[string]deed{
	"create": {
		prepare: (*killWorld).clear, args: (*killWorld).plainly, early: true,
		others: map[victim]int{killSelf: 3, killLima: 3, killSSH: 3, killTheVM: 2},
	},
	"repair": {
		prepare: (*killWorld).damage, args: (*killWorld).plainly, killed: (*killWorld).wantUsersFiles,
		finished: func(w *killWorld, t *testing.T, _ watched) error { return w.wantUsersFiles(t) },
		others:   map[victim]int{killSelf: 12, killLima: 8, killSSH: 14, killTheVM: 4},
	},
	"replace": {
		prepare: (*killWorld).ageVM, args: func(w *killWorld) []string { return append(w.plainly(), "--replace", vm) },
		killed: (*killWorld).wantOldOrNew, finished: (*killWorld).wantOldUnlessVerified, beside: []string{keptVM},
		others: map[victim]int{killSelf: 4, killLima: 4, killSSH: 3, killTheVM: 3},
	},
	"roll back": {
		prepare: (*killWorld).ageVM, code: 5,
		args: func(w *killWorld) []string { return append(w.profiled(), "--agent", w.refusing, "--replace", vm) },
		from: func(event provision.Event) bool {
			return event.Type == provision.EventStep && event.Step.State == provision.StepFailed
		},
		killed: (*killWorld).wantOldOrNew, finished: (*killWorld).wantOldUnlessVerified, beside: []string{keptVM},
		others: map[victim]int{killSelf: 3, killLima: 3, killSSH: 1, killTheVM: 2},
	},
	"restore": {
		prepare: (*killWorld).keepOne,
		args:    func(*killWorld) []string { return []string{"restore", "--json", "--replace", vm} },
		killed:  (*killWorld).wantEither, finished: (*killWorld).wantBoth, beside: []string{keptVM},
		others: map[victim]int{killSelf: 3, killLima: 4, killSSH: 1, killTheVM: 2},
	},
	"remove": {
		prepare: (*killWorld).keepOne,
		args:    func(*killWorld) []string { return []string{"remove", "--json", "--remove", vm} },
		again:   (*killWorld).removeAgain, beside: []string{keptVM},
		others: map[victim]int{killSelf: 3, killLima: 4, killTheVM: 2},
	},
}

// lane is a list of kinds of run that are played in the same worlds, one kind after the other.
type lane struct {
	deeds  []string
	worlds int
}

// lanes are played side by side.
var lanes = []lane{{[]string{"create"}, 1}, {[]string{"repair"}, 1}, {[]string{"replace"}, 2},
	{[]string{"roll back"}, 1}, {[]string{"restore", "remove"}, 1}}

// lanesOn returns what a rig plays: when there are several, each kind of run is played on one of them.
func lanesOn(rig *rig) (mine []lane) {
	for i, lane := range lanes {
		if suite.rigs[i*len(suite.rigs)/len(lanes)%len(suite.rigs)] == rig {
			mine = append(mine, lane)
		}
	}
	return mine
}

// TestKills kills worldsetup, or what it has called, at the events of each kind of run. A run that lives on must report
// the truth; the next one, or the one after that, must end with a world, and the last one finds nothing to do.
func TestKills(t *testing.T) {
	onEachRig(t, func(t *testing.T, rig *rig) {
		if rig.bed == nil {
			t.Skip("hundreds of boots: the test bed plays this, and TestReplace some of it on a real VM")
		}
		mine := lanesOn(rig)
		if len(mine) == 0 {
			t.Skip("the other guests have the kinds of run between them; with one guest and one Lima it plays them all")
		}
		var all sync.WaitGroup
		var lock sync.Mutex
		counts := map[string]int{}
		begun := time.Now()
		for _, lane := range mine {
			all.Go(func() {
				worlds := make([]*killWorld, lane.worlds)
				for _, name := range lane.deeds {
					t.Run(name, func(st *testing.T) {
						deed := deeds[name]
						deed.name = name
						for i, w := range worlds {
							if w == nil {
								worlds[i] = newKillWorld(t, rig) // it lives as long as the lane
							}
						}
						points := deed.plan(st, worlds[0])
						lock.Lock()
						for _, p := range points {
							counts[name+", "+string(p.victim)]++
						}
						lock.Unlock()
						deed.playAll(st, worlds, points)
					})
				}
			})
		}
		all.Wait()
		total := 0
		for _, what := range slices.Sorted(maps.Keys(counts)) {
			t.Logf("%3d points: %s", counts[what], what)
			total += counts[what]
		}
		t.Logf("%d points in %s", total, time.Since(begun).Round(time.Second))
	})
}

// plan plays the kind of run once unharmed, and chooses its points.
func (d deed) plan(t *testing.T, w *killWorld) []killPoint {
	d.prepare(w, t)
	moments, r := w.record(t, d.args(w))
	if r.code != d.code {
		t.Fatalf("unharmed: exit code %d, want %d: %+v\n%s", r.code, d.code, r.last(), r.stderr)
	}
	w.healthy = d.name != "remove" && r.code == 0
	points := d.choose(moments)
	if len(points) == 0 {
		t.Fatal("no points")
	}
	return points
}

// playAll plays the points, in as many worlds at a time as there are.
func (d deed) playAll(t *testing.T, worlds []*killWorld, points []killPoint) {
	queue := make(chan int, len(points))
	for i := range points {
		queue <- i
	}
	close(queue)
	var all sync.WaitGroup
	for _, w := range worlds {
		all.Go(func() {
			for i := range queue {
				t.Run(points[i].String(), func(t *testing.T) { w.judge(t, d, points[i], i%2 == 1) })
			}
		})
	}
	all.Wait()
}

// judge plays a point and wants it to pass.
func (w *killWorld) judge(t *testing.T, d deed, p killPoint, second bool) {
	if w.spoilt {
		w.clear(t)
	}
	w.spoilt = true // until the runs after it have ended well
	w.report(t, w.play(t, d, p, second))
}

// report fails the test for an error.
func (w *killWorld) report(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		w.logEnds(t)
	}
}

func (w *killWorld) play(t *testing.T, d deed, p killPoint, second bool) error {
	var r watched
	met := false
	for attempts := 3; !met && attempts > 0; attempts-- { // some live for milliseconds, and a busy test comes too late
		d.prepare(w, t)
		w.healthy = false
		r, met = w.strike(t, d.args(w), p)
	}
	switch {
	case !met:
		w.logEvents(t, r)
		return errors.New("it did not come to that")
	case p.victim.survived():
		if err := w.wantTruth(t, d, p, r); err != nil {
			w.logEvents(t, r)
			return err
		}
	case d.killed != nil:
		if err := d.killed(w, t); err != nil {
			return err
		}
	}
	if d.early && p.early && !p.victim.survived() {
		w.spoilt = false
		return w.only()
	}
	sockets := w.forwarded()
	if d.again != nil && second {
		if err := d.again(w, t); err != nil {
			return fmt.Errorf("the same command again: %w", err)
		}
	}
	if err := w.carryOn(t); err != nil {
		return err
	}
	w.healthy, w.spoilt = true, false
	errs := []error{w.only(append([]string{vm}, d.beside...)...), w.leftovers(t, sockets)}
	if d.finished != nil {
		errs = append(errs, d.finished(w, t, r))
	}
	return errors.Join(errs...)
}

// logEvents logs what a run reported, in short.
func (w *killWorld) logEvents(t *testing.T, r watched) {
	var reported []string
	named := names{}
	for _, event := range r.events {
		if name := named.of(event); event.Type != provision.EventCheck && !chatter(event) {
			reported = append(reported, event.Time.Format("05.000 ")+name)
		}
	}
	t.Logf("killed at %s; events: %s; %s", r.struck.UTC().Format("05.000"), strings.Join(reported, ", "), r.stderr)
}

// wantTruth wants a run that lived on to report what is.
func (w *killWorld) wantTruth(t *testing.T, d deed, p killPoint, r watched) error {
	last := r.last()
	if last == nil {
		return fmt.Errorf("exit code %d, and no last event", r.code)
	}
	if last.Ready != (r.code == 0) && d.name != "remove" {
		return fmt.Errorf("exit code %d, and ready is %v", r.code, last.Ready)
	}
	if last.Error != nil {
		t.Logf("it reports: %+v", *last.Error)
		if promise := []provision.Kind{provision.KindPrerequisite, provision.KindReplacement}; last.Changed &&
			slices.Contains(promise, last.Error.Kind) {
			return fmt.Errorf("its exit code means that nothing was changed: %+v", *last.Error)
		}
		if p.victim != killTheVM && strings.Contains(last.Error.Next, "--replace") {
			return fmt.Errorf("it advises a replacement, and nothing is wrong with the VM: %+v", *last.Error)
		}
		if p.victim == killSSH && strings.Contains(last.Error.What, "agent does not answer") {
			return fmt.Errorf("it blames the agent: %+v", *last.Error)
		}
		return truthful(last.Error)
	}
	if d.name == "remove" {
		return w.only()
	}
	if !r.verifiedAfterwards() {
		return nil
	}
	if status := w.run(t, "status", "--json", w.project); status.code != 0 {
		return fmt.Errorf("it reported that the world is ready, which it is not: %s%s", status.stdout, status.stderr)
	}
	return nil
}

// truthful wants a failure that someone can act on, and that blames neither worldsetup nor its user for what happened.
func truthful(failure *provision.Error) error {
	if failure.What == "" || failure.Next == "" {
		return fmt.Errorf("it reports too little: %+v", *failure)
	}
	switch failure.Kind {
	case provision.KindInternal, provision.KindUsage, provision.KindInterrupted:
		return fmt.Errorf("that is not what happened: %+v", *failure)
	}
	return nil
}

// carryOn is the next run and those after it. What a killed one had asked of Lima may still be going on, such as a VM's
// shutting down; a run that meets that reports it and what to do, and the one after it ends with a world.
func (w *killWorld) carryOn(t *testing.T) error {
	next := parseRun(t, w.run(t, w.plainly()...))
	if failure := next.outcome().Error; failure != nil {
		t.Logf("at first: %+v", *failure)
		if err := truthful(failure); err != nil {
			return err
		}
		if next = parseRun(t, w.run(t, w.plainly()...)); next.code != 0 {
			return fmt.Errorf("the second run after it: %+v\n%s", *next.outcome().Error, next.stderr)
		}
	}
	after := parseRun(t, w.run(t, w.plainly()...))
	if plan := after.firstPlan(t); after.code != 0 || !plan.Empty() || after.outcome().Changed {
		return fmt.Errorf("a world that was ready is not: exit code %d, plan %+v, %+v",
			after.code, plan, after.outcome())
	}
	return nil
}

// killWorld is a world in which runs are killed, again and again.
type killWorld struct {
	*world
	refusing string // an agent that answers with an error
	template string // a folder with a VM that is stopped and whole; empty before one is needed

	healthy bool            // the last run found the VM ready
	spoilt  bool            // the last point failed
	usual   map[string]bool // the files of a guest that have to do with worldsetup; nil before they were observed
}

func newKillWorld(t *testing.T, rig *rig) *killWorld {
	t.Helper()
	w := &killWorld{world: &world{limaHome: rig.newHome(t)}}
	temporary := filepath.Join(w.files(), "tmp")
	w.env = []string{"TMPDIR=" + temporary}
	if err := errors.Join(os.Mkdir(temporary, 0o700),
		os.Chown(temporary, int(rig.host.User.UID), int(rig.host.User.GID))); err != nil {
		t.Fatal(err)
	}
	w.project = filepath.Join(w.files(), "project")
	w.write(t, filepath.Join(w.project, "read.me"), "hello\n")
	w.refusing = filepath.Join(w.files(), "refusing-agent")
	buildAgent(t, w.refusing, "./e2e/agent", "-X main.refuses=yes")
	w.before = w.snapshot(t)
	return w
}

func (w *killWorld) profiled() []string {
	return []string{"--non-interactive", "--json", "--allow", "force", "--profile", w.rig.profile, w.project}
}

// plainly are the arguments of a run that asks for nothing in particular.
func (w *killWorld) plainly() []string { return append(w.profiled(), "--agent", "builtin") }

// inside runs a script as root in the guest of a VM that runs.
func (w *killWorld) inside(t *testing.T, name, script string, args ...string) (string, error) {
	t.Helper()
	instance := filepath.Join(w.dir, name)
	if !exists(filepath.Join(instance, "qemu.pid")) {
		return "", errors.New("it does not run")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd, done, err := bed.Shell(ctx, instance, script, args...)
	if err != nil {
		return "", err
	}
	defer done()
	r := finish(t, cmd)
	return r.stdout, failed(r)
}

// instances are the directories of VMs.
func (w *killWorld) instances() (names []string) {
	entries, _ := os.ReadDir(w.dir)
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "_") {
			names = append(names, entry.Name())
		}
	}
	return names
}

// clear removes every VM.
func (w *killWorld) clear(t *testing.T) {
	t.Helper()
	for _, name := range w.instances() {
		_ = w.deleteVM(t, name)
		if err := os.RemoveAll(filepath.Join(w.dir, name)); err != nil { // Lima leaves what it doesn't take for a VM
			t.Fatal(err)
		}
	}
	w.healthy, w.spoilt = false, false
}

// needVM wants the VM to be ready, and alone.
func (w *killWorld) needVM(t *testing.T) {
	t.Helper()
	for _, name := range w.instances() {
		if name != vm {
			_ = w.deleteVM(t, name)
		}
	}
	if !w.healthy {
		parseRun(t, w.run(t, w.plainly()...)).wantReady(t)
		w.healthy = true
	}
	w.forgetRestarts(t)
	if w.usual == nil {
		w.usual = w.traces(t)
	}
}

// forgetRestarts has systemd forget how often the units were started: on a real machine no one runs worldsetup so often
// within seconds.
func (w *killWorld) forgetRestarts(t *testing.T) {
	t.Helper()
	_, _ = w.inside(t, vm, // unless it doesn't run
		"systemctl reset-failed substrate-world-agent.socket substrate-world-agent.service 2>/dev/null || :")
}

func (w *killWorld) mustInside(t *testing.T, script string, args ...string) string {
	t.Helper()
	text, err := w.inside(t, vm, script, args...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// damage makes faults whose repair takes many steps, and no restart of the VM.
func (w *killWorld) damage(t *testing.T) {
	t.Helper()
	w.needVM(t)
	w.mustInside(t, `
user=$(id -un "$1")
home=$(getent passwd "$user" | cut -d: -f6)
install -d -o "$user" "$home/kept"
printf 'kept\n' >"$home/kept/file"
rm -f /usr/local/bin/substrate-world-agent /etc/substrate-lima-layout /etc/systemd/system/substrate-world-agent.service
groupdel substrate
loginctl disable-linger "$user"
chmod 0777 /var/lib/substrate
`, fmt.Sprint(w.rig.host.User.UID))
}

func (w *killWorld) wantUsersFiles(t *testing.T) error {
	text, err := w.inside(t, vm, `cat "$(getent passwd "$1" | cut -d: -f6)/kept/file"`, fmt.Sprint(w.rig.host.User.UID))
	if err != nil || text != "kept\n" {
		return fmt.Errorf("a file of the user's holds %q, %v", text, err)
	}
	return nil
}

const wordsFile = "/root/words"

// writeWords leaves words in the VM by which it can be distinguished from others.
func (w *killWorld) writeWords(t *testing.T, words string) {
	t.Helper()
	w.mustInside(t, `printf '%s\n' "$1" >"$2" && sync -f "$2"`, words, wordsFile)
}

func (w *killWorld) ageVM(t *testing.T) {
	t.Helper()
	w.needVM(t)
	w.writeWords(t, "old")
}

// keepOne puts a kept VM beside the VM.
func (w *killWorld) keepOne(t *testing.T) {
	t.Helper()
	w.needVM(t)
	copyVM := func(from, to string) {
		if r := finish(t, w.command(t.Context(), "cp", "-a", "--reflink=auto", "--sparse=always", from,
			to)); r.code != 0 {
			t.Fatal(r.stderr)
		}
	}
	if w.template == "" {
		w.writeWords(t, "kept")
		if r := w.limactl(t, "stop", vm); r.code != 0 {
			t.Fatal(r.stderr)
		}
		template := filepath.Join(w.files(), "template")
		copyVM(filepath.Join(w.dir, vm), template)
		w.template = template
		parseRun(t, w.run(t, w.plainly()...)).wantReady(t)
	}
	w.writeWords(t, "current")
	copyVM(w.template, filepath.Join(w.dir, keptVM))
}

// wantOldOrNew wants there to be a whole VM that was a world, under a name that the next run knows.
func (w *killWorld) wantOldOrNew(t *testing.T) error {
	for _, name := range []string{vm, keptVM} {
		if w.fileOf(t, name, wordsFile) == "old" || w.fileOf(t, name, "/etc/substrate-lima-layout") != "" {
			return nil
		}
	}
	return fmt.Errorf("there is neither the old VM nor a new one that was verified, in %v", w.instances())
}

// wantOldUnlessVerified: a run that was killed before it had verified the new VM leaves the old one, and the next keeps
// it.
func (w *killWorld) wantOldUnlessVerified(t *testing.T, r watched) error {
	if r.begun(provision.StepReplaceRemove) || w.fileOf(t, vm, wordsFile) == "old" ||
		w.fileOf(t, keptVM, wordsFile) == "old" {
		return nil
	}
	return fmt.Errorf("the old VM is gone, and the new one was not verified by then; there are %v", w.instances())
}

// wantEither is wantOldOrNew for a restoration.
func (w *killWorld) wantEither(t *testing.T) error {
	for _, name := range []string{vm, keptVM, vm + ".ws-back"} {
		if words := w.fileOf(t, name, wordsFile); words == "kept" || words == "current" {
			return nil
		}
	}
	return fmt.Errorf("there is neither VM, in %v", w.instances())
}

// wantBoth: unless the kept VM was verified, the other one is not removed.
func (w *killWorld) wantBoth(t *testing.T, r watched) error {
	now, beside := w.fileOf(t, vm, wordsFile), w.fileOf(t, keptVM, wordsFile)
	switch {
	case now == "kept" && (beside == "current" || r.begun(provision.StepRestoreRemove)),
		now == "current" && beside == "kept":
		return nil
	}
	return fmt.Errorf("the VM is %q and the other one %q, in %v", now, beside, w.instances())
}

func (w *killWorld) removeAgain(t *testing.T) error {
	r := w.run(t, "remove", "--json", "--remove", vm)
	if r.code != 0 {
		return fmt.Errorf("exit code %d: %s%s", r.code, r.stdout, r.stderr)
	}
	return w.only()
}

// only wants the directories of these VMs; all but the first may be missing.
func (w *killWorld) only(names ...string) error {
	there := w.instances()
	for _, name := range there {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is %s; the Lima home holds %v", name, there)
		}
	}
	if len(names) > 0 && !slices.Contains(there, names[0]) {
		return fmt.Errorf("there is no %s; the Lima home holds %v", names[0], there)
	}
	return nil
}

// traces lists the files in the guest whose names show that they are worldsetup's or temporary.
func (w *killWorld) traces(t *testing.T) map[string]bool {
	t.Helper()
	const script = `
find /etc /usr/local /run /root /home /var/lib -xdev -path /run/systemd -prune -o \
    '(' -name '*substrate*' -o -name '*worldsetup*' -o -name '*.new' ')' -print
find /tmp -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' ! -name '.*-unix'
`
	files := map[string]bool{}
	for _, path := range strings.Fields(w.mustInside(t, script)) {
		files[path] = true
	}
	return files
}

// forwarded are the sockets that are forwarded for a verification. OpenSSH leaves them, and each run removes those of
// the last one.
func (w *killWorld) forwarded() []string {
	sockets, _ := filepath.Glob(filepath.Join(w.dir, vm, "p.*.sock"))
	return sockets
}

// leftovers searches for what worldsetup makes for a moment only. sockets are those that the killed run has left.
func (w *killWorld) leftovers(t *testing.T, sockets []string) error {
	left := slices.DeleteFunc(sockets, func(path string) bool { return !exists(path) })
	add := func(pattern string) {
		found, _ := filepath.Glob(pattern)
		left = append(left, found...)
	}
	add(filepath.Join(w.files(), "tmp", "*"))
	for _, name := range []string{"worldsetup-unproven", "*.tmp"} {
		add(filepath.Join(w.dir, vm, name))
	}
	add(filepath.Join(w.dir, "_"+vm+"*")) // the note of a removal
	states, _ := filepath.Glob(filepath.Join(w.userHome(), ".local", "state", "worldsetup", "*"))
	for _, path := range states {
		if filepath.Base(path) != "durations.json" && !strings.HasSuffix(path, ".seen.json") &&
			!slices.Contains([]string{".lock", ".log", ".old", ".run"}, filepath.Ext(path)) {
			left = append(left, path)
		}
	}
	after := w.snapshot(t)
	for path, state := range after {
		if w.before[path] != state {
			left = append(left, path+", which is new or changed")
		}
	}
	for path := range w.before {
		if after[path] == "" {
			left = append(left, path+", which is gone")
		}
	}
	for path := range w.traces(t) {
		if !w.usual[path] && path != "/usr/local/bin/.substrate-world-agent.previous" && w.usual != nil {
			left = append(left, path+" in the guest")
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
	}
	return nil
}
