package provision

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

const (
	// diskWarning is the use of the guest's root file system, in percent, from which on there is a warning.
	diskWarning = 85
	// clockWarning is how far the guest's clock may be off: build tools and TLS tolerate 2 s.
	clockWarning = 2 * time.Second
	// restartsWarning is how often systemd may have had to restart the agent by itself.
	restartsWarning = 3
	itemGuestAccess = "guest-access"
	// replaceAdvice is the advice for what only another VM repairs; see [Health.rerun] for what a run repairs.
	replaceAdvice = "save what is needed; then only another VM helps"
)

// report makes the health report from what was observed and verified. Without a verification the world is not ready.
func (r *run) report(seen view) Health {
	s, plan, verified := seen.state, seen.plan, seen.verified
	health := newHealth(r.target.spec, r.edges.Now())
	health.Instance, health.Drift = "absent", plan
	if !r.swap.underway { // else this run is dealing with it
		health.reportBackups(r.target.spec, s.Swap)
	}
	if s.Instance == nil {
		health.add("instance", "VM", Failed, "running", "absent", health.rerun())
		return health
	}
	health.reportOwner(r.target, s)
	health.Instance = strings.ToLower(s.Instance.Status)
	health.Socket.Host = lima.HostSocketPath(s.Instance)
	found := health.Instance
	for _, file := range s.PIDFiles {
		if file.Stale && s.Instance.Status != limatype.StatusRunning {
			found += "; " + file.String()
		}
	}
	if s.Frozen != "" {
		found += "; " + s.Frozen
	}
	health.addCheck("instance", "VM", "running", found)
	broker := s.ownership().MadeBy == layout.ToolBroker
	switch {
	case broker:
		health.add("configuration", "configuration of the VM", Info, "", "for its owner to judge", "")
	case s.Instance.Config != nil:
		health.reportConfiguration(r.target, s)
	default:
		health.add("configuration", "configuration of the VM", Failed, "as wanted",
			"Lima cannot read it: "+unreadable(s.Instance).Why, unreadable(s.Instance).Next)
	}
	health.reportDegraded(s.Degraded)
	if s.DiskMissing {
		health.add("disk-image", "disk image of the VM", Failed, "there", diskMissing(s.Instance), replaceAdvice)
	}
	if s.Guest == nil && s.LastSeen != nil {
		health.add("generation", "generation of the layout", Info, "", s.LastSeen.String(), "")
	}
	if s.GuestError != nil {
		next := health.rerun()
		if plan.Blocked != nil {
			next = plan.Blocked.Next
		}
		health.add(itemGuestAccess, "way into the guest", Failed, "open", s.GuestError.Error(), next)
	}
	switch {
	case s.Guest == nil:
	case broker:
		health.reportBroker(s.Guest)
	default:
		health.reportGuest(r.target, s)
	}
	health.reportVerification(r.target, verified)
	health.reportCosts()
	health.Ready = verified != nil && plan.readyAfter() && len(health.Wrong()) == 0
	return health
}

// rerun is the command that repairs what a run can repair.
func (h *Health) rerun() string { return vmCommand("worldsetup", h.VM) }

// add adds a line.
func (h *Health) add(id, title string, outcome Outcome, want, found, next string) {
	if !outcome.IsProblem() {
		next = ""
	}
	h.Items = append(h.Items, Item{Finding: Finding{ID: id, Title: title, Outcome: outcome, Want: want, Found: found,
		Next: next}})
}

// addCheck adds a line whose found should be want.
func (h *Health) addCheck(id, title, want, found string) {
	outcome := OK
	if want != found {
		outcome = Failed
	}
	h.add(id, title, outcome, want, found, h.rerun())
}

// addReasons adds a line that is ok when there is no reason to change anything.
func (h *Health) addReasons(id, title, right string, reasons []string) {
	h.addCheck(id, title, right, cmp.Or(strings.Join(reasons, "; "), right))
}

// addReasonsAnd adds a line with what no run changes, and what to do about that.
func (h *Health) addReasonsAnd(line guestItem, left []Unrepaired) {
	next := nonEmpty(map[bool]string{true: h.rerun()}[len(line.reasons) > 0])
	for _, one := range left {
		if one.Item == line.id {
			line.reasons = append(line.reasons, one.Why)
			next = append(next, one.Next)
		}
	}
	h.addReasons(line.id, line.title, line.good, line.reasons)
	if item := &h.Items[len(h.Items)-1]; item.Outcome.IsProblem() {
		item.Next = strings.Join(next, "; ")
	}
}

func (h *Health) reportConfiguration(t target, s State) {
	edits, replace := t.wanted.Differences(s.Instance)
	reasons := slices.Concat(edits, replace)
	if len(edits) == 0 {
		reasons = append(reasons, unrecorded(t, s)...)
	}
	reasons = append(reasons, rosettaReasons(s)...)
	h.addReasons("configuration", "configuration of the VM", "as wanted", reasons)
	if overruled := t.overruled(s.Instance.Config); len(edits) > 0 && overruled != nil {
		line := &h.Items[len(h.Items)-1]
		line.Why, line.Next = overruled.Why, overruled.Next
	}
	if s.Instance.Status == limatype.StatusRunning {
		var reasons []string
		if !s.HostSocket {
			reasons = append(reasons, hostSocketFault(s))
		}
		h.addReasons("host-socket", "forwarded socket", "accepts connections", append(reasons, openingReasons(s)...))
	}
}

// reportBroker adds lines about the guest of a VM that belongs to the broker: what it is, and nothing of what it should
// be.
func (h *Health) reportBroker(o *guest.Observation) {
	h.shows(o)
	h.Layout = o.Layout.Name
	h.add("marker", "layout", Info, "", cmp.Or(o.Marker, o.MarkerText, "not marked"), "")
	h.reportUnits(o)
	h.reportMeasures(o)
}

// shows adds the socket as it was found.
func (h *Health) shows(o *guest.Observation) {
	if file, found := o.Files[guest.SocketPath]; found {
		h.Socket.Type, h.Socket.Owner, h.Socket.Group, h.Socket.Mode = file.Type, file.Owner, file.Group, "0"+file.Mode
	}
	for _, one := range faults.Reachable(o, h.VM) {
		h.Socket.Reach = append(h.Socket.Reach, Reach(one))
	}
}

func (h *Health) reportGuest(t target, s State) {
	o := s.Guest
	h.shows(o)
	agent := o.Files[o.Layout.Agent()]
	h.Agent.SHA256 = agent.SHA256
	h.Agent.Probe = agent.SHA256 == guest.Checksum(embed.ProbeAgent())

	closed := faults.Closed(o)
	_, above := faults.Writable(o)
	h.addReasons("parent-directories", "directories above", "open to all users, and for root to change",
		append(prefixed("closed: ", closed), above...))
	if failure := faults.NoSources(s.Guest, s.Instance.Name); failure != nil {
		h.add("group", "group of the socket", Failed, "the user is a member", failure.Why, failure.Next)
		h.add("guest", "inside of the VM", Unknown, "seen", "not seen without groups", failure.Next)
		return
	}
	if len(closed) > 0 {
		h.add("guest", "inside of the VM", Unknown, "seen", "not seen behind closed directories", h.rerun())
		return
	}
	left := unrepaired(s)
	for _, line := range guestItems(t, s) {
		h.addReasonsAnd(line, left)
	}
	h.reportCompanions(t, o)
	h.reportProjectUnits(t.projectUnits(o))
	h.reportKept(t, o)
	h.reportNames(o)
	h.Layout = o.Layout.Name
	h.addReasons("generation", "generation of the layout", o.Layout.Name, append(newerLayout(t, o), olderLayout(o)...))
	marker := faults.Marker(o)
	h.addCheck("marker", "layout", o.Layout.Marker, cmp.Or(strings.Join(marker, "; "), o.Marker))
	found := "writable"
	if o.ReadOnlyRoot {
		found = "read-only"
	}
	h.addCheck("root-fs", "root file system", "writable", found)
	h.addReasons("ssh", "ssh into the guest", "accepts Lima's key", sshReasons(s))
	h.reportSession(o, s.SharedDead)
	h.reportNoise(s)
	h.reportStaged(t, s)
	wanted := t.wantedMounts()
	for i, problem := range s.Mounts {
		want := "shows " + wanted[i].Directory
		if wanted[i].LeftOut {
			want = "left out"
		}
		h.addReasons(mountItem(wanted[i].Point), "mount "+wanted[i].Point, want, nonEmpty(problem))
	}
	h.reportUnits(o)
	h.reportMeasures(o)
}

func (h *Health) reportSession(o *guest.Observation, dead bool) {
	const member = "in the group " + guest.GroupName
	found := member
	if !slices.Contains(o.SessionGroups, guest.GroupName) {
		found = "not " + member
	}
	if dead {
		found = "the connection is dead"
	}
	h.addCheck("session", "Lima's shared session", member, found)
	const works = "asks for no password"
	switch {
	case o.Sudo:
		found = works
	case o.SudoRefusal() == guest.SudoWantsPassword:
		found = "asks for a password"
	default:
		found = "refuses the user: " + o.SudoOutput
	}
	h.addCheck("sudo", "sudo in the guest", works, found)
}

// reportMeasures adds the measurements: disk, clock and restarts.
func (h *Health) reportMeasures(o *guest.Observation) {
	outcome := OK
	if faults.Full(o) {
		outcome = Failed
	} else if o.DiskUsed >= diskWarning {
		outcome = Warning
	}
	found := fmt.Sprintf("%d %% used, %.1f GiB free", o.DiskUsed, float64(o.DiskAvailable)/(1<<30))
	next := "remove what is not needed, or grow it: " + vmCommand("worldsetup --disk SIZE", h.VM)
	for _, path := range slices.Sorted(maps.Keys(o.Rooms)) {
		kind, short := faults.NoRoom(path, o.Rooms[path])
		if !short {
			continue
		}
		words, command := faults.Obstacle(h.VM, guest.Obstacle{Kind: kind, Path: path})
		found, next = found+"; "+words, command
		if outcome == OK {
			outcome = Warning
		}
	}
	h.add("disk", "disk of the guest", outcome, fmt.Sprintf("under %d %% used", diskWarning), found, next)
	outcome = OK
	if off := o.ClockAhead.Abs(); off > clockRepair+o.ClockError {
		outcome = Failed
	} else if off > clockWarning+o.ClockError {
		outcome = Warning
	}
	h.add("clock", "clock of the guest", outcome, fmt.Sprintf("within %v of the host's", clockWarning),
		faults.Signed(o.ClockAhead)+" from the host's",
		map[bool]string{true: h.rerun(), false: "time synchronization in the guest brings it back"}[outcome == Failed])
	outcome = OK
	service := o.Units[o.Layout.Service()]
	if service.Restarts >= restartsWarning {
		outcome = Warning
	}
	h.add("restarts", "restarts of the agent", outcome, fmt.Sprintf("under %d since it was started", restartsWarning),
		fmt.Sprint(service.Restarts), seeLog(h.VM, o.Layout))
}

func (h *Health) reportVerification(t target, verified *verify.Result) {
	if verified == nil {
		return
	}
	h.Access = verified.Access
	for i := range h.Access {
		if access := &h.Access[i]; verify.Unexpected(*access) && access.Next == "" {
			access.Next = seeLog(h.VM, t.layout)
		}
	}
	h.Agent.describe(verified.Capabilities)
	for _, point := range verified.LostMounts {
		if h.hasFailed(mountItem(point)) {
			continue // it was lost before anyone connected
		}
		h.add("mount-after", "mount "+point, Failed, "still mounted after connecting", "gone", h.rerun())
	}
}

func seeLog(vm string, of layout.Layout) string {
	return fmt.Sprintf("see its log: limactl shell --workdir / %s sudo journalctl -n 50 -u %s", vm, of.Service())
}

func mountItem(point string) string {
	if point == layout.ProjectMount {
		return "mount-project"
	}
	return "mount-home"
}

// hasFailed reports whether the report has such an item that is wrong.
func (h *Health) hasFailed(id string) bool {
	return slices.ContainsFunc(h.Items, func(item Item) bool { return item.ID == id && item.Outcome == Failed })
}

// reportBackups adds a line about the VMs beside the VM, if there are any.
func (h *Health) reportBackups(spec Spec, s vmswap.State) {
	switch {
	case s.Pending():
		h.add("replacement", "replacement", Failed, "ended",
			"a run is replacing the VM, or was killed while it did; the old one is intact, as "+spec.VM+vmswap.Backup,
			h.rerun())
	case s.Unfinished():
		h.add("replacement", "replacement", Failed, "ended",
			"a run is replacing, restoring or removing the VM, or was killed while it did", h.rerun())
	case s.Kept():
		h.add("kept", "kept VM", Info, "",
			spec.VM+vmswap.Backup+"; "+vmCommand("worldsetup restore", spec.VM)+" restores it", "")
	}
}

// guestItem is a line of the report about the guest, with the reasons why it is wrong.
type guestItem struct {
	id, title, good string
	reasons         []string
}

// guestItems returns the lines that are made from the plan's own reasons, so that report and plan never differ.
func guestItems(t target, s State) []guestItem {
	o := s.Guest
	contents, states := unitReasons(t, o)
	hidden, _, _ := o.Overrides()
	listening, given, _ := faults.Others(o)
	plan := Plan{}
	planAgent(&plan, t, s)
	agent := plan.reasonsOf(StepAgent)
	if plan.Blocked != nil {
		agent = append(agent, plan.Blocked.Why)
	}
	packages, _ := packageReasons(t, o)
	var linger []string
	if !o.Linger {
		linger = []string{fmt.Sprintf("off for the user %s", o.User)}
	}
	return []guestItem{
		{"packages", "packages", "all there", packages},
		{"group", "group of the socket", "the user is a member", faults.Group(o)},
		{"directories", "directories", "ok", faults.Directories(o)},
		{"agent", "agent", "installed", agent},
		{"units", "systemd units", "installed and enabled", append(contents, states...)},
		{"overrides", "overrides of the units", "none that contradict them", append(hidden, given...)},
		{"linger", "linger", "on", linger},
		{"socket", "socket", "listening", append(listening, faults.Socket(s.Guest, s.Unanswered)...)},
		{"service", "service", "at work, or waiting for a connection", faults.Service(s.Guest, s.Unanswered)},
	}
}

// reasonsOf are those of a step of the plan.
func (p Plan) reasonsOf(id StepID) (reasons []string) {
	for _, step := range p.Steps {
		if step.ID == id {
			reasons = append(reasons, step.Reason)
		}
	}
	return reasons
}

// reportKept adds a line about the drop-ins that extend our units and stay.
func (h *Health) reportKept(t target, o *guest.Observation) {
	_, _, kept := o.Overrides()
	found := "kept: " + strings.Join(kept, ", ")
	switch {
	case len(kept) == 0:
	case t.templates != nil: // all that `systemctl cat` shows counts
		h.add("drop-ins", "drop-ins of others", Warning, "",
			found+"; because of them, the system's own doctor reports different units",
			"remove them if they are not needed: limactl shell --workdir / "+h.VM+" sudo mv FILE FILE.displaced")
	default:
		h.add("drop-ins", "drop-ins of others", Info, "", found, "")
	}
}

// reportCosts sets the disruption of the repair of each item that is wrong.
func (h *Health) reportCosts() {
	for i := range h.Items {
		if item := &h.Items[i]; item.Outcome.IsProblem() {
			item.Cost = h.Drift.cost(item.ID)
		}
	}
}

func (p Plan) cost(item string) Disruption {
	if len(p.Replace) > 0 && len(p.Steps) > 0 { // with consent
		return DisruptionReplace
	}
	for _, k := range kinds() {
		if at := p.at(k.id); at >= 0 && slices.Contains(k.repairs, item) {
			return p.Steps[at].Disruption
		}
	}
	if len(p.Replace) > 0 && (item == "configuration" || item == "disk-image" || item == itemGuestAccess ||
		item == "marker") {
		return DisruptionReplace
	}
	if at := p.at(StepStop); at >= 0 && p.Unseen { // it comes first
		return p.Steps[at].Disruption
	}
	return ""
}

// reportUnits adds the units' states in systemd, for information: other lines judge them.
func (h *Health) reportUnits(o *guest.Observation) {
	for _, line := range []struct{ id, title, unit string }{
		{"socket-unit", "socket unit", o.Layout.Socket()}, {"service-unit", "service unit", o.Layout.Service()},
	} {
		unit, found := o.Units[line.unit]
		if !found || unit.Active == "" {
			continue
		}
		words := fmt.Sprintf("%s (%s), %s at boot", unit.Active, unit.Sub, cmp.Or(unit.FileState, "not enabled"))
		if line.unit == o.Layout.Service() {
			words += fmt.Sprintf(", restarted %d times since", unit.Restarts)
		}
		h.add(line.id, line.title, Info, "", words, "")
	}
}

// reportCompanions adds lines about the companions: those of this project, those that are installed or were left out,
// and those that the generation requires and the guest lacks.
func (h *Health) reportCompanions(t target, o *guest.Observation) {
	reasons, _ := companionReasons(t, o)
	toBuild, _ := sourceReasons(t, o)
	names := t.companionNames()
	for _, one := range t.sources {
		names = append(names, one.Name)
	}
	if len(names) > 0 {
		h.addReasons("companions", "companion binaries", "installed: "+strings.Join(names, ", "), append(reasons, toBuild...))
	}
	missing := Warning
	if h.Agent.Probe { // it runs no commands, with a gateway or without
		missing = Info
	}
	var notes []string
	for _, file := range t.leftOut {
		notes = append(notes, file.Path+" was left out: "+file.Why)
	}
	for _, one := range o.Layout.Companions {
		path := layout.Program(one.Name)
		file, there := o.Files[path]
		switch {
		case slices.Contains(names, one.Name):
		case there && runnable(file):
			notes = append(notes, path+" was not installed from this project, and stays")
		case one.Without != "":
			found := path + " is missing"
			if there {
				found = faults.Differs(o, path, "regular file", "755", "root", "root")
			}
			h.add(one.Name, one.Name, missing, "installed", found+": "+one.Without, t.getCompanion(one))
		}
	}
	if len(notes) > 0 {
		h.add("other-programs", "other programs", Info, "", strings.Join(notes, "; "), "")
	}
}

// runnable reports whether all users can run a file.
func runnable(file guest.File) bool {
	mode, err := strconv.ParseUint(file.Mode, 8, 32)
	return err == nil && mode&0o5 == 0o5 && (file.Type == "regular file" || file.Type == "symbolic link")
}

// reportHidden returns the report of a VM that Lima does not list, for failure: only its directory was seen.
func reportHidden(spec Spec, dir string, now time.Time, failure *Error) Health {
	health := unknownHealth(spec, now, failure)
	found := failure.What + "; no process of it runs"
	for _, file := range lima.PIDFiles(dir) {
		if !file.Stale {
			found = fmt.Sprintf("%s; a process of it runs (%d)", failure.What, file.PID)
		}
	}
	health.Items[0].Found = found
	return health
}

// reportHealth emits the report, and returns an error if the world is not ready.
func reportHealth(events *emitter, health Health) (Health, error) {
	events.emit(Event{Type: EventHealth, Health: &health})
	return health, health.Err()
}

func unhealthy(health Health) *Error {
	var why []string
	for _, item := range health.Items {
		if item.Outcome == Failed || item.Outcome == Unknown {
			why = append(why, item.Title+": "+item.Found)
		}
	}
	for _, access := range health.Access {
		if verify.Unexpected(access) {
			why = append(why, fmt.Sprintf("access as %s: %s, expected %q", access.ID, access.Found, access.Want))
		}
	}
	of, _ := layout.Named(cmp.Or(health.Layout, layout.All[0].Name))
	agentLog := seeLog(health.VM, of)
	next := "run worldsetup; it repairs what it can"
	if len(health.Lacks) > 0 {
		next = "provide what this machine lacks, then run worldsetup"
	}
	left := slices.DeleteFunc(slices.Clone(health.Drift.Unrepaired),
		func(one Unrepaired) bool { return one.Item == itemNames })
	if len(left) > 0 {
		var commands []string
		if !health.Drift.Empty() {
			commands = append(commands, next)
		}
		for _, one := range left {
			commands = append(commands, one.Next)
		}
		next = strings.Join(append(commands, "and run worldsetup again"), "; ")
	} else if health.Drift.Empty() {
		next = agentLog
	}
	for _, access := range health.Access {
		notAsked := access.Next != agentLog // the agent
		if verify.Unexpected(access) && notAsked && (health.Drift.Empty() || access.Next == process.KilledNext) {
			next = access.Next
		}
	}
	if blocked := health.Drift.Blocked; blocked != nil &&
		slices.ContainsFunc([]string{itemOwner, itemGuestAccess, itemStartup, "ssh"}, health.hasFailed) {
		next = blocked.Next // a run would change nothing
	}
	return &Error{Kind: KindUnhealthy, What: fmt.Sprintf("the world in the VM %s is not ready", health.VM),
		Why: strings.Join(why, "\n"), Next: next, Lacks: health.Lacks}
}

// reportNames adds a line about fixed name servers, if there are any.
func (h *Health) reportNames(o *guest.Observation) {
	if found, undo := faults.Pinned(o, h.VM); found != "" {
		h.add(itemNames, "names in the guest", Warning, "resolved by this machine", found, undo)
	}
}

// reportOwner adds whose the VM is, who else protects it, and which foreign VMs are beside it.
func (h *Health) reportOwner(t target, s State) {
	spec := t.spec
	outcome, next := OK, ""
	if s.foreign() {
		outcome, next = Failed, foreignVM(spec, s).Next
	}
	h.add(itemOwner, "owner of the VM", outcome, "a world", s.ownership().String(), next)
	if reasons := unprotected(t, s); len(reasons) > 0 {
		h.addReasons("protection", "protection of the VM", "protected", reasons)
	}
	if s.ProtectedBy == protectedByOthers {
		h.add("protection", "protection of the VM", Info, "",
			"by others: `limactl unprotect` before it can be replaced or removed", "")
	}
	if s.Swap.Foreign != "" {
		h.add("beside", "VMs of others", Info, "", s.Swap.Foreign+": not worldsetup's, and left alone", "")
	}
}

// reportProjectUnits adds a line about the units that the project brings.
func (h *Health) reportProjectUnits(units *ProjectUnits) {
	if units == nil || units.Fault != nil {
		return // the line about the units has the fault
	}
	found := "from the project: " + strings.Join(units.Files, ", ")
	if len(units.Empty) > 0 {
		found += "; left empty: " + strings.Join(units.Empty, ", ")
	}
	h.add("project-units", "units of the project", Info, "", found, "")
	for _, warning := range units.Warnings {
		h.add("project-units", "units of the project", Warning, "", warning,
			"change it in the project, or leave it: the system's own doctor wants the units as the project has them")
	}
}

// reportStaged adds a line about the copy of the project.
func (h *Health) reportStaged(t target, s State) {
	if t.layout.Mounts() {
		return
	}
	good := "a copy of " + t.spec.Project
	reasons, later := stageReasons(t, s)
	switch {
	case s.Staged != nil && s.Staged.Err != nil:
		h.add(itemStaged, "copy of the project", Failed, good, s.Staged.Err.Error(), cannotStage(t, s.Staged.Err).Next)
	case later:
		h.add(itemStaged, "copy of the project", Warning, good, strings.Join(reasons, "; "),
			vmCommand("worldsetup stage", h.VM))
	default:
		h.addReasonsAnd(guestItem{itemStaged, "copy of the project", good, reasons}, unstaged(t, s))
	}
	if s.Staged != nil && len(s.Staged.Skips) > 0 {
		h.add("skipped", "not copied", Info, "", "sockets, pipes and devices: "+some(s.Staged.Skips), "")
	}
}

// reportNoise adds a line about what the start-up files print. As long as the mounts are there it is only a warning:
// they are lost at the next start.
func (h *Health) reportNoise(s State) {
	text := noise(s)
	if text == "" {
		return
	}
	outcome := Warning
	if slices.ContainsFunc(s.Mounts, func(problem string) bool { return problem != "" }) {
		outcome = Failed
	}
	h.add(itemStartup, "start-up files of the login shell", outcome, "print nothing in SSH sessions",
		fmt.Sprintf("one prints %.60q, which makes Lima's mounts over SSH fail when the VM starts", text), quietStartup(s))
}

func unknownHealth(spec Spec, now time.Time, err error) Health {
	failure := AsError(err)
	health := newHealth(spec, now)
	health.add("instance", "VM", Unknown, "running", failure.Error(), failure.Next)
	return health
}

// Err returns the error of a world that is not ready; nil for one that is.
func (h Health) Err() error {
	if h.Ready {
		return nil
	}
	return unhealthy(h)
}

// reportDegraded adds a line about what Lima's host agent could not do at the VM's present boot. The agent's socket is
// forwarded by ssh and judged by connecting; what else depends on it is not.
func (h *Health) reportDegraded(by string) {
	if by == "" {
		return
	}
	h.add("lima-boot", "Lima's own services", Warning, "complete since the boot",
		"degraded when it booted: "+by+"; as a result, ports of programs in the VM may not be forwarded to this "+
			"machine, and its clock may not be set after sleep; the agent's socket does not depend on that",
		fmt.Sprintf("see Lima's guest agent: limactl shell --workdir / %s systemctl status lima-guestagent; "+
			"or boot again: %s", h.VM, vmCommand("worldsetup stop", h.VM)+" && "+vmCommand("worldsetup start", h.VM)))
}
