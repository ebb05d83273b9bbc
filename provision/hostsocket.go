package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

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
