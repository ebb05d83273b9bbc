package config

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"al.essio.dev/pkg/shellescape"
)

// ownFile says whether a file is this user's, or root's.
func ownFile(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || stat.Uid == 0 || int(stat.Uid) == os.Geteuid()
}

// ownGroup says whether a file's group is this user's private one, which has the user's number and name on most Linux systems:
// there a fresh checkout is writable by it, and by nobody else.
func ownGroup(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Gid) != os.Getegid() {
		return false
	}
	me, err := user.Current()
	if err != nil {
		return false
	}
	group, err := user.LookupGroupId(strconv.Itoa(int(stat.Gid)))
	return err == nil && group.Name == me.Username
}

func quote(path string) string { return shellescape.Quote(path) }
