package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/hostsocket"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/unittext"
)

// This file holds the steps in a running guest: first those of the layout, which is what worldsetup installs there, why
// each part of it would be installed again, and how.

// agentWait is how long a new agent may take to answer for the first time.
const agentWait = 30 * time.Second

// packageOf names the Debian and Ubuntu package of each command that the agent needs.
var packageOf = map[string]string{
	"nft": "nftables", "ip": "iproute2", "conntrack": "conntrack", "dnsmasq": "dnsmasq-base", "fusermount3": "fuse3",
	"fuse-overlayfs": "fuse-overlayfs", "curl": "curl", "jq": "jq", guest.Python: "python3",
}

func planPackages(p *Plan, t target, s State) {
	reasons, lacking := packageReasons(t, s.Guest)
	if len(reasons) == 0 {
		return
	}
	step := newStep(StepPackages, reasons...)
	if step.first = len(s.Guest.Pins) > 0; step.first {
		step.Reason += "; before a restart, after which names may not be found: " + layout.ToolWarm +
			" has fixed who resolves them"
	}
	for _, command := range lacking {
		step.operands = append(step.operands, command+"="+packageOf[command])
	}
	p.insert(step)
}

// packageReasons returns what is wrong with the commands that the agent needs, and which they are.
func packageReasons(t target, o *guest.Observation) (reasons, lacking []string) {
	builtin := o.Files[o.Layout.Agent()].SHA256 == guest.Checksum(embed.ProbeAgent()) // where none is named
	if t.agent != nil {
		builtin = t.agent.Source == SourceBuiltin
	}
	return faults.Packages(o, builtin)
}

func explainPackages(r *run, at State, failure *Error, err error) {
	script, ok := errors.AsType[*guest.ScriptError](err)
	switch vm := r.target.spec.VM; {
	case ok && script.ExitCode == guest.ExitLocked:
		failure.What = "another program in the guest is installing packages, and didn't finish in time"
		failure.Why = strings.TrimSpace(script.Stderr)
		failure.Next = "run worldsetup again when it has ended"
	case ok && script.ExitCode == guest.ExitNoApt:
		failure.What = "the guest lacks programs that worldsetup can't install"
		failure.Why = strings.TrimSpace(script.Stderr)
		failure.Next = fmt.Sprintf("install them in the guest (limactl shell %s), then run worldsetup again", vm)
	default:
		failure.Next = fmt.Sprintf("check the guest's way to its package mirrors: "+
			"limactl shell --workdir / %s sudo apt-get update; then run worldsetup again", vm)
		if found, undo := faults.Pinned(at.Guest, vm); found != "" {
			failure.Why = strings.TrimSpace(failure.Why + "\n" + found)
			failure.Next = "let this machine resolve its names again: " + undo + "; then run worldsetup again"
		}
	}
}

func planDirectories(p *Plan, _ target, s State) {
	_, above := faults.Writable(s.Guest)
	p.add(StepDirectories, append(faults.Directories(s.Guest), above...)...)
}

func directoriesTask(_ target, o *guest.Observation, step Step) (*task, error) {
	closed, _ := faults.Writable(o)
	return &task{change: guest.MakeDirectories{User: o.User, Home: o.Home, Open: step.operands, Close: closed}}, nil
}

func planAgent(p *Plan, t target, s State) {
	o := s.Guest
	wrong := faults.Differs(o, o.Layout.Agent(), "regular file", "755", "root", "root")
	switch {
	case t.agent == nil && wrong != "":
		p.Blocked = t.noAgent()
		p.Blocked.Why = strings.TrimSpace(wrong + "\n" + p.Blocked.Why)
	case t.builds():
		p.build(t, s, wrong)
	case wrong != "":
		p.add(StepAgent, wrong)
	case t.agent != nil && o.Files[o.Layout.Agent()].SHA256 != t.agent.SHA256:
		p.add(StepAgent, "the installed agent differs from "+cmp.Or(t.agent.Path, "the built-in probe"))
	}
}

// agentTask installs an agent from the host; nil for one that was built in the guest.
func agentTask(t target, _ *guest.Observation, _ Step) (*task, error) {
	agent := t.agent
	if agent.Source == SourceBuild {
		return nil, nil
	}
	return &task{change: guest.InstallAgent{SHA256: agent.SHA256, Content: agent.Content}}, nil
}

func planUnits(p *Plan, t target, s State) {
	contents, states := unitReasons(t, s.Guest)
	hidden, displaced, _ := s.Guest.Overrides()
	reasons := slices.Concat(contents, hidden, states)
	if len(reasons) == 0 {
		return
	}
	step := newStep(StepUnits, reasons...)
	step.operands = append(displaced, s.Guest.Unlinked()...)
	p.insert(step)
}

func unitsTask(t target, o *guest.Observation, step Step) (*task, error) {
	texts, err := t.wantedUnits(o)
	return &task{change: guest.InstallUnits{
		Reload: known(o), Service: texts.Service, Socket: texts.Socket, Runtime: t.runtimeUnit(), Displace: step.operands,
	}}, err
}

// unitReasons returns what is wrong with the units' files, after whose repair running units must be restarted, and with
// their state in systemd.
func unitReasons(t target, o *guest.Observation) (contents, states []string) {
	if _, err := t.unitTexts(o.Home, false); err != nil {
		return []string{strings.ReplaceAll(err.Error(), "\n", "; ")}, nil
	}
	for _, unit := range []struct{ name, path string }{{o.Layout.Service(), o.Layout.ServicePath()},
		{o.Layout.Socket(), o.Layout.SocketPath()}} {
		if o.Units[unit.name].Load == "masked" && !o.Hides(unit.name) {
			contents = append(contents, unit.name+" is masked")
		} else if wrong := faults.Differs(o, unit.path, "regular file", "644", "root", "root"); wrong != "" {
			contents = append(contents, wrong)
		} else if !slices.Contains(unitSums(t, o, unit.name), o.Files[unit.path].SHA256) {
			contents = append(contents, unit.name+" has the wrong content")
		} else if state := o.Units[unit.name]; state.NeedsReload {
			contents = append(contents, fmt.Sprintf("systemd has not read %s since it changed", unit.name))
		} else if state.FileState != "enabled" {
			states = append(states, fmt.Sprintf("%s is %s", unit.name, cmp.Or(state.FileState, state.Load)))
		}
	}
	contents = append(contents, t.runtimeReasons(o)...)
	for _, link := range o.Unlinked() {
		states = append(states, link+" keeps the unit from being started at a boot")
	}
	return contents, states
}

// runtimeReasons returns what is wrong with that unit.
func (t target) runtimeReasons(o *guest.Observation) []string {
	text, path := t.runtimeUnit(), t.layout.RuntimeUnitPath()
	if text == "" {
		return nil
	}
	if wrong := faults.Differs(o, path, "regular file", "644", "root", "root"); wrong != "" {
		return []string{wrong}
	}
	if o.Files[path].SHA256 != guest.Checksum([]byte(text)) {
		return []string{path + " has the wrong content"}
	}
	if link := t.layout.RuntimeLink(); o.Files[link].Type != "symbolic link" {
		return []string{link + " is missing"}
	}
	return nil
}

// unitSums returns the checksums of the texts that a unit may have: the service has two when the Spec leaves netfilter
// unset.
func unitSums(t target, o *guest.Observation, name string) []string {
	var sums []string
	for _, netfilter := range []bool{false, true} {
		if t.spec.Netfilter == On && !netfilter || t.spec.Netfilter == Off && netfilter {
			continue
		}
		texts, err := t.unitTexts(o.Home, netfilter)
		switch {
		case err != nil:
		case name == o.Layout.Socket():
			return []string{guest.Checksum([]byte(texts.Socket))}
		default:
			sums = append(sums, guest.Checksum([]byte(texts.Service)))
		}
	}
	return sums
}

// wantedUnits returns the texts of the units. If the Spec leaves netfilter unset, that setting stays as it was.
func (t target) wantedUnits(o *guest.Observation) (unittext.Units, error) {
	with, err := t.unitTexts(o.Home, true)
	if err != nil {
		return with, err
	}
	kept := t.spec.Netfilter == Unset && o.Files[o.Layout.ServicePath()].SHA256 == guest.Checksum([]byte(with.Service))
	if t.spec.Netfilter == On || kept {
		return with, nil
	}
	return t.unitTexts(o.Home, false)
}

// known reports whether systemd knows a unit of ours, so that it needs a reload, and something may be running.
func known(o *guest.Observation) bool {
	for _, name := range []string{o.Layout.Service(), o.Layout.Socket()} {
		if unit := o.Units[name]; unit.Load != "not-found" || unit.Active != "inactive" {
			return true
		}
	}
	return false
}

func planLinger(p *Plan, _ target, s State) {
	if !s.Guest.Linger {
		p.add(StepLinger, fmt.Sprintf("linger is off for the user %s", s.Guest.User))
	}
}

func explainLinger(r *run, at State, failure *Error, _ error) {
	failure.Next = "enable it by hand: " + guest.RootCommand(r.target.spec.VM, "loginctl enable-linger", at.Guest.User)
}

// planActivate plans to restart the agent when it has to pick up a change, or does not work.
func planActivate(p *Plan, t target, s State) {
	if slices.ContainsFunc(s.Guest.Strangers, func(other guest.Stranger) bool { return other.PID != 0 }) {
		return // its socket would be removed
	}
	var changes []string
	if p.has(StepAgent) {
		changes = append(changes, "the agent changes")
	}
	contents, _ := unitReasons(t, s.Guest)
	if hidden, _, _ := s.Guest.Overrides(); len(contents)+len(hidden) > 0 {
		changes = append(changes, "the units change")
	}
	socket := faults.Socket(s.Guest, s.Unanswered)
	reasons := slices.Concat(changes, socket, faults.Service(s.Guest, s.Unanswered))
	if len(reasons) == 0 {
		return
	}
	if s.Misanswered && s.Tried[StepActivate] && !p.has(StepAgent) {
		p.Blocked = wrongAgent(s)
		return
	}
	step := newStep(StepActivate, reasons...)
	step.rollback = p.has(StepAgent) || s.Tried[StepAgent]
	step.listens = len(changes) == 1 && p.has(StepAgent) && len(socket) == 0 && known(s.Guest)
	p.insert(step)
}

// wrongAgent returns the error of an agent that was started again and still gives an answer that is no world agent's:
// a restart of the VM would start the same program.
func wrongAgent(s State) *Error {
	return &Error{
		Kind: KindProvisioning, What: "the installed agent is not one that a world can use",
		Why: fmt.Sprintf("root asked %s through its socket: %s", s.Guest.Layout.Agent(), s.Unanswered),
		Next: fmt.Sprintf("install another one: %s --agent FILE; or see its log: limactl shell --workdir / %s sudo "+
			"journalctl -n 20 -u %s", vmCommand("worldsetup", s.Instance.Name), shellescape.Quote(s.Instance.Name),
			s.Guest.Layout.Service()),
	}
}

func activateTask(_ target, o *guest.Observation, step Step) (*task, error) {
	return &task{
		change: guest.Activate{
			Old: o.Older(), Rollback: step.rollback, Units: upgrades(o) && len(o.Older()) == 0, Reload: known(o),
			Listens: step.listens && len(o.Older()) == 0 && !upgrades(o), Wait: agentWait,
		},
		deadline: guestDeadline + 2*agentWait,
	}, nil
}

func explainActivate(r *run, at State, failure *Error, err error) {
	vm := r.target.spec.VM
	script, ok := errors.AsType[*guest.ScriptError](err)
	if ok {
		failure.What = "the agent does not answer"
		failure.Why = strings.TrimSpace(script.Stderr)
		failure.Next = fmt.Sprintf("give another agent (--agent FILE), or see its log: limactl shell --workdir / %s "+
			"sudo journalctl -u %s", vm, r.target.layout.Service())
	}
	if ok && script.ExitCode == guest.ExitNoPython {
		failure.What = "the guest's python3 does not run the agent"
		failure.Next = "install it again: " + guest.RootCommand(vm, "apt-get install --reinstall", "~i~npython3.*-minimal",
			"~i~npython3.*-stdlib") +
			"; then run worldsetup again"
		return
	}
	if wishes := at.Guest.Wishes(); len(wishes) > 0 && !(ok && script.ExitCode == guest.ExitRolledBack) {
		failure.What = "the agent does not start or answer, because of what others have set for its units"
		failure.Why = strings.Join(append(faults.WishTexts(wishes), failure.Why), "\n")
		failure.Next = fmt.Sprintf("change or remove it: limactl shell --workdir / %s, and there: %s; "+
			"then run worldsetup again", vm, strings.Join(slices.Compact(faults.TakeAway(wishes)), " && "))
	}
}

func planMarker(p *Plan, _ target, s State) { p.add(StepMarker, faults.Marker(s.Guest)...) }

// writeMarker writes the marker and reads it back.
func writeMarker(r *run, ctx context.Context, state State, _ Step, _ func(string)) error {
	return r.session(state).change(ctx, guest.WriteMarker{
		Version: r.target.layout.Marker, Mounts: r.target.mountPoints(),
	})
}

func planRetire(p *Plan, _ target, s State) { p.add(StepRetire, olderLayout(s.Guest)...) }

func retireTask(_ target, o *guest.Observation, _ Step) (*task, error) {
	return &task{change: guest.Retire{Old: o.Older()}}, nil
}

// blockForeign returns the error of a guest in which there is nothing left to do but what its owner has to.
func blockForeign(s State) *Error {
	if s.Guest == nil {
		return nil
	}
	listening, given, commands := faults.Others(s.Guest)
	if len(commands) == 0 {
		return nil
	}
	next := fmt.Sprintf("limactl shell --workdir / %s, and there: %s", s.Instance.Name,
		strings.Join(slices.Compact(commands), " && "))
	if len(given) > 0 {
		next += "; if it comes back, it is set in /etc/systemd/system.conf or system.conf.d, as DefaultEnvironment="
	}
	return &Error{
		Kind: KindUnhealthy, What: "others have set up something in the guest that worldsetup doesn't remove",
		Why:  strings.Join(append(listening, given...), "\n"),
		Next: next + "; then run worldsetup again",
	}
}

// unrepaired returns what is wrong and not for a run to change.
func unrepaired(s State) (all []Unrepaired) {
	o, vm := s.Guest, s.Instance.Name
	for _, one := range faults.Reachable(o, vm) {
		if one.Next != "" {
			all = append(all, Unrepaired{"group", one.Who + " can reach the socket: " + one.How, one.Next})
		}
	}
	if why := faults.GroupTwice(o); why != "" {
		all = append(all, Unrepaired{"group", why, "delete the wrong line of it: " + guest.RootCommand(vm, "vigr")})
	}
	for i, problem := range s.Mounts {
		if problem == mounts.Refused {
			all = append(all, Unrepaired{[]string{"mount-home", "mount-project"}[i], problem, "allow it: " + mounts.GrantFiles +
				"; then, in that terminal: " + vmCommand("worldsetup stop", vm) + " && " + vmCommand("worldsetup start", vm)})
		}
	}
	if why, next := faults.Pinned(o, vm); why != "" {
		all = append(all, Unrepaired{itemNames, why, next})
	}
	for _, path := range []string{guest.StatePath, o.Layout.Agent()} {
		target, way := o.WayTo(path)
		if path == guest.StatePath && way.ReadOnly {
			all = append(all, Unrepaired{"directories", target + " is mounted read-only", faults.Remount(vm, target, way)})
		}
		if path == o.Layout.Agent() && way.NoExec {
			all = append(all, Unrepaired{
				"agent", fmt.Sprintf("%s is mounted with noexec: nothing below it can be run", target),
				guest.RootCommand(vm, "mount -o remount,bind,exec", target),
			})
		}
	}
	return all
}

// open plans only to open them, since files that seem to be missing may be inside.
func (p *Plan) open(closed []string) {
	step := newStep(StepDirectories, fmt.Sprintf("not all users can enter %s", strings.Join(closed, ", ")))
	step.operands = closed
	p.insert(step)
	p.Unseen = true
}

// hostSocketFault describes what is wrong with the forwarded socket, which is something.
func hostSocketFault(s State) string { return cmp.Or(s.HostSocketOwner, "accepts no connection") }

// openingReasons describes the openings.
func openingReasons(s State) (reasons []string) {
	for _, o := range s.Openings {
		reasons = append(reasons, o.String())
	}
	return reasons
}

// closeOpenings takes the permissions of others away.
func closeOpenings(_ *run, _ context.Context, at State, _ Step, _ func(string)) error {
	return hostsocket.Close(at.Openings)
}

// What follows repairs what affects the whole guest and comes before the layout: its clock, its root file system and
// its disk.

// clockRepair is how far the guest's clock may be off before it is set: time synchronization restores what is nearer.
const clockRepair = 10 * time.Second

func planClock(p *Plan, _ target, s State) {
	if off := s.Guest.ClockAhead.Abs(); off > clockRepair+s.Guest.ClockError {
		p.add(StepClock, fmt.Sprintf("the guest's clock is %s from the host's", faults.Signed(s.Guest.ClockAhead)))
	}
}

// clockTask sets the clock by the difference that was measured some seconds ago, which is still the same.
func clockTask(_ target, o *guest.Observation, _ Step) (*task, error) {
	return &task{change: guest.SetClock{By: -o.ClockAhead}}, nil
}

func planWritable(p *Plan, _ target, s State) {
	if s.Guest.ReadOnlyRoot && !s.Tried[StepWritable] {
		p.add(StepWritable, "the root file system of the guest is read-only")
	}
}

func makeWritable(r *run, ctx context.Context, at State, _ Step, line func(string)) error {
	err := r.session(at).change(ctx, guest.MakeWritable{})
	if refused, ok := errors.AsType[*guest.ScriptError](err); ok && refused.ExitCode == guest.ExitNeedsBoot {
		line("not before a boot: files that were deleted are open")
		return nil // the next observation finds it read-only, and the VM is restarted
	}
	return err
}

func planFreeSpace(p *Plan, _ target, s State) {
	if faults.Full(s.Guest) {
		p.add(StepFreeSpace, fmt.Sprintf("the disk of the guest is full: %d KiB are free", s.Guest.DiskAvailable>>10))
	}
}

func freeSpaceTask(target, *guest.Observation, Step) (*task, error) {
	return &task{change: guest.FreeSpace{KiB: faults.FreeSpaceNeeded}}, nil
}

func explainFreeSpace(r *run, _ State, failure *Error, err error) {
	script, ok := errors.AsType[*guest.ScriptError](err)
	if !ok {
		return
	}
	failure.Kind, failure.What = KindUnhealthy, "the guest's disk is full, and nothing on it can be deleted safely"
	failure.Why = strings.TrimSpace(script.Stderr)
	vm := r.target.spec.VM
	failure.Next = fmt.Sprintf("remove what is not needed (%s), or grow it: %s",
		guest.RootCommand(vm, "du -xh / | sort -h | tail"), vmCommand("worldsetup --disk SIZE", vm))
}

// itemNames is the line of the report about name servers that lima-warm.sh has fixed. They are no fault of the world,
// and a user may want them: a run leaves them alone, and says what comes of them.
const itemNames = "names"
