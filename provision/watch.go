package provision

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const (
	// hostPeriod is the interval at which the host's side is observed, which takes a few dozen system calls.
	hostPeriod = 500 * time.Millisecond
	// slowObservation is how long an observation may take before it is announced: one takes 0.3 s, and 2 s under
	// emulation.
	slowObservation = time.Second
	// watchSilence is how long the watcher in the guest may be silent; it gives a sign of life every 5 s.
	watchSilence = 20 * time.Second
	// observeAnyway is the interval of full observations without a sign of change: disk, clock and mounts' contents
	// give none.
	observeAnyway = time.Minute
	// blindPeriod is the same if there is no watcher in the guest, and the time until a watcher that ended is started
	// again.
	blindPeriod = 10 * time.Second
)

// ItemObserving is the only item of a Health that reports that something changed and is being observed.
const ItemObserving = "observing"

// Watch observes the world and calls changed with its health, at once and again whenever that changes, until ctx ends:
// the error is of KindInterrupted then. It changes nothing and costs the guest next to nothing: one process there
// observes files and processes twice a second and reports that something changed; only then, and once a minute, is
// everything observed and verified, as [Setup.Reuse] says. While a run is in progress, the Health holds only that.
func (s *Setup) Watch(ctx context.Context, changed func(Health)) error {
	r, err := s.begin()
	if err != nil {
		return r.finish(err)
	}
	r.target.spec.RebuildAgent = false // as for Status
	w := &watcher{run: r, spec: r.target.spec, mode: s.verifyMode(), changes: make(chan struct{}, 1),
		begun: make(chan struct{}, 1), recall: func() {}}
	defer func() { w.recall() }()
	emit := func(health Health) {
		r.events.emit(Event{Type: EventHealth, Health: &health})
		changed(health)
	}
	signed := false // something changed, so a slow observation is announced
	for last := ""; ; {
		health, err := w.observeReporting(ctx, func() {
			if signed {
				last = "" // report the result even if it is the same
				emit(beingObserved(w.spec, r.edges.Now(), w.dir))
			}
		})
		if ctx.Err() != nil {
			return r.finish(unwatched(ctx))
		}
		if err != nil {
			return r.finish(err)
		}
		if now := essence(health); now != last {
			last = now
			emit(health)
		}
		var watching bool
		if signed, watching = w.awaitSign(ctx); !watching {
			return r.finish(unwatched(ctx))
		}
	}
}

// observeReporting observes, and calls slow when that takes so long that a user should see why.
func (w *watcher) observeReporting(ctx context.Context, slow func()) (health Health, err error) {
	seen := make(chan struct{})
	go func() {
		defer close(seen)
		defer crash.Catch()
		health, err = w.observe(ctx)
	}()
	timer := time.NewTimer(slowObservation)
	defer timer.Stop()
	select {
	case <-seen:
	case <-timer.C:
		slow()
		<-seen
	}
	return health, err
}

// beingObserved returns the report that announces a slow observation: one of a VM that hangs takes much longer.
func beingObserved(spec Spec, now time.Time, dir string) Health {
	health := newHealth(spec, now)
	health.add(ItemObserving, "world", Unknown, "as it was",
		strings.Join(append([]string{"something changed and is being observed"}, nonEmpty(lifecycle.Stopped(dir))...), ": "),
		"wait")
	return health
}

// unwatched returns the error of a watch that its caller has ended.
func unwatched(ctx context.Context) *Error {
	cause := context.Cause(ctx)
	return &Error{Kind: KindInterrupted, What: "the watch has ended", Why: cause.Error(),
		Next: "to see the current state: worldsetup status", Err: cause}
}

// watcher detects that something may have changed.
type watcher struct {
	run     *run
	spec    Spec
	mode    verify.Mode
	changes chan struct{} // holds one when the guest gave a sign
	begun   chan struct{} // holds one when the watcher in the guest has begun to observe

	observed  time.Time
	host      string // the host's state then
	listened  bool   // the forwarded socket accepted a connection then
	connected time.Time
	dir       string       // of the instance
	seen      map[int]byte // the states of the VM's processes on this machine
	asked     time.Time    // when they were asked for
	sent      time.Time
	mute      atomic.Bool   // the last one reported nothing: there is no perl, or ssh refused it
	recall    func()        // ends the watcher in the guest, if there is one
	ended     chan struct{} // closed when it has ended
	alive     chan struct{} // holds one when it reported anything
}

// observe observes and verifies everything, unless a run is in progress. Errors are ignored: the next time may work.
func (w *watcher) observe(ctx context.Context) (Health, error) {
	first := w.observed.IsZero()
	w.observed = time.Now()
	if info := underWay(w.spec); info != nil {
		w.host = hostState(w.spec, w.dir, w.processStates)
		health := newHealth(w.spec, w.run.edges.Now())
		health.Run = info
		return health, nil
	}
	fresh := w.run.again()
	instance, findErr, err := fresh.locate(ctx)
	if err == nil && hiddenVM(fresh.place, findErr) {
		w.host = hostState(w.spec, w.dir, w.processStates)
		return reportHidden(fresh.target.spec, fresh.place.Dir(""), fresh.edges.Now(),
			limaError(ctx, cannotList, findErr)), nil
	}
	if err != nil {
		if first {
			return Health{}, err
		}
		return unknownHealth(w.spec, w.run.edges.Now(), err), nil
	}
	if instance != nil {
		w.dir = instance.Dir
	}
	w.host = hostState(w.spec, w.dir, w.processStates)
	health, state := verifiedReport(ctx, fresh, instance, w.mode)
	w.listened, w.connected = state.HostSocket, time.Now()
	if state.Guest != nil {
		w.send(ctx, fresh, state)
	}
	return health, nil
}

// send starts the watcher in the guest, unless it is running or was started just now.
func (w *watcher) send(ctx context.Context, r *run, state State) {
	if w.ended != nil {
		select {
		case <-w.ended:
		default:
			return
		}
	}
	if w.mute.Load() && time.Since(w.sent) < blindPeriod {
		return
	}
	w.sent = time.Now()
	ctx, cancel := context.WithCancel(ctx)
	ended, alive := make(chan struct{}), make(chan struct{}, 1)
	w.ended, w.alive = ended, alive
	w.recall = func() { cancel(); <-ended }
	points := mounts.Points(r.target.wantedMounts())
	go func() {
		defer close(ended)
		defer cancel()
		silent := true
		defer func() { w.mute.Store(silent) }()
		defer crash.Catch()
		_ = r.edges.Guest(state.Instance, r.target.layout).Watch(ctx, points, func(event guest.WatchEvent) {
			nudge(alive)
			first := silent
			silent = false
			switch {
			case event != guest.WatchChange:
			case first: // what changed between the last observation and the watcher's own would be lost
				nudge(w.begun)
			default:
				nudge(w.changes)
			}
		})
	}()
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// awaitSign returns when there is a sign of change, or it is time to observe anyway; watching is false when ctx has
// ended.
func (w *watcher) awaitSign(ctx context.Context) (signed, watching bool) {
	ticker := time.NewTicker(hostPeriod)
	defer ticker.Stop()
	silence := time.NewTimer(watchSilence)
	defer silence.Stop()
	ended := w.ended
	if ended != nil {
		select {
		case <-ended: // known already
			ended = nil
		default:
		}
	}
	for {
		patience := observeAnyway
		if ended == nil {
			patience = blindPeriod
		}
		select {
		case <-ctx.Done():
			return false, false
		case <-w.changes:
			return true, true
		case <-w.begun:
			return false, true
		case <-ended:
			return true, true
		case <-w.alive:
			silence.Reset(watchSilence)
		case <-silence.C:
			if ended != nil {
				return true, true
			}
		case <-ticker.C:
			if hostState(w.spec, w.dir, w.processStates) != w.host || !w.stillListens(ctx) {
				return true, true
			}
			if time.Since(w.observed) > patience {
				return false, true
			}
		}
	}
}

// hostState returns a fingerprint of the files and processes on this machine that change with the VM or a run.
func hostState(spec Spec, dir string, states func(pids ...int) map[int]byte) string {
	if dir == "" {
		dir = filepath.Join(spec.LimaHome, spec.VM)
	}
	var text strings.Builder
	for _, name := range []string{"", filenames.LimaYAML, filenames.SSHSock, filenames.SSHConfig, filenames.Protected,
		filenames.Disk, filenames.HostAgentStdoutLog} {
		text.WriteString(fileState(filepath.Join(dir, name)))
	}
	booted, _ := lifecycle.BootOf(dir, time.Time{})
	fmt.Fprint(&text, booted)
	fmt.Fprint(&text, lifecycle.Processes(dir, states)) // in the order of the names
	forwarded := lima.HostSocketIn(dir)
	text.WriteString(fileState(forwarded) + listenerState(forwarded))
	if info := underWay(spec); info != nil {
		fmt.Fprintf(&text, " run %d", info.PID)
		if info.Step != nil {
			fmt.Fprintf(&text, " step %d", info.Step.Number)
		}
	}
	return text.String()
}

// fileState returns a fingerprint of a file, which differs for another file and after a change. A growing log counts
// only by its beginning.
func fileState(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "-;"
	}
	known, _ := info.Sys().(*syscall.Stat_t)
	changed := ""
	if !info.IsDir() && !strings.HasSuffix(path, ".log") && info.Mode().IsRegular() &&
		filepath.Base(path) != filenames.Disk {
		changed = info.ModTime().String()
	}
	return fmt.Sprintf("%v %d %s;", info.Mode(), known.Ino, changed)
}

// processStates returns the states of processes. Where a program has to be called for them, those of a moment ago will
// do.
func (w *watcher) processStates(pids ...int) map[int]byte {
	known := !slices.ContainsFunc(pids, func(pid int) bool { return w.seen[pid] == 0 })
	if platform.OS() == "darwin" && known && time.Since(w.asked) < listenerPeriod {
		return w.seen
	}
	w.seen, w.asked = process.States(context.Background(), pids...), time.Now()
	return w.seen
}

// listenerState returns whether a process listens on a socket, as far as the system shows that without a connection.
// Only Linux does; see [watcher.stillListens] for others.
func listenerState(path string) string {
	sockets, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return ""
	}
	return fmt.Sprint(bytes.Contains(sockets, []byte(" "+path+"\n")))
}

// listenerPeriod is the interval at which the forwarded socket is connected to where nothing else shows a listener: ssh
// passes each connection on to the guest.
const listenerPeriod = 5 * time.Second

// stillListens reports whether the forwarded socket still has a listener, as far as it had one when all was observed.
func (w *watcher) stillListens(ctx context.Context) bool {
	path := lima.HostSocketIn(w.dir)
	if w.dir == "" || !w.listened || listenerState(path) != "" || time.Since(w.connected) < listenerPeriod {
		return true
	}
	w.connected = time.Now()
	return lifecycle.Accepts(ctx, path)
}

// essence returns a report without the values that differ in every observation, for comparing two reports.
func essence(h Health) string {
	var text strings.Builder
	fmt.Fprint(&text, h.Instance, h.Ready, h.Socket, h.Agent)
	for _, access := range h.Access {
		fmt.Fprint(&text, access.ID, access.Found, access.Outcome, ";")
	}
	for _, item := range h.Items {
		fmt.Fprint(&text, item.ID, item.Outcome)
		if item.Outcome != OK && item.ID != "clock" && item.ID != "disk" { // these always move a little
			fmt.Fprint(&text, item.Found)
		}
	}
	for _, step := range h.Drift.Steps {
		fmt.Fprint(&text, step.ID, ";")
	}
	fmt.Fprint(&text, h.Drift.Replace, h.Drift.Blocked != nil)
	if h.Run != nil {
		fmt.Fprint(&text, h.Run.PID)
		if h.Run.Step != nil {
			fmt.Fprint(&text, h.Run.Step.Number)
		}
	}
	return text.String()
}
