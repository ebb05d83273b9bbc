package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// settled is how long ago something must have changed to be compared: guests cache directories, reverse-sshfs for 20 s.
const settled = time.Minute

// compareMount says what is wrong with a mount: it compares what the guest sees with the host's directory, by reading
// only. It returns an empty string when nothing is.
// The rules are: what changed on the host within the last minute is not compared; names, types, and of regular files
// sizes and times must agree for the rest; and a guest that sees nothing must not be looking at a directory that holds something.
func compareMount(directory string, mount guest.Mount, readOnly bool, now time.Time) string {
	if mount.FSType == "" {
		return "nothing is mounted there"
	}
	if mount.ReadOnly != readOnly {
		return fmt.Sprintf("it is mounted with read-only=%v where %v was due", mount.ReadOnly, readOnly)
	}
	recent := changedSince(directory, now)
	if len(mount.Entries) == 0 && !recent {
		if entries, err := os.ReadDir(directory); err == nil && len(entries) > 0 {
			return "it is empty, and the host's directory is not"
		}
	}
	for _, entry := range mount.Entries {
		info, err := os.Lstat(filepath.Join(directory, entry.Name))
		if errors.Is(err, fs.ErrNotExist) && !recent {
			return fmt.Sprintf("it holds %q, and the host's directory does not: it is another directory", entry.Name)
		}
		if err != nil || now.Sub(info.ModTime()) < settled || !info.Mode().IsRegular() {
			continue
		}
		if entry.Type != 'f' || entry.Size != info.Size() || entry.ModTime.Unix() != info.ModTime().Unix() {
			return fmt.Sprintf("its %q is not the file of the host's directory: it is another directory", entry.Name)
		}
	}
	return ""
}

func changedSince(directory string, now time.Time) bool {
	info, err := os.Stat(directory)
	return err != nil || now.Sub(info.ModTime()) < settled
}
