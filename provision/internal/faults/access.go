// Package faults judges what was observed in a guest: what is wrong in it, for plan and report alike.
package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// This file judges who can reach the agent's socket, and who could put other things in the place of what root runs.
//
// The rules are: only root and the user of the VM may. What a run made, or can make again, it repairs. Whom a person
// let in stays, since that was a decision: the report names them with the command that takes it back.

// Reach is someone who can reach the agent's socket in the guest. Root is left out.
type Reach struct {
	Who      string // a user's name, or words for several
	How      string // what lets them in
	Expected bool   // the user of the VM
	Next     string // the command that takes it back; empty when a run does that
}

// Reachable lists everyone who can reach the socket.
func Reachable(o *guest.Observation, vm string) (all []Reach) {
	add := func(name, how, undo string) {
		account, found := o.Account(name)
		user, known := o.Account(o.User)
		entry := Reach{Who: name, How: how, Expected: name == o.User || found && known && account.UID == user.UID}
		if !entry.Expected {
			entry.Next = undo
		}
		same := func(other Reach) bool { return other.Who == name && other.How == how }
		if name != "root" && !(found && account.UID == 0) && !slices.ContainsFunc(all, same) {
			all = append(all, entry)
		}
	}
	byGroup(o, vm, add)
	file, there := o.Files[guest.SocketPath]
	mode, _ := strconv.ParseUint(file.Mode, 8, 32)
	switch {
	case !there:
		return all
	case file.Owner != "root":
		add(file.Owner, "owns the socket", "")
	}
	if file.Group != guest.GroupName && mode&0o020 != 0 {
		add("the group "+file.Group, "the socket's group", "")
	}
	if mode&0o002 != 0 {
		add("every user", "mode 0"+file.Mode, "")
	}
	for _, entry := range o.ACLs[guest.SocketPath] {
		if fields := strings.Split(entry, ":"); len(fields) == 3 && strings.Contains(fields[2], "w") {
			add(strings.TrimPrefix(fields[0]+" ", "user ")+fields[1], "access list of the socket", "")
		}
	}
	return all
}

// byGroup adds everyone who is in the socket's group, or could join it at any time.
func byGroup(o *guest.Observation, vm string, add func(name, how, undo string)) {
	if o.Group == nil {
		return
	}
	numbered := slices.DeleteFunc(slices.Clone(o.Groups), func(g guest.GroupEntry) bool { return g.GID != o.Group.GID })
	listed := func(name string) bool {
		return slices.ContainsFunc(numbered, func(g guest.GroupEntry) bool {
			return g.Name == guest.GroupName && slices.Contains(g.Members, name)
		})
	}
	for _, name := range o.Group.Members {
		undo := guest.RootCommand(vm, "gpasswd -d", name, guest.GroupName)
		if len(o.Groups) > 0 && !listed(name) {
			undo = "take it back where /etc/nsswitch.conf says that groups come from"
		}
		add(name, "in the group "+guest.GroupName, undo)
	}
	for _, group := range numbered {
		title := "the group " + group.Name
		if group.Name != guest.GroupName {
			title += fmt.Sprintf(", which has the number %d of the group %s", group.GID, guest.GroupName)
		}
		for _, name := range group.Members {
			add(name, "in "+title, guest.RootCommand(vm, "gpasswd -d", name, group.Name))
		}
		for _, name := range group.Shadow {
			add(name, "can join "+title+": a member in /etc/gshadow",
				guest.RootCommand(vm, "gpasswd -M", strings.Join(group.Members, ","), group.Name))
		}
		for _, name := range group.Admins {
			add(name, "can join "+title+": its administrator", guest.RootCommand(vm, "gpasswd -A", "", group.Name))
		}
		if group.Password {
			add("all who know the password of "+title, "can join it", guest.RootCommand(vm, "gpasswd -r", group.Name))
		}
	}
	for _, account := range o.Accounts {
		if account.GID == o.Group.GID {
			add(account.Name, fmt.Sprintf("the group %s is the user's primary one", guest.GroupName),
				guest.RootCommand(vm, "usermod -g users", account.Name))
		}
	}
}

// GroupTwice returns how the group is listed twice, so that the user is in it under another number than the one that
// systemd finds first, and gives to the socket; empty when that is not so.
func GroupTwice(o *guest.Observation) string {
	if o.Group == nil {
		return ""
	}
	for _, group := range o.Groups {
		if group.Name == guest.GroupName && group.GID != o.Group.GID && slices.Contains(group.Members, o.User) &&
			!slices.Contains(o.Group.Members, o.User) {
			return fmt.Sprintf("/etc/group lists the group %s twice: with the number %d, which the socket gets, and "+
				"with %d, where the user %s is in it", guest.GroupName, o.Group.GID, group.GID, o.User)
		}
	}
	return ""
}

// NoSources returns the error of a guest whose C library does not look for groups in /etc/group, so that nothing can be
// made for one; nil for every other guest.
func NoSources(o *guest.Observation, vm string) *finding.Error {
	for _, database := range []string{"group", "initgroups"} {
		sources, set := o.Sources[database]
		if !set || slices.Contains(sources, "files") || slices.Contains(sources, "compat") {
			continue
		}
		return &finding.Error{
			Kind: finding.KindUnhealthy, What: "the guest does not look for groups in /etc/group",
			Why: fmt.Sprintf("/etc/nsswitch.conf has the line `%s: %s`, without `files`", database,
				strings.Join(sources, " ")),
			Next: "add it: " + asRoot(o, vm, "sed -i",
				fmt.Sprintf("s/^%s:/%[1]s: files/", database), "/etc/nsswitch.conf") + "; then run worldsetup again",
		}
	}
	return nil
}

// asRoot is a command for root in the guest, or where sudo refuses the user, those that have the next boot run it.
func asRoot(o *guest.Observation, vm, command string, args ...string) string {
	if o.Sudo {
		return guest.RootCommand(vm, command, args...)
	}
	return guest.BootCommand(vm, strings.TrimSpace(command+" "+shellescape.QuoteCommand(args)))
}
