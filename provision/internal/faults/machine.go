package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// FreeSpaceNeeded is what has to be free on the guest's disk, in KiB: our own files take less than a quarter of it.
const FreeSpaceNeeded = 16 << 10

// Packages returns what is wrong with the commands that the agent needs, and which they are. builtin says that the
// agent is the built-in one.
func Packages(o *guest.Observation, builtin bool) (reasons, lacking []string) {
	lacking = slices.DeleteFunc(slices.Clone(o.Missing), func(command string) bool {
		return command == guest.Python && !builtin
	})
	if len(lacking) > 0 {
		reasons = append(reasons, "the guest lacks "+strings.Join(lacking, ", "))
	}
	if builtin && o.PythonFault != "" && !slices.Contains(lacking, guest.Python) {
		reasons = append(reasons, "the guest's python3 does not run the built-in agent: "+o.PythonFault)
		lacking = append(lacking, guest.Python)
	}
	return reasons, lacking
}

// Full reports whether the guest's disk has no room for our own files.
func Full(o *guest.Observation) bool { return o.DiskAvailable < FreeSpaceNeeded<<10 }

// Signed is a difference of clocks, in words.
func Signed(d time.Duration) string { return fmt.Sprintf("%+.1f s", d.Seconds()) }

// NoRoom returns what a file system runs short of. The room on the guest's disk is measured by other means.
func NoRoom(path string, room guest.Room) (kind guest.ObstacleKind, short bool) {
	switch {
	case room.Available < 64<<10 && path != "/":
		return guest.NoRoom, true
	case room.Files < 16:
		return guest.NoInodes, true
	}
	return "", false
}

// Obstacle describes what stands in root's way, with the command that removes it.
func Obstacle(vm string, one guest.Obstacle) (words, command string) {
	switch one.Kind {
	case guest.Immutable:
		return one.Path + " is immutable: someone has set that attribute, with chattr",
			guest.RootCommand(vm, "chattr -i", one.Path)
	case guest.AppendOnly:
		return one.Path + " is append-only: someone has set that attribute, with chattr",
			guest.RootCommand(vm, "chattr -a", one.Path)
	case guest.ReadOnly:
		return one.Path + " is mounted read-only", Remount(vm, one.Path, guest.Way{})
	case guest.BindReadOnly:
		return one.Path + " is mounted read-only", Remount(vm, one.Path, guest.Way{Bind: true})
	case guest.MountedOver:
		return "something is mounted over " + one.Path, guest.RootCommand(vm, "umount", one.Path)
	case guest.NoRoom:
		return "there is no room left on the file system at " + one.Path,
			fmt.Sprintf("remove what is not needed: %s", guest.RootCommand(vm, "du -xah", one.Path)+" | sort -h | tail")
	case guest.NoInodes:
		return "there is room for no more files on the file system at " + one.Path,
			fmt.Sprintf("remove what is not needed: %s", guest.RootCommand(vm, "du --inodes -x", one.Path)+" | sort -n | tail")
	}
	return "", ""
}

// Pinned describes the name servers that lima-warm.sh has fixed in the guest and what comes of that, and returns the
// command that undoes it; both are empty without any.
func Pinned(o *guest.Observation, vm string) (found, undo string) {
	if len(o.Pins) == 0 {
		return "", ""
	}
	files := slices.Sorted(maps.Keys(o.Pins))
	var fixed []string
	for _, file := range files {
		fixed = append(fixed, fmt.Sprintf("%s has names resolved by %s only", file, strings.Join(o.Pins[file], " and ")))
	}
	consequence := "names of your own network, of a VPN and of this machine (host.lima.internal) are not found there"
	commands := "rm -f " + strings.Join(files, " ")
	switch o.Resolver {
	case guest.ResolverMissing:
		fixed = append(fixed, "/etc/resolv.conf leads nowhere")
		consequence = "no names are found there: no package can be installed, and no agent built"
	case guest.ResolverOff:
		fixed = append(fixed, "systemd-resolved is switched off")
	}
	if o.Resolver != "" {
		commands += "; systemctl disable --now dnsmasq; systemctl enable --now systemd-resolved && " +
			"ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf"
	} else {
		commands += "; systemctl try-restart dnsmasq"
	}
	found = fmt.Sprintf("%s; %s left that (%s)", strings.Join(fixed, "; "), layout.ToolWarm, consequence)
	return found, guest.RootCommand(vm, "sh -c", commands)
}
