package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// This file judges who can reach the agent's socket, and who could put other things in the place of what root runs.
//
// The rules are: only root and the user of the VM may. What a run made, or can make again, it repairs. Whom a person
// let in stays, since that was a decision: the report names them with the command that takes it back.

// Reach is someone who can reach the agent's socket in the guest. Root is left out.
type Reach struct {
	Who      string `json:"who"`      // a user's name, or words for several
	How      string `json:"how"`      // what lets them in
	Expected bool   `json:"expected"` // the user of the VM
	// Next is the command that takes it back; empty when a run does that.
	Next string `json:"next,omitempty"`
}

// Unrepaired is something wrong that no run changes, with what to do about it.
type Unrepaired struct {
	Item string `json:"item"` // the id of its line of the report
	Why  string `json:"why"`
	Next string `json:"next"`
}

// inGuest is a command that root runs in the guest.
func inGuest(vm, command string, args ...string) string {
	return fmt.Sprintf("limactl shell --workdir / %s sudo %s", shellescape.Quote(vm),
		strings.TrimSpace(command+" "+shellescape.QuoteCommand(args)))
}

// asRoot is a command for root in the guest, or where sudo refuses the user, those that have the next boot run it.
func asRoot(s State, command string, args ...string) string {
	if s.Guest.Sudo {
		return inGuest(s.Instance.Name, command, args...)
	}
	return atBoot(s.Instance.Name, strings.TrimSpace(command+" "+shellescape.QuoteCommand(args)))
}

// atBoot returns the commands that have the next boot run a script as root, before the user logs in.
func atBoot(vm, script string) string {
	edit := fmt.Sprintf(`.provision += [{"mode": "boot", "script": %q}]`, script)
	return fmt.Sprintf("limactl stop %s && limactl edit --set %s %[1]s && limactl start %[1]s", vm,
		shellescape.Quote(edit))
}

// reach lists everyone who can reach the socket.
func reach(o *guest.Observation, vm string) (all []Reach) {
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
		undo := inGuest(vm, "gpasswd -d", name, guest.GroupName)
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
			add(name, "in "+title, inGuest(vm, "gpasswd -d", name, group.Name))
		}
		for _, name := range group.Shadow {
			add(name, "can join "+title+": a member in /etc/gshadow",
				inGuest(vm, "gpasswd -M", strings.Join(group.Members, ","), group.Name))
		}
		for _, name := range group.Admins {
			add(name, "can join "+title+": its administrator", inGuest(vm, "gpasswd -A", "", group.Name))
		}
		if group.Password {
			add("all who know the password of "+title, "can join it", inGuest(vm, "gpasswd -r", group.Name))
		}
	}
	for _, account := range o.Accounts {
		if account.GID == o.Group.GID {
			add(account.Name, fmt.Sprintf("the group %s is the user's primary one", guest.GroupName),
				inGuest(vm, "usermod -g users", account.Name))
		}
	}
}

// unrepaired returns what is wrong and not for a run to change.
func unrepaired(s State) (all []Unrepaired) {
	o, vm := s.Guest, s.Instance.Name
	for _, one := range reach(o, vm) {
		if one.Next != "" {
			all = append(all, Unrepaired{"group", one.Who + " can reach the socket: " + one.How, one.Next})
		}
	}
	if why := groupTwice(o); why != "" {
		all = append(all, Unrepaired{"group", why, "delete the wrong line of it: " + inGuest(vm, "vigr")})
	}
	for i, problem := range s.Mounts {
		if problem == mountRefused {
			all = append(all, Unrepaired{[]string{"mount-home", "mount-project"}[i], problem, "allow it: " + grantFiles +
				"; then, in that terminal: worldsetup stop && worldsetup start"})
		}
	}
	if why, next := pinned(o, vm); why != "" {
		all = append(all, Unrepaired{itemNames, why, next})
	}
	for _, path := range []string{guest.StatePath, o.Layout.Agent()} {
		target, way := o.WayTo(path)
		if path == guest.StatePath && way.ReadOnly {
			all = append(all, Unrepaired{"directories", target + " is mounted read-only", remount(vm, target, way)})
		}
		if path == o.Layout.Agent() && way.NoExec {
			all = append(all, Unrepaired{
				"agent", fmt.Sprintf("%s is mounted with noexec: nothing below it can be run", target),
				inGuest(vm, "mount -o remount,bind,exec", target),
			})
		}
	}
	return all
}

// remount returns the command that lets a mount be written to.
func remount(vm, target string, way guest.Way) string {
	if way.Bind {
		return inGuest(vm, "mount -o remount,bind,rw", target)
	}
	return inGuest(vm, "mount -o remount,rw", target)
}

// groupTwice returns how the group is listed twice, so that the user is in it under another number than the one that
// systemd finds first, and gives to the socket; empty when that is not so.
func groupTwice(o *guest.Observation) string {
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

// noSources returns the error of a guest whose C library does not look for groups in /etc/group, so that nothing can be
// made for one; nil for every other guest.
func noSources(s State) *Error {
	for _, database := range []string{"group", "initgroups"} {
		sources, set := s.Guest.Sources[database]
		if !set || slices.Contains(sources, "files") || slices.Contains(sources, "compat") {
			continue
		}
		return &Error{
			Kind: KindUnhealthy, What: "the guest does not look for groups in /etc/group",
			Why: fmt.Sprintf("/etc/nsswitch.conf has the line `%s: %s`, without `files`", database,
				strings.Join(sources, " ")),
			Next: "add it: " + asRoot(s, "sed -i",
				fmt.Sprintf("s/^%s:/%[1]s: files/", database), "/etc/nsswitch.conf") + "; then run worldsetup again",
		}
	}
	return nil
}

// parents are the directories above our files, from the top down.
var parents = []string{
	"/", "/run", "/usr", "/usr/local", "/usr/local/bin",
	"/etc", "/etc/systemd", "/etc/systemd/system", "/var", "/var/lib",
}

// writable returns the directories above our files in which others than root could replace ours, or whose default
// access list is given to what is made in them, and why.
func writable(o *guest.Observation) (paths, reasons []string) {
	for _, path := range parents {
		file, found := o.Files[path]
		mode, err := strconv.ParseUint(file.Mode, 8, 32)
		if !found || err != nil || file.Type != "directory" {
			continue
		}
		why := accessList(o, path, "default:")
		if file.Owner != "root" || mode&0o022 != 0 {
			why = fmt.Sprintf("%s is for others to change: it has owner %s:%s, mode 0%s", path, file.Owner, file.Group,
				file.Mode)
		}
		if why != "" {
			paths, reasons = append(paths, path), append(reasons, why)
		}
	}
	return paths, reasons
}

// accessList describes the access list of a file, as far as its entries begin with prefix; empty without one.
func accessList(o *guest.Observation, path, prefix string) string {
	entries, found := o.ACLs[path]
	entries = slices.DeleteFunc(slices.Clone(entries), func(e string) bool { return !strings.HasPrefix(e, prefix) })
	if !found || prefix != "" && len(entries) == 0 {
		return ""
	}
	return strings.TrimSuffix(fmt.Sprintf("%s has an access list: %s", path, strings.Join(entries, ", ")), ": ")
}

// opening is a file or directory of this machine by which other users of it reach the agent.
type opening struct {
	path string
	mode fs.FileMode // its permissions
	why  string
	keep fs.FileMode // the permissions that it may have
}

func (o opening) String() string {
	return fmt.Sprintf("%s: %s has mode %04o", o.why, o.path, o.mode)
}

// openingsOf returns the openings to the forwarded socket of an instance: the socket itself, to which only those
// connect who may write to it, and the directories above it as far as Lima's home, where others could put another
// socket in its place. ssh makes the socket with mode 0600, and Lima those directories for the user alone.
func openingsOf(instance *limatype.Instance) (openings []opening) {
	socket := lima.HostSocketPath(instance)
	paths := []opening{{path: socket, why: "others can connect", keep: 0o600}}
	for _, dir := range []string{filepath.Dir(socket), instance.Dir, filepath.Dir(instance.Dir)} {
		paths = append(paths, opening{path: dir, why: "others can put another socket in its place", keep: 0o755})
	}
	for _, o := range paths {
		info, err := os.Lstat(o.path)
		if err != nil || info.Mode()&fs.ModeSymlink != 0 || info.Mode().IsDir() && info.Mode()&fs.ModeSticky != 0 {
			continue
		}
		if o.mode = info.Mode().Perm(); o.mode&0o022 != 0 {
			openings = append(openings, o)
		}
	}
	return openings
}

// otherOwner tells that the socket at path belongs to another user than the one with the number uid, whatever it is
// that forwards it: ssh and Lima make it as that user. What answers there is not the agent then.
func otherOwner(path string, uid int) string {
	info, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != uid {
		return fmt.Sprintf("belongs to another user (%d)", stat.Uid)
	}
	return ""
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
	var errs []error
	for _, o := range at.Openings {
		errs = append(errs, os.Chmod(o.path, o.mode&o.keep))
	}
	return errors.Join(errs...)
}

// openKey returns the error of Lima's private key when others may read it: ssh then takes no notice of it, and every
// new connection is refused, whatever the guest has. It is nil otherwise.
func openKey(limaHome string) *Error {
	key := filepath.Join(limaHome, filenames.ConfigDir, filenames.UserPrivateKey)
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return &Error{
		Kind: KindUnhealthy, What: "other users may read the key with which Lima enters its VMs, so that ssh doesn't use it",
		Why:  fmt.Sprintf("%s has mode %04o", key, info.Mode().Perm()),
		Next: "chmod 600 " + shellescape.Quote(key) + "",
	}
}
