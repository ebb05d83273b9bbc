package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/sys/unix"
)

// directory is a place that must be a directory with write permission, or one that could be made.
type directory struct {
	path     string
	variable string                  // the environment variable that names another place
	usual    string                  // its usual value, as a shell reads it
	home     string                  // the user's home directory
	access   func(path string) error // says why nothing could be made in a directory; nil when it could
}

// newDirectory takes its edges from this machine. An unknown home directory is no problem here.
func newDirectory(path, variable, usual string) directory {
	home, _ := os.UserHomeDir() // only for better advice
	return directory{path, variable, usual, home, func(path string) error { return unix.Access(path, unix.W_OK|unix.X_OK) }}
}

// obstacle is what keeps a directory from being used.
type obstacle struct {
	at  string // the file or directory that is in the way
	err error
}

var (
	errNoDirectory = errors.New("it is not a directory")
	errDeadLink    = errors.New("it is a link that leads nowhere")
)

func (o *obstacle) Error() string { return fmt.Sprintf("%s: %v", o.at, o.err) }

// usable says what would be used: the path, or the existing directory in which it would be made. Only the file system's
// own answers count, so that nothing needs to be written for it.
func (d directory) usable() (string, *obstacle) {
	for path := d.path; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		switch {
		case err == nil && !info.IsDir():
			return "", &obstacle{path, errNoDirectory}
		case err == nil:
			if err := d.access(path); err != nil {
				return "", &obstacle{path, err}
			}
			return path, nil
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return "", &obstacle{path, cause(err)}
		}
		if _, err := os.Lstat(path); err == nil {
			return "", &obstacle{path, errDeadLink}
		}
		if path == filepath.Dir(path) {
			return "", &obstacle{path, cause(err)}
		}
	}
}

// cause is the part of a file's error that does not repeat the path.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// check is the finding about d, which what names.
func (d directory) check(what string) Finding {
	used, obstacle := d.usable()
	if obstacle != nil {
		return d.fix(failed(fmt.Sprintf("%s %s cannot be used", what, d.path), obstacle.Error(), d.next(obstacle)), obstacle)
	}
	if used != d.path {
		return ok("%s, to be made", d.path)
	}
	return ok("%s", d.path)
}

// next is the way around obstacle. Only in the user's home is it right to change or to move anything, and only
// when the usual place lies elsewhere does it help to go there.
func (d directory) next(obstacle *obstacle) string {
	at := shellescape.Quote(obstacle.at)
	mine := d.mine(obstacle.at)
	other := fmt.Sprintf("export %s=%s", d.variable, d.usual)
	if mine {
		other = fmt.Sprintf("export %s=DIR", d.variable)
	}
	switch {
	case mine && errors.Is(obstacle.err, fs.ErrPermission):
		return fmt.Sprintf(`make it yours: sudo chown "$USER" %s && chmod u+rwx %s`, at, at)
	case mine && (errors.Is(obstacle.err, errNoDirectory) || errors.Is(obstacle.err, errDeadLink)):
		return fmt.Sprintf("move it away: mv %s %s; or choose another place: %s", at, shellescape.Quote(obstacle.at+".old"), other)
	}
	return "choose a directory that you may write to: " + other
}

// mine says whether path is in the user's home.
func (d directory) mine(path string) bool {
	return d.home != "" && (path == d.home || strings.HasPrefix(path, d.home+"/"))
}

// fix makes finding fixable where a command takes nothing from anybody: the user's own directory gets its usual
// permissions, and where a link of the user's leads to, a directory is made.
func (d directory) fix(finding Finding, obstacle *obstacle) Finding {
	info, err := os.Lstat(obstacle.at)
	if err != nil || !d.mine(obstacle.at) {
		return finding
	}
	status, _ := info.Sys().(*syscall.Stat_t)
	if errors.Is(obstacle.err, fs.ErrPermission) && status != nil && int(status.Uid) == os.Geteuid() && info.Mode().Perm()&0o700 != 0o700 {
		return finding.fixable("", "chmod", "u+rwx", obstacle.at)
	}
	if end, err := os.Readlink(obstacle.at); errors.Is(obstacle.err, errDeadLink) && err == nil {
		if !filepath.IsAbs(end) {
			end = filepath.Join(filepath.Dir(obstacle.at), end)
		}
		return finding.fixable("", "mkdir", "-p", end)
	}
	return finding
}

// StateDir checks that worldsetup can keep its locks and logs in path.
func StateDir(path string) Check {
	return stateDir(newDirectory(path, "XDG_STATE_HOME", "~/.local/state"))
}

func stateDir(d directory) Check {
	return dirCheck("state-directory", "state directory", func() Finding { return d.check("the state directory") })
}

// dirCheck is a check of a directory, which may lie on a file server that does not answer.
func dirCheck(id, title string, probe func() Finding) Check {
	return Check{
		ID: id, Title: title, Late: "see why `ls` of it does not answer: a file server that is gone?",
		Probe: func(context.Context) Finding { return probe() }, // no call in it could be cancelled
	}
}
