package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// obstaclesDeadline bounds the search in the guest for what keeps root from changing a file.
const obstaclesDeadline = 15 * time.Second

// changedPaths returns the files that a step changes in the guest, with the directories that they are in.
func changedPaths(id StepID, o *guest.Observation) []string {
	switch id {
	case StepGroup:
		return []string{"/etc", "/etc/group", "/etc/gshadow"}
	case StepDirectories:
		above, _ := writable(o)
		return append(above, "/var/lib", guest.StatePath, o.Home, o.Home+guest.HomeStateSuffix)
	case StepStage:
		return []string{guest.StatePath, o.Layout.Staging, o.Layout.Current()}
	case StepUnits:
		return []string{"/etc/systemd/system", o.Layout.ServicePath(), o.Layout.SocketPath()}
	case StepLinger:
		return []string{"/var/lib/systemd/linger"}
	case StepAgent, StepCompanions, StepCompanionBuild:
		files := []string{strings.TrimSuffix(guest.ProgramsPath, "/"), o.Layout.Agent()}
		return append(files, o.Layout.CompanionFiles()...)
	case StepActivate:
		return []string{"/run", guest.SocketPath, guest.RuntimePath}
	case StepMarker:
		return []string{"/etc", guest.MarkerPath}
	case StepSSHAccess:
		return []string{o.Home, o.Home + "/.ssh", o.Home + "/.ssh/authorized_keys"}
	}
	return nil
}

// explainObstacles adds to the failure of a step what keeps even root from changing its files, if that is so. Someone
// has decided on it, so it stays.
func explainObstacles(r *run, ctx context.Context, s State, id StepID, failure *Error, err error) {
	if _, ran := errors.AsType[*guest.ScriptError](err); !ran || s.Guest == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, obstaclesDeadline)
	defer cancel()
	var why, next []string
	in := r.session(s)
	found, _ := in.Obstacles(ctx, in.route, changedPaths(id, s.Guest)) // on failure, the script's own message has to do
	for _, one := range found {
		words, command := obstacle(s.Instance.Name, one)
		if words != "" && !slices.Contains(why, words) {
			why, next = append(why, words), append(next, command)
		}
	}
	if len(why) == 0 {
		return
	}
	failure.Why = strings.Join(why, "\n") + "\n" + failure.Why
	failure.Next = strings.Join(append(next, "then run worldsetup again"), "; ")
}

// noRoom returns what a file system runs short of. The room on the guest's disk is measured by other means.
func noRoom(path string, room guest.Room) (kind guest.ObstacleKind, short bool) {
	switch {
	case room.Available < 64<<10 && path != "/":
		return guest.NoRoom, true
	case room.Files < 16:
		return guest.NoInodes, true
	}
	return "", false
}

// obstacle describes what stands in root's way, with the command that removes it.
func obstacle(vm string, one guest.Obstacle) (words, command string) {
	switch one.Kind {
	case guest.Immutable:
		return one.Path + " is immutable: someone has set that attribute, with chattr",
			inGuest(vm, "chattr -i", one.Path)
	case guest.AppendOnly:
		return one.Path + " is append-only: someone has set that attribute, with chattr",
			inGuest(vm, "chattr -a", one.Path)
	case guest.ReadOnly:
		return one.Path + " is mounted read-only", remount(vm, one.Path, guest.Way{})
	case guest.BindReadOnly:
		return one.Path + " is mounted read-only", remount(vm, one.Path, guest.Way{Bind: true})
	case guest.MountedOver:
		return "something is mounted over " + one.Path, inGuest(vm, "umount", one.Path)
	case guest.NoRoom:
		return "there is no room left on the file system at " + one.Path,
			fmt.Sprintf("remove what is not needed: %s", inGuest(vm, "du -xah", one.Path)+" | sort -h | tail")
	case guest.NoInodes:
		return "there is room for no more files on the file system at " + one.Path,
			fmt.Sprintf("remove what is not needed: %s", inGuest(vm, "du --inodes -x", one.Path)+" | sort -n | tail")
	}
	return "", ""
}
