//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/bed"
	"github.com/atomize-hq/worldsetup/provision"
)

// TestKillEverything kills, at a random moment and in a random order, every process of a run: worldsetup, limactl, host
// agents, ssh, the stand-in for QEMU, its root helper. Nothing of the machine's may stay in use, and the next run must
// end with a world.
func TestKillEverything(t *testing.T) {
	onEachRig(t, func(t *testing.T, rig *rig) {
		if rig.bed == nil {
			t.Skip("it is about what the test bed leaves behind")
		}
		if rig != suite.rigs[0] {
			t.Skip("the first guest plays it")
		}
		seed := newSeed()
		t.Logf("-seed %d repeats it", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		w := newKillWorld(t, rig)
		w.needVM(t)
		const rounds = 20
		names := []string{"create", "repair", "replace", "restore", "remove"}
		for i := range rounds {
			name := names[i%len(names)]
			deed := deeds[name]
			deed.name = name
			share, order := random.Float64(), random.Uint64()
			t.Run(fmt.Sprintf("%d %s", i+1, name), func(t *testing.T) {
				if w.spoilt {
					w.clear(t)
				}
				w.spoilt = true
				w.report(t, w.killEverything(t, deed, share, rand.New(rand.NewPCG(order, 0))))
			})
		}
	})
}

// usualEvents is about how many events the runs have. The moment is chosen among them, so that it doesn't depend on how
// fast the machine is.
var usualEvents = map[string]int{"create": 150, "repair": 87, "replace": 170, "restore": 140, "remove": 38}

func (w *killWorld) killEverything(t *testing.T, d deed, share float64, random *rand.Rand) error {
	d.prepare(w, t)
	w.healthy = false
	count, moment := 0, int(share*float64(usualEvents[d.name]))
	reached := make(chan struct{})
	each := func(string, provision.Event) {
		if count++; count == moment+1 {
			close(reached)
		}
	}
	var used inUse
	r := w.watch(t, d.args(w), each, func(pid int, ended <-chan struct{}) {
		select {
		case <-reached:
		case <-ended: // it had fewer events than usual: then all that is left of it is the VM
		}
		used = w.inUse()
		w.killThem(random, pid)
	})
	t.Logf("killed after %d events; guests %v", len(r.events), used.groups)
	if err := w.wantNothingInUse(t, used); err != nil {
		return err
	}
	if err := w.carryOn(t); err != nil {
		return err
	}
	w.healthy, w.spoilt = true, false
	errs := []error{w.only(vm, keptVM), w.leftovers(t, nil)}
	for _, group := range used.groups {
		if exists(group) { // a start has swept what was empty
			errs = append(errs, fmt.Errorf("the control group %s is still there", group))
		}
	}
	return errors.Join(errs...)
}

// killThem kills all processes of this Lima home, one by one, until there are none.
func (w *killWorld) killThem(random *rand.Rand, pid int) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		pids := w.processes(pid)
		if len(pids) == 0 {
			return
		}
		random.Shuffle(len(pids), func(i, j int) { pids[i], pids[j] = pids[j], pids[i] })
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL) // one that has ended is as good
		}
	}
}

// processes are the live processes that were started with this Lima home or name something in it, and their
// descendants. A guest's own are not among them: they end with the root helper. root is one that counts in any case.
func (w *killWorld) processes(root int) (pids []int) {
	here, _ := os.Readlink("/proc/self/ns/pid")
	add := func(pid int) {
		space, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
		if err == nil && space == here && pid != os.Getpid() && !isDead(pid) && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	add(root)
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		words, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		environment, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.Contains(words, []byte(w.dir+"/")) || bytes.Contains(environment, []byte("LIMA_HOME="+w.dir+"\x00")) {
			add(pid)
		}
	}
	for i := 0; i < len(pids); i++ {
		for _, child := range children(pids[i]) {
			add(child)
		}
	}
	return pids
}

// isDead reports whether a process has ended, and only waits for its parent to ask for it.
func isDead(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// inUse is what of the machine's the VMs of a Lima home use.
type inUse struct {
	groups  []string       // control groups of the guests
	network map[int]string // processes in the guests' networks, and which network that is
}

func (w *killWorld) inUse() (used inUse) {
	files, _ := filepath.Glob(filepath.Join(w.dir, "*", "qemu.pid"))
	networks := map[string]bool{}
	for _, file := range files {
		group, err := bed.Guest(filepath.Dir(file))
		if err != nil || !exists(group) {
			continue
		}
		used.groups = append(used.groups, group)
		for _, text := range processesIn(group) {
			if pid, err := strconv.Atoi(text); err == nil {
				networks[networkOf(pid)] = true
			}
		}
	}
	delete(networks, "")
	delete(networks, networkOf(os.Getpid())) // a guest that has not begun yet shares the machine's
	used.network = map[int]string{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil && networks[networkOf(pid)] {
			used.network[pid] = networkOf(pid)
		}
	}
	return used
}

// networkOf names the network namespace of a process. The kernel gives the name of one that is gone to another one.
func networkOf(pid int) string {
	name, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	return name
}

// processesIn are the processes in a control group and those below.
func processesIn(group string) (pids []string) {
	_ = filepath.WalkDir(group, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			text, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
			pids = append(pids, strings.Fields(string(text))...)
		}
		return nil // a group may go while it is observed
	})
	return pids
}

// wantNothingInUse wants everything to be free, as soon as the kernel has tidied up.
func (w *killWorld) wantNothingInUse(t *testing.T, used inUse) error {
	const patience = 30 * time.Second // taking a guest's mounts away takes time on a busy machine
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && t.Context().Err() == nil; {
		if err = w.stillInUse(used); err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	return err
}

func (w *killWorld) stillInUse(used inUse) error {
	var errs []error
	for _, pid := range w.processes(0) {
		words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		errs = append(errs, fmt.Errorf("process %d lives: %q", pid, words))
	}
	for _, group := range used.groups {
		if pids := processesIn(group); len(pids) > 0 {
			errs = append(errs, fmt.Errorf("processes of a guest live in %s: %v", group, pids))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	errs = append(errs, err)
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, w.dir) || strings.Contains(line, filepath.Join(w.rig.host.Cache, "roots")) {
			errs = append(errs, fmt.Errorf("mounted: %s", line))
		}
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, loop := range loops {
		if file, _ := os.ReadFile(loop); strings.HasPrefix(string(file), w.dir+"/") {
			errs = append(errs, fmt.Errorf("%s is %s", loop, file))
		}
	}
	for pid, network := range used.network {
		if networkOf(pid) == network {
			errs = append(errs, fmt.Errorf("process %d keeps the network of a guest that was killed", pid))
		}
	}
	return errors.Join(errs...)
}
