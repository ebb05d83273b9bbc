package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// packageOf names the Debian and Ubuntu package of each command that the agent needs.
var packageOf = map[string]string{
	"nft": "nftables", "ip": "iproute2", "conntrack": "conntrack", "dnsmasq": "dnsmasq-base", "fusermount3": "fuse3",
	"fuse-overlayfs": "fuse-overlayfs", "curl": "curl", "jq": "jq",
}

// forGuest plans what is to be changed inside a running guest.
func (p *Plan) forGuest(t target, s State) {
	o := s.Guest
	if o.Marker != "" && o.Marker != guest.LayoutVersion {
		p.Replace = append(p.Replace, fmt.Sprintf("its layout is marked %q, and this worldsetup makes %q", o.Marker, guest.LayoutVersion))
	}
	p.machine(s)
	if closed := closedDirectories(o); len(closed) > 0 {
		p.open(closed)
		p.sudo(s)
		return
	}
	if len(o.Missing) > 0 {
		packages := step(StepPackages, "the guest lacks "+strings.Join(o.Missing, ", "))
		for _, command := range o.Missing {
			packages.operands = append(packages.operands, packageOf[command])
		}
		p.Steps = append(p.Steps, packages)
	}
	p.add(StepGroup, groupReasons(o)...)
	p.add(StepDirectories, directoryReasons(o)...)
	if !t.builds() {
		p.agent(t, s)
	}
	p.passengers(t, o)
	contents, states := unitReasons(t, o)
	hidden, aside, _ := overrides(o)
	contents = append(contents, hidden...)
	if p.add(StepUnits, append(contents, states...)...); len(aside) > 0 {
		p.Steps[len(p.Steps)-1].operands = aside
	}
	if !o.Linger {
		p.add(StepLinger, fmt.Sprintf("linger is off for the user %s", o.User))
	}
	if t.builds() { // late: what can be done while the VM boots comes before the end of that
		p.agent(t, s)
	}
	if p.add(StepActivate, slices.Concat(p.changeReasons(len(contents) > 0), socketReasons(s), serviceReasons(s))...) {
		p.Steps[len(p.Steps)-1].rollback = p.has(StepAgent) || s.Tried[StepAgent]
	}
	if o.Marker == "" {
		p.add(StepMarker, "the layout is not marked as complete")
	}
	p.sudo(s)
}

// sudo says that nothing can be changed without it.
func (p *Plan) sudo(s State) {
	if o := s.Guest; !o.Sudo && !o.WantsPassword() {
		p.Blocked = sudoRefuses(s)
	} else if !o.Sudo {
		p.Blocked = &Error{
			Kind: KindUnhealthy,
			What: fmt.Sprintf("sudo asks the user %s for a password in the guest", o.User),
			Why:  "`sudo -n true` failed there",
			Next: fmt.Sprintf("with the password, take away the rule that asks for it: limactl shell --workdir / %s sudo visudo, and what is in /etc/sudoers.d; %s", s.Instance.Name, lastResort(s.Instance.Name)),
		}
	}
}

// sudoRefuses is the error of a guest in which sudo refuses the user for a reason that no boot changes.
func sudoRefuses(s State) *Error {
	o, vm := s.Guest, s.Instance.Name
	next := "become root in the guest in another way, and repair it"
	switch {
	case strings.Contains(o.SudoSays, "tty"):
		next = fmt.Sprintf("at a terminal, find the rule and take it away with visudo: limactl shell --workdir / %s "+
			"sudo grep -rn requiretty /etc/sudoers /etc/sudoers.d", vm)
	case strings.Contains(strings.ToLower(o.SudoSays), "account"):
		next = fmt.Sprintf("the account has probably expired: have the next boot renew it, before the user logs in: limactl stop %s && "+
			`limactl edit --set '.provision += [{"mode": "boot", "script": "chage -E -1 -d -1 %s"}]' %s && limactl start %s`, vm, o.User, vm, vm)
	}
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("sudo refuses the user %s in the guest", o.User),
		Why:  o.SudoSays + "\na restart would not change that, and the open connection may be the last way in",
		Next: next + "; then run worldsetup again",
	}
}

// add plans the step if there is a reason for it, and says whether there is.
func (p *Plan) add(id StepID, reasons ...string) bool {
	if len(reasons) == 0 {
		return false
	}
	p.Steps = append(p.Steps, step(id, reasons...))
	return true
}

func (p *Plan) has(id StepID) bool { return p.at(id) >= 0 }

// at is the place of a step; -1 without it.
func (p *Plan) at(id StepID) int {
	return slices.IndexFunc(p.Steps, func(s Step) bool { return s.ID == id })
}

func groupReasons(o *guest.Observation) (reasons []string) {
	if o.Group == nil {
		reasons = append(reasons, "the group substrate does not exist")
	}
	if !slices.Contains(o.AccountGroups, guest.GroupName) {
		reasons = append(reasons, fmt.Sprintf("the user %s is not in the group substrate", o.User))
	}
	return reasons
}

func directoryReasons(o *guest.Observation) (reasons []string) {
	if wrong := differs(o, guest.StatePath, "directory", "750", "root", guest.GroupName); wrong != "" {
		reasons = append(reasons, wrong)
	}
	home := o.Home + guest.HomeStateSuffix
	if wrong := differs(o, home, "directory", "755", o.User, ""); wrong != "" {
		reasons = append(reasons, wrong)
	}
	return reasons
}

func (p *Plan) agent(t target, s State) {
	o := s.Guest
	wrong := differs(o, guest.AgentPath, "regular file", "755", "root", "root")
	switch {
	case t.agent == nil && wrong != "":
		p.Blocked = noAgent(t.spec.Project, t.rejected)
		p.Blocked.Why = strings.TrimSpace(wrong + "\n" + p.Blocked.Why)
	case t.builds():
		p.build(t, s, wrong)
	case wrong != "":
		p.add(StepAgent, wrong)
	case t.agent != nil && o.Files[guest.AgentPath].SHA256 != t.agent.SHA256:
		p.add(StepAgent, "the installed agent is another one than "+firstOf(t.agent.Path, "the built-in probe"))
	}
}

// unitReasons are what is wrong with the units' files, which whoever runs by them has to learn of, and with systemd's idea of them.
func unitReasons(t target, o *guest.Observation) (contents, states []string) {
	for _, unit := range []struct{ name, path string }{{guest.ServiceName, guest.ServicePath}, {guest.SocketUnitName, guest.SocketUnitPath}} {
		if o.Units[unit.name].Load == "masked" && !slices.ContainsFunc(o.Hidden, func(path string) bool { return strings.HasSuffix(path, unit.name) }) {
			contents = append(contents, unit.name+" is masked")
		} else if wrong := differs(o, unit.path, "regular file", "644", "root", "root"); wrong != "" {
			contents = append(contents, wrong)
		} else if !slices.Contains(unitSums(t, o, unit.name), o.Files[unit.path].SHA256) {
			contents = append(contents, unit.name+" does not hold what it should")
		} else if state := o.Units[unit.name]; state.NeedsReload {
			contents = append(contents, fmt.Sprintf("systemd has not read %s since it changed", unit.name))
		} else if state.FileState != "enabled" {
			states = append(states, fmt.Sprintf("%s is %s", unit.name, firstOf(state.FileState, state.Load)))
		}
	}
	return contents, states
}

// unitSums are the checksums of the texts that a unit may hold: the service has two when nobody said how netfilter is to be.
func unitSums(t target, o *guest.Observation, name string) []string {
	if name == guest.SocketUnitName {
		return []string{sum([]byte(embed.SocketUnit()))}
	}
	var sums []string
	for _, netfilter := range []bool{false, true} {
		if t.spec.Netfilter == On && !netfilter || t.spec.Netfilter == Off && netfilter {
			continue
		}
		if text, err := embed.ServiceUnit(o.Home, netfilter); err == nil {
			sums = append(sums, sum([]byte(text)))
		}
	}
	return sums
}

// changeReasons are what is planned so far that something running has to learn of.
func (p *Plan) changeReasons(unitsChange bool) (reasons []string) {
	if p.has(StepAgent) {
		reasons = append(reasons, "the agent changes")
	}
	if unitsChange {
		reasons = append(reasons, "the units change")
	}
	return reasons
}

// socketReasons look at the socket: systemd's idea of it, the file, and whether it is that file that somebody listens at.
func socketReasons(s State) (reasons []string) {
	o := s.Guest
	file := o.Files[guest.SocketPath]
	if unit := o.Units[guest.SocketUnitName]; unit.Active != "active" {
		reasons = append(reasons, fmt.Sprintf("%s is %s", guest.SocketUnitName, unit.Active))
	} else if wrong := differs(o, guest.SocketPath, "socket", "660", "root", guest.GroupName); wrong != "" {
		reasons = append(reasons, wrong)
	} else if o.Listening != nil && !o.Listening[file.Inode] {
		reasons = append(reasons, fmt.Sprintf("nobody listens at the file %s: systemd's socket is another one, or lost", guest.SocketPath))
	}
	if s.Unanswered != "" {
		reasons = append(reasons, "root asked the agent: "+s.Unanswered)
	}
	return reasons
}

// serviceReasons look at what the service does.
func serviceReasons(s State) (reasons []string) {
	o := s.Guest
	switch service := o.Units[guest.ServiceName]; {
	case service.Active == "failed" || service.Sub == "auto-restart":
		reasons = append(reasons, fmt.Sprintf("%s has failed (%s)", guest.ServiceName, service.Result))
	case service.Active == "active":
		if o.Runs == guest.RunsOther {
			reasons = append(reasons, "the agent that runs is not the one that is installed")
		}
		// systemd makes this directory when the service starts, and removes it when it stops.
		if wrong := differs(o, guest.RuntimePath, "directory", "750", "root", guest.GroupName); wrong != "" {
			reasons = append(reasons, wrong)
		}
	}
	return reasons
}

// differs says how the file at path differs from what it should be, and nothing when it does not. An empty group is not compared.
func differs(o *guest.Observation, path, kind, mode, owner, group string) string {
	file, found := o.Files[path]
	if !found {
		return path + " is missing"
	}
	if file.Type == "regular empty file" { // stat's word for it
		file.Type = "regular file"
	}
	if group == "" {
		group = file.Group
	}
	if file.Type != kind {
		return fmt.Sprintf("%s is a %s where a %s was due", path, file.Type, kind)
	}
	if file.Owner != owner || file.Group != group || file.Mode != mode {
		return fmt.Sprintf("%s is %s:%s %s where %s:%s %s was due", path, file.Owner, file.Group, file.Mode, owner, group, mode)
	}
	return ""
}

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}
