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

	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// lateDisk is the advice when a directory gives no answer.
const lateDisk = "check why `ls` gives no answer there: is its file server down?"

// directory is a place that must be a writable directory, or one that can be created.
type directory struct {
	path     string
	variable string                  // the environment variable that names another place
	usual    string                  // its usual value, as a shell reads it
	home     string                  // the user's home directory
	access   func(path string) error // returns why nothing can be created in a directory; nil when it can
}

func newDirectory(path, variable, usual string) directory {
	home, _ := os.UserHomeDir() // only for better advice
	return directory{path, variable, usual, home, writable}
}

// obstacle is the reason why a directory can't be used.
type obstacle struct {
	at  string // the file or directory in the way
	err error
}

var (
	errNoDirectory = errors.New("it is not a directory")
	errDeadLink    = errors.New("it is a link to nothing")
)

// usable returns the directory that would be used: the path, or the existing directory in which it would be created. It
// asks the file system only, so that nothing has to be written.
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
			return "", &obstacle{path, finding.Cause(err)}
		}
		if _, err := os.Lstat(path); err == nil {
			return "", &obstacle{path, errDeadLink}
		}
		if path == filepath.Dir(path) {
			return "", &obstacle{path, finding.Cause(err)}
		}
	}
}

// probe reports whether d, which is called what, can be used.
func (d directory) probe(what string) Probe {
	return func(context.Context) Result {
		used, obstacle := d.usable()
		switch {
		case obstacle != nil:
			return d.unusable(fmt.Sprintf("%s %s cannot be used", what, d.path), *obstacle)
		case used != d.path:
			return ok("%s, will be created", d.path)
		}
		return ok("%s", d.path)
	}
}

// unusable returns the finding about obstacle, and the way around it. Only in the user's home may something be changed
// or moved, and only when the usual place is elsewhere does it help to use that. A fix takes nothing from anyone: it
// gives the user's own directory its usual permissions, and creates the directory that a link of the user's points to.
func (d directory) unusable(what string, o obstacle) Result {
	at := shellescape.Quote(o.at)
	next := fmt.Sprintf("choose a directory that you may write to: export %s=DIR", d.variable)
	var fix []string
	switch {
	case !within(o.at, d.home):
		next = fmt.Sprintf("choose a directory that you may write to: export %s=%s", d.variable, d.usual)
	case errors.Is(o.err, fs.ErrPermission):
		next = fmt.Sprintf(`make it yours: sudo chown "$USER" %s && chmod u+rwx %s`, at, at)
		var status unix.Stat_t
		if unix.Lstat(o.at, &status) == nil && int(status.Uid) == os.Geteuid() && status.Mode&0o700 != 0o700 {
			fix = []string{"chmod", "u+rwx", o.at}
		}
	case errors.Is(o.err, errNoDirectory), errors.Is(o.err, errDeadLink):
		next = fmt.Sprintf("move it away: mv %s %s; or choose another place: export %s=DIR",
			at, shellescape.Quote(o.at+".old"), d.variable)
		if end, err := os.Readlink(o.at); err == nil && errors.Is(o.err, errDeadLink) {
			if !filepath.IsAbs(end) {
				end = filepath.Join(filepath.Dir(o.at), end)
			}
			fix = []string{"mkdir", "-p", end}
		}
	}
	found := failed(what, fmt.Sprintf("%s: %v", o.at, o.err), next)
	if fix != nil {
		return found.fixable("", fix...)
	}
	return found
}

// limaHome checks that Lima can use d as its home directory, and that the sockets of the instance vm fit: their paths
// have a maximum length.
func (d directory) limaHome(vm, goos string) Probe {
	return func(ctx context.Context) Result {
		found := d.probe("Lima's home directory")(ctx)
		if found.Outcome != OK {
			return found
		}
		home := d.path
		if real, err := filepath.EvalSymlinks(home); err == nil { // Lima counts after following links
			home = real
		}
		limit := 104 // UNIX_PATH_MAX, in bytes with the final NUL; Lima has the same numbers (osutil.UnixPathMax)
		if goos == "linux" {
			limit = 108
		}
		path := longestSocket(home, vm)
		if len(path) < limit {
			return found
		}
		return failed("the path of Lima's home directory is too long for a socket in it",
			fmt.Sprintf("%s has %d bytes, and a socket's path must have fewer than %d", path, len(path), limit),
			d.shorter(vm, limit))
	}
}

// localHome checks that Lima's home directory, which probe has found usable, is not on NFS: QEMU can't lock a VM's disk
// there, and sockets don't work.
func (h Host) localHome(d directory, client lima.Client, probe Probe) Probe {
	return func(ctx context.Context) Result {
		found := probe(ctx)
		if path, _ := d.usable(); found.Outcome != OK || !h.NFS(path) {
			return found
		}
		const next = `use a directory on a disk of this machine: sudo install -d -m 0700 -o "$USER" /opt/lima && ` +
			`export LIMA_HOME=/opt/lima`
		if version, err := client.Version(ctx); err == nil && version.LessThan(*lima21) {
			return failed("Lima's home directory is on NFS", fmt.Sprintf("Lima %s refuses that: %s", version, d.path),
				next+"; or upgrade Lima")
		}
		return warning("%s", d.path).because("Lima's home directory is on NFS: the locks of QEMU on the VM's disk, "+
			"and sockets, may not work there", next)
	}
}

// longestSocket returns the longest path of a socket of vm: the longest of ssh's (Lima's filenames.LongestSock), or
// ours.
func longestSocket(home, vm string) string {
	theirs, ours := filepath.Join(home, vm, "ssh.sock.1234567890123456"), filepath.Join(home, vm, lima.HostSocket)
	if len(ours) > len(theirs) {
		return ours
	}
	return theirs
}

// shorter returns the command that makes the paths short enough.
func (d directory) shorter(vm string, limit int) string {
	const short = "/opt/lima"
	switch {
	case d.home != "" && len(longestSocket(filepath.Join(d.home, ".lima"), vm)) < limit:
		return "use a shorter one: export LIMA_HOME=~/.lima"
	case len(longestSocket(short, vm)) >= limit:
		return "choose a shorter name for the VM: --vm substrate"
	}
	return fmt.Sprintf(`use a shorter one: sudo install -d -m 0700 -o "$USER" %s && export LIMA_HOME=%s`, short, short)
}

// The space that a world needs on the host's disk, in bytes. Ubuntu's cloud image has 0.6 GiB. A first setup writes 2
// GiB to a disk that takes only what was written. vz reads no qcow2: from 2.2 on, Lima keeps the image in its cache as
// a raw file as well (its pkg/downloader), of which what Ubuntu's image holds, less than 2 GiB, is on the disk. The
// margin is for what other programs write meanwhile.
const (
	imageSpace    = 700 << 20
	rawSpace      = 2 << 30
	firstSpace    = 2 << 30
	reservedSpace = 1 << 30
)

// Space describes the data that will be written to the disk.
type Space struct {
	Image bool // the image will be downloaded
	// Converted: Lima keeps it in another form as well.
	Converted bool
	Disk      int64 // the VM's, in bytes
	Used      int64 // the part of Disk that is on the host already
	Kept      int64 // by the VM that will be replaced, until the new one answers
}

// diskSpace checks that Lima's home has room: enough to begin with, and better for all that the VM's disk may ever
// take.
func (h Host) diskSpace(home directory, space Space) Probe {
	return func(context.Context) Result {
		path, obstacle := home.usable()
		if obstacle != nil {
			path = filepath.Dir(obstacle.at) // lima-home reports what is wrong with it
		}
		free, err := h.Free(path)
		if err != nil {
			return unknown(err)
		}
		need, most, sum := space.sums()
		next := "make room there, or use another disk: export LIMA_HOME=DIR"
		if h.OS == "darwin" {
			next += "; what macOS calls purgeable does not count: it is freed only when a program runs out of room"
		}
		switch {
		case free < need:
			return failed("there is too little room for a VM",
				fmt.Sprintf("%s are free in %s, and the VM needs %s to begin with (%s)", size(free), path, size(need), sum),
				next)
		case free < most:
			return warning("%s free of the %s that it may take", size(free), size(most)).
				because("there may be too little room later: "+sum, next).details(sum)
		}
		return ok("%s free, at most %s needed", size(free), size(most)).details(sum)
	}
}

// sums returns the space that is needed to begin with, the most that may be needed, and the terms of the latter.
func (s Space) sums() (need, most int64, sum string) {
	parts := []string{"the VM's disk " + size(s.Disk)}
	need, most = firstSpace+reservedSpace, s.Disk+reservedSpace
	if s.Used > 0 {
		parts[0] += " less the " + size(s.Used) + " that it takes already"
		need, most = reservedSpace, max(most-s.Used, reservedSpace)
	}
	if s.Image {
		parts = append(parts, "the image "+size(imageSpace))
		need, most = need+imageSpace, most+imageSpace
	}
	if s.Converted {
		parts = append(parts, "the image as vz reads it "+size(rawSpace))
		need, most = need+rawSpace, most+rawSpace
	}
	// The VM that is kept during a replacement is on the disk already: it is just not freed before the end.
	if s.Kept > 0 {
		parts = append(parts, "the VM that is kept until then "+size(s.Kept)+" (on the disk already)")
	}
	parts = append(parts, "reserve "+size(reservedSpace))
	return need, most, fmt.Sprintf("%s: %s at most", strings.Join(parts, " + "), size(most))
}

// project checks the project directory, if one could be chosen.
func (t Target) project(ctx context.Context) Result {
	if t.NoProject != nil {
		return failed(t.NoProject.What, t.NoProject.Why, t.NoProject.Next)
	}
	return project(t.Project, t.Home, t.LimaHome, writable)(ctx)
}

// project checks the directory that the world can write to: a program in the VM can change all of it.
func project(path, home, limaHome string, access func(string) error) Probe {
	return func(context.Context) Result {
		const other = "name the project's own directory: worldsetup DIR"
		what, why := "", path+" is writable in the VM, and "
		switch {
		case within(home, path):
			what, why = "the VM may change your whole home directory", why+"your home directory is in it"
		case within(limaHome, path):
			what, why = "the VM may change its own disk", why+"Lima's home directory is in it"
		case within(path, limaHome):
			what, why = "the project is in Lima's home directory", "`limactl delete` removes what is in "+limaHome
		}
		if what != "" {
			return warning("%s", path).because(what+": "+why, other)
		}
		if err := access(path); err != nil {
			return warning("%s", path).because(fmt.Sprintf("the project directory is not "+
				"writable for you: %v; programs in the VM won't be able to write to it either", err),
				`if it should be yours: sudo chown "$USER" `+shellescape.Quote(path))
		}
		return ok("%s", path)
	}
}

// within reports whether path is directory, or lies in it. An unknown path lies nowhere.
func within(path, directory string) bool {
	if path == "" || directory == "" {
		return false
	}
	relative, err := filepath.Rel(directory, path)
	return err == nil && filepath.IsLocal(relative)
}
