// Package hostsocket judges who on this machine can get between a client and the socket that Lima forwards.
package hostsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Opening is a file or directory of this machine by which other users of it reach the agent.
type Opening struct {
	path string
	mode fs.FileMode // its permissions
	why  string
	keep fs.FileMode // the permissions that it may have
}

func (o Opening) String() string {
	return fmt.Sprintf("%s: %s has mode %04o", o.why, o.path, o.mode)
}

// Openings returns the openings to the forwarded socket of an instance: the socket itself, to which only those
// connect who may write to it, and the directories above it as far as Lima's home, where others could put another
// socket in its place. ssh makes the socket with mode 0600, and Lima those directories for the user alone.
func Openings(instance *limatype.Instance) (openings []Opening) {
	socket := lima.HostSocketPath(instance)
	paths := []Opening{{path: socket, why: "others can connect", keep: 0o600}}
	for _, dir := range []string{filepath.Dir(socket), instance.Dir, filepath.Dir(instance.Dir)} {
		paths = append(paths, Opening{path: dir, why: "others can put another socket in its place", keep: 0o755})
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

// OtherOwner says that the socket at path belongs to another user than the one with the number uid, whatever it is
// that forwards it: ssh and Lima make it as that user. What answers there is not the agent then.
func OtherOwner(path string, uid int) string {
	info, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != uid {
		return fmt.Sprintf("belongs to another user (%d)", stat.Uid)
	}
	return ""
}

// Close takes the permissions of others away.
func Close(openings []Opening) error {
	var errs []error
	for _, o := range openings {
		errs = append(errs, os.Chmod(o.path, o.mode&o.keep))
	}
	return errors.Join(errs...)
}
