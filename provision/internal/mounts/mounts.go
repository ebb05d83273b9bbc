// Package mounts compares what a guest sees of this machine with what it is to see.
package mounts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Mount is a directory of this machine at a mount point in the guest.
type Mount struct {
	Directory, Point string
	ReadOnly         bool
	LeftOut          bool // it must not be there
}

// Points are the mount points.
func Points(mounts []Mount) (points []string) {
	for _, m := range mounts {
		points = append(points, m.Point)
	}
	return points
}

// Compare returns for each mount what is wrong with it; empty when nothing is.
func Compare(wanted []Mount, seen []guest.Mount, now time.Time) (problems []string) {
	for i, mount := range seen {
		compare := compareMount
		if wanted[i].LeftOut {
			compare = compareLeftOut
		}
		problems = append(problems, compare(wanted[i].Directory, mount, wanted[i].ReadOnly, now))
	}
	return problems
}

// compareLeftOut reports that the guest sees a directory that is to be left out. What else is mounted there, others
// made.
func compareLeftOut(directory string, seen guest.Mount, _ bool, now time.Time) string {
	if seen.FSType == "" || compareMount(directory, seen, seen.ReadOnly, now) != "" {
		return ""
	}
	return "it is still mounted, and is to be left out"
}

// lag is the age from which changes on the host are compared: guests cache directories, reverse-sshfs for 20 s.
const lag = time.Minute

// hostFileSystems are the file systems by which Lima mounts directories of the host.
var hostFileSystems = []string{"fuse.sshfs", "virtiofs", "9p"}

// Refused is what is wrong with a mount of a directory that macOS guards. The app that the VM was started from
// decides whether it may be read, so that a restart from here changes nothing unless that is another one.
const Refused = "this machine doesn't let the VM read it (Operation not permitted)"

// GrantFiles is where a person lets an app, and the VMs that are started from it, read what macOS guards.
const GrantFiles = "System Settings > Privacy & Security > Files and Folders > your terminal"

// compareMount reports what is wrong with a mount: it compares what the guest sees with the host's directory, by
// reading only. It returns an empty string when nothing is. The rules are: changes on the host within the last
// minute are not compared; of the rest, an entry agrees whose type and time are the host's and, of regular files, the
// size; one that the host lacks, or a file that is another, disagrees. Guests may keep what they saw of single entries
// for long, so a mount is of another directory only if something disagrees and nothing agrees. And a guest that sees
// nothing must not be seeing a directory that holds something.
func compareMount(directory string, mount guest.Mount, readOnly bool, now time.Time) string {
	switch {
	case mount.FSType == "":
		return "nothing is mounted there"
	case !slices.Contains(hostFileSystems, mount.FSType):
		return "something else is mounted over it, of the type " + mount.FSType
	case mount.Silent:
		return "no answer from it"
	case mount.Refused:
		return Refused
	case mount.Dead:
		return "it is dead: it can't be entered"
	case mount.ReadOnly != readOnly:
		return fmt.Sprintf("it is mounted with read-only=%v, expected %v", mount.ReadOnly, readOnly)
	}
	recent := changedSince(directory, now)
	if len(mount.Entries) == 0 && !recent {
		if entries, err := os.ReadDir(directory); err == nil && len(entries) > 0 {
			return "it is empty, and the host's directory is not"
		}
	}
	problem := ""
	for _, entry := range mount.Entries {
		path := filepath.Join(directory, entry.Name)
		info, err := os.Lstat(path)
		sameTime := err == nil && entry.ModTime.Unix() == info.ModTime().Unix()
		switch {
		case errors.Is(err, fs.ErrNotExist) && !recent:
			problem = cmp.Or(problem,
				fmt.Sprintf("it holds %q, and the host's directory does not: it is another directory", entry.Name))
		case err != nil:
		case entry.Type == 'f' && info.Mode().IsRegular() && entry.Size == info.Size() && sameTime,
			entry.Type == 'd' && info.IsDir() && sameTime:
			return ""
		case info.Mode().IsRegular() && !changedSince(path, now):
			problem = cmp.Or(problem,
				fmt.Sprintf("its %q is not the file of the host's directory: it is another directory", entry.Name))
		}
	}
	return problem
}

// changedSince reports whether a file or directory was changed within the lag before now. A copy that keeps the
// times of its original, or a file that is moved to its place, changes only the time of the inode.
func changedSince(path string, now time.Time) bool {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	return err != nil || now.Sub(time.Unix(stat.Ctim.Unix())) < lag
}
