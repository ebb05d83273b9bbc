package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/hostsocket"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/staging"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// observer observes the world.
type observer struct {
	vm       *lifecycle.VM
	guest    func(*limatype.Instance, layout.Layout) guest.Client
	prefetch prefetch
}

// observe observes instance, which may be nil. If the guest can't be entered, the State holds the reason. done is the
// history of the run so far. ask are those who ask the agent meanwhile.
func (o *observer) observe(
	ctx context.Context, instance *limatype.Instance, t target, done history, ask []string,
) State {
	defer o.prefetch.drop()
	state := State{
		Instance: instance, Swap: o.vm.Place.Observe(), Signs: t.signs(o.vm.Place, instance),
		ProtectedBy: protector(o.vm.Place, ""),
		Booting:     o.vm.Boot.Laying(),
		Tried:       done.finished, Unheld: done.unheld, Locked: done.locked, LockedCause: done.lockedCause,
	}
	state.Warm, state.Broker = toolSigns(instance)
	state.OpenKey = openKey(t.spec.LimaHome)
	if instance == nil {
		return state
	}
	state.LastSeen = lastSeen(t.spec, instance)
	state.HalfCreated, state.HomeLeftOut = o.vm.HalfCreated(instance), profile.HomeLeftOut(instance)
	state.StagedProject = profile.StagedProject(instance)
	state.RosettaLost = t.rosettaLost(instance)
	state.Unprotected = o.vm.Place.Unprotected() && !state.HalfCreated
	state.PIDFiles = lima.PIDFiles(instance.Dir)
	booted, age := lifecycle.BootOf(instance.Dir, o.vm.Now())
	running := instance.Status == limatype.StatusRunning
	if o.vm.Boot == nil && running && !booted && age > 0 && age < lifecycle.BootGrace {
		state.Booting = true // another program started it
	}
	if instance.Status == limatype.StatusBroken {
		state.Frozen = lifecycle.Stopped(instance.Dir)
	}
	state.DiskMissing = lifecycle.StartedBefore(instance.Dir) && !lifecycle.HasDisk(instance.Dir)
	if running && instance.Config != nil {
		o.observeRunning(ctx, &state, t, done, ask)
	}
	return state
}

// observeRunning adds to a state what a running VM shows: its sockets on this machine, and its inside.
func (o *observer) observeRunning(ctx context.Context, state *State, t target, done history, ask []string) {
	instance := state.Instance
	boot, _ := lima.ReadBoot(instance.Dir) // without events nothing is known
	state.Degraded = boot.Degraded
	state.observeHostSocket(ctx)
	wanted := t.wantedMounts()
	if state.Booting {
		wanted = nil // they come at the end of the boot, and observing them would slow it down
	}
	options := guest.ObserveOptions{
		Mounts: mounts.Points(wanted), Ask: ask,
		// An observation slows the boot down, and there is nothing to see.
		New: o.vm.Boot.Going() && done.hasBegun(StepCreate) && !done.hasBegun(StepWaitForBoot),
	}
	var begun *answer
	if !state.Booting && !options.New {
		begun = o.prefetch.take(instance, questionOf(instance, t.layout, options.Mounts), ask)
	}
	state.Guest, state.SharedDead, state.GuestError = o.observeGuest(ctx, instance, t.layout, options, begun)
	if state.Guest != nil {
		state.Guest.UnitTexts = t.textsOf(state.Guest)
		state.Mounts = mounts.Compare(wanted, state.Guest.Mounts, o.vm.Now())
		if state.Guest.SudoRefusal() == guest.SudoWantsPassword {
			state.SudoDenied = lima.SudoDenied(t.spec.LimaHome, instance.Dir)
		}
	}
	if state.Guest != nil && !state.Guest.Untouched {
		state.Staged = o.compareStaged(ctx, instance, t, state.Guest, state.route())
	}
}

// observeGuest observes over the shared connection, whose groups are the ones that count, or over a fresh one if that
// is dead. begun is how an observation over the shared one has ended; nil when it is still to be made.
func (o *observer) observeGuest(
	ctx context.Context, instance *limatype.Instance, of layout.Layout, options guest.ObserveOptions, begun *answer,
) (seen *guest.Observation, sharedDead bool, err error) {
	observe := func(route guest.Route, deadline time.Duration) (*guest.Observation, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, deadline, guest.Late(deadline))
		defer cancel()
		return o.guest(instance, of).Observe(ctx, route, options)
	}
	if begun != nil {
		seen, err = begun.seen, begun.err
	} else {
		seen, err = observe(guest.Shared, guest.SharedDeadline)
	}
	if _, ok := errors.AsType[*guest.ConnectionError](err); !ok || process.Killed(err) || ctx.Err() != nil {
		return seen, false, err
	}
	freshErr := verify.UntilAdmitted(ctx, func() (err error) {
		seen, err = observe(guest.Fresh, guest.FreshDeadline)
		return err
	})
	if freshErr != nil {
		return nil, false, verify.Hangs(ctx, instance, of, errors.Join(err, freshErr))
	}
	return seen, true, nil
}

// observeHostSocket observes the host's end of the forwarded socket.
func (s *State) observeHostSocket(ctx context.Context) {
	path := lima.HostSocketPath(s.Instance)
	s.Openings, s.HostSocketOwner = hostsocket.Openings(s.Instance), hostsocket.OtherOwner(path, os.Getuid())
	s.HostSocket = s.HostSocketOwner == "" && lifecycle.Accepts(ctx, path)
}

// observeMounts observes the mounts that were not there yet when the rest of a booting guest was observed.
func (o *observer) observeMounts(ctx context.Context, t target, state *State) error {
	wanted := t.wantedMounts()
	seen, err := o.guest(state.Instance, t.layout).ObserveMounts(ctx, mounts.Points(wanted))
	if err != nil {
		return err
	}
	state.Guest.Mounts, state.Mounts = seen, mounts.Compare(wanted, seen, o.vm.Now())
	return nil
}

// compareStaged compares the project with its copy, in a guest that was observed and may be reached by root.
func (o *observer) compareStaged(ctx context.Context, instance *limatype.Instance, t target, seen *guest.Observation,
	via guest.Route) *Staged {
	if t.layout.Mounts() || !seen.Sudo || t.noProject != nil {
		return nil
	}
	if err := t.holdsLima(); err != nil { // the layout is that of the guest
		return &Staged{Err: err}
	}
	listed := make(chan struct{})
	var tree *staging.Tree
	var walkErr error
	go func() {
		defer close(listed)
		defer crash.Catch()
		tree, walkErr = staging.Walk(ctx, t.spec.Project)
	}()
	var had *staging.Copy
	var err error
	if _, there := seen.Files[seen.Layout.Staging]; there {
		listing, cancel := context.WithTimeoutCause(ctx, staging.ListDeadline, guest.Late(staging.ListDeadline))
		had, err = o.guest(instance, t.layout).Staged(listing, via, seen.User)
		cancel()
	}
	<-listed
	if err := errors.Join(walkErr, err); err != nil {
		return &Staged{Err: err}
	}
	staged := &Staged{Delta: staging.Compare(tree, had), Skips: tree.Skipped}
	if had != nil {
		staged.Of = staging.ParseManifest(had.Manifest).Project
	}
	return staged
}

// stateOf returns the state of instance, which may be nil, as far as Lima's home shows it. The guest is not observed.
func (o *observer) stateOf(instance *limatype.Instance, swap vmswap.State) State {
	warm, broker := toolSigns(instance)
	return State{Instance: instance, Swap: swap, Signs: o.vm.Place.Proof(""), Warm: warm, Broker: broker,
		ProtectedBy: protector(o.vm.Place, "")}
}

// openKey returns the error of Lima's private key when others may read it: ssh then does not use it, and every
// new connection is refused, whatever the guest has. It is nil otherwise.
func openKey(limaHome string) *Error {
	key := filepath.Join(limaHome, filenames.ConfigDir, filenames.UserPrivateKey)
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return &Error{
		Kind: KindUnhealthy, What: "other users can read the key with which Lima logs in to its VMs, so ssh doesn't use it",
		Why:  fmt.Sprintf("%s has mode %04o", key, info.Mode().Perm()),
		Next: "chmod 600 " + shellescape.Quote(key),
	}
}

// existing is what there is now; nil when there is no VM.
func existing(s State) *Existing {
	instance := s.Instance
	if instance == nil {
		return nil
	}
	e := &Existing{
		Status: strings.ToLower(instance.Status), Type: instance.VMType, Arch: instance.Arch, CPUs: instance.CPUs,
		Memory: instance.Memory, Disk: instance.Disk,
		DiskUsed: lifecycle.Taken(instance.Dir), Created: lifecycle.Created(instance.Dir),
		Owner: s.ownership(), Protected: instance.Protected, ProtectedBy: s.ProtectedBy,
	}
	if s.Guest != nil {
		e.Layout = s.Guest.Marker
	} else {
		e.LastSeen = s.LastSeen
	}
	if instance.Config != nil {
		e.Project = profile.Project(instance)
		if of, staged := shownLayout(instance); staged {
			e.Workdir = of.Current()
		} else if e.Project != "" {
			e.Workdir = layout.ProjectMount
		}
	}
	return e
}

// question is what an observation of the guest is asked, as far as that is remembered from one run to the next.
type question struct {
	Layout string   `json:"layout"`
	User   string   `json:"user"` // as whom Lima's shared connection is logged in; empty when that is unknown
	Mounts []string `json:"mounts"`
}

func (q question) same(as question) bool {
	return q.Layout == as.Layout && q.User == as.User && slices.Equal(q.Mounts, as.Mounts)
}

func questionOf(instance *limatype.Instance, of layout.Layout, mounts []string) question {
	return question{Layout: of.Name, User: deref(instance.Config.User.Name), Mounts: mounts}
}

// prefetch observes a guest while Lima still lists its VMs: it asks what the last run asked, over Lima's shared
// connection if that is open. What it observed counts only for who asks the same of the VM that Lima then lists;
// nothing else relies on it.
type prefetch struct {
	// first is what the first observation of this run asked of a VM that had booted, for the next run; nil before.
	first *question

	instance *limatype.Instance // as it was predicted; nil when nothing is under way
	asked    question
	ask      []string
	end      context.CancelFunc
	ended    chan struct{}
	answer   answer // valid once ended is closed
}

// answer is how an observation over the shared connection ended.
type answer struct {
	seen *guest.Observation
	err  error
}

// begin begins to observe as the last run did, if it can be told what that was. ask are those who ask the agent.
func (p *prefetch) begin(
	ctx context.Context, enter func(*limatype.Instance, layout.Layout) guest.Client, spec Spec, ask []string,
) {
	home, err := filepath.EvalSymlinks(spec.LimaHome) // as limactl does
	if err != nil {
		return
	}
	dir := filepath.Join(home, spec.VM)
	last := readSeen(spec, dir)
	if last == nil || last.Asked == nil {
		return
	}
	of, found := layout.Named(last.Asked.Layout)
	socket, err := os.Lstat(filepath.Join(dir, filenames.SSHSock))
	if !found || err != nil || socket.Mode().Type() != os.ModeSocket {
		return
	}
	p.instance = &limatype.Instance{
		Name: spec.VM, Dir: dir, SSHConfigFile: filepath.Join(dir, filenames.SSHConfig), Status: limatype.StatusRunning,
		Config: &limatype.LimaYAML{User: limatype.User{Name: &last.Asked.User}},
	}
	p.asked, p.ask, p.ended = *last.Asked, ask, make(chan struct{})
	ctx, p.end = context.WithTimeoutCause(ctx, guest.SharedDeadline, guest.Late(guest.SharedDeadline))
	client, ended, answered := enter(p.instance, of), p.ended, &p.answer
	options := guest.ObserveOptions{Mounts: p.asked.Mounts, Ask: ask, OnlyOpen: true}
	go func() {
		defer close(ended)
		defer crash.Catch()
		answered.seen, answered.err = client.Observe(ctx, guest.Shared, options)
	}()
}

// take returns how the observation that is under way ends, once, if it asks of the instance what is to be asked now. It
// is nil when there is none, and when it failed, except by hanging: then the guest has to be observed now.
func (p *prefetch) take(instance *limatype.Instance, asked question, ask []string) *answer {
	if p.first == nil {
		p.first = &asked
	}
	if p.instance == nil || p.instance.Dir != instance.Dir || p.instance.SSHConfigFile != instance.SSHConfigFile ||
		p.instance.Name != instance.Name || !p.asked.same(asked) || !slices.Equal(p.ask, ask) {
		return nil
	}
	<-p.ended
	p.drop()
	if p.answer.err != nil && !errors.Is(p.answer.err, guest.ErrLate) {
		return nil
	}
	return &p.answer
}

// drop ends the observation that is under way, if there is one, and waits for its end.
func (p *prefetch) drop() {
	if p.instance == nil {
		return
	}
	p.end()
	<-p.ended
	p.instance = nil
}

// What follows remembers of which generation a world was when it was last verified: a VM that is stopped doesn't show
// that. The rules are: it is written when a run ends with a world that is ready; it counts for the VM that it was
// written for only, and never more than what the guest shows; and without it, or when it can't be read, nothing but
// words is missing, and nothing is observed before Lima has listed its VMs.

// seen is what is written about a VM.
type seen struct {
	LastSeen
	// Created is when the VM was made, which distinguishes it from a later one of its name.
	Created time.Time `json:"created"`
	// Asked is what the run asked its guest first.
	Asked *question `json:"asked,omitempty"`
}

const maxSeen = 16 << 10 // bytes

func seenPath(spec Spec) string { return strings.TrimSuffix(LogPath(spec), ".log") + ".seen.json" }

// remember writes down how the world was, which is ready, and what its guest was asked first.
func remember(spec Spec, place vmswap.Place, health Health, asked *question) {
	at := lifecycle.Created(place.Dir(""))
	if _, found := layout.Named(health.Layout); !found || at.IsZero() {
		return
	}
	text, err := json.Marshal(seen{LastSeen{health.Layout, health.Time}, at, asked})
	path := seenPath(spec)
	if err != nil || os.WriteFile(path+".new", append(text, '\n'), 0o600) != nil {
		return // the next run that can write it does
	}
	_ = os.Rename(path+".new", path)
}

// lastSeen returns what was written down of a VM's inside; nil for nothing.
func lastSeen(spec Spec, instance *limatype.Instance) *LastSeen {
	s := readSeen(spec, instance.Dir)
	if s == nil {
		return nil
	}
	return &s.LastSeen
}

// readSeen returns what was written down about the VM in dir; nil for nothing.
func readSeen(spec Spec, dir string) *seen {
	var s seen
	text, err := readfile.Limited(seenPath(spec), maxSeen)
	if err != nil || json.Unmarshal(text, &s) != nil || !s.Created.Equal(lifecycle.Created(dir)) {
		return nil
	}
	if _, found := layout.Named(s.Layout); !found || s.Time.IsZero() {
		return nil
	}
	return &s
}

// recall takes the generation that a VM had when it was last seen, if nothing else was asked for and its inside does
// not show it now.
func (t *target) recall(s State) {
	if s.Guest != nil || s.LastSeen == nil || t.given || t.spec.Layout != "" {
		return
	}
	if of, found := layout.Named(s.LastSeen.Layout); found {
		t.setLayout(of)
	}
}
