package checks

import (
	"fmt"
	"path/filepath"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// limaHome checks that Lima can use d as its home directory, and that the sockets of the instance vm would have paths
// that the system takes.
func limaHome(d directory, vm, goos string) Check {
	return dirCheck("lima-home", "Lima's home directory", func() Finding {
		finding := d.check("Lima's home directory")
		if finding.Outcome != OK {
			return finding
		}
		if problem := socketPaths(d, vm, goos); problem != nil {
			return Finding{Outcome: Failed, Found: problem.What, Problem: problem}
		}
		return finding
	})
}

// sockets are the sockets in an instance's directory: the longest of ssh's (Lima's filenames.LongestSock), and ours.
var sockets = []string{"ssh.sock.1234567890123456", lima.HostSocket}

// socketPathMax is UNIX_PATH_MAX, in bytes, the final NUL included; Lima has the same numbers (osutil.UnixPathMax).
func socketPathMax(goos string) int {
	if goos == "linux" {
		return 108
	}
	return 104
}

// socketPaths says which socket's path would be too long. Lima counts after following links, and so does this.
func socketPaths(d directory, vm, goos string) *Problem {
	home := d.path
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	limit := socketPathMax(goos)
	path, over := longest(home, vm, limit)
	if !over {
		return nil
	}
	return &Problem{
		What: "the path of Lima's home directory is too long for a socket in it",
		Why:  fmt.Sprintf("%s has %d bytes, and a socket's path must have fewer than %d", path, len(path), limit),
		Next: d.shorter(vm, limit),
	}
}

// longest is the longest path of a socket of vm, and whether it is over limit.
func longest(home, vm string, limit int) (path string, over bool) {
	for _, socket := range sockets {
		if next := filepath.Join(home, vm, socket); len(next) > len(path) {
			path = next
		}
	}
	return path, len(path) >= limit
}

// shorter is the command that makes the paths short enough.
func (d directory) shorter(vm string, limit int) string {
	const short = "/opt/lima"
	if _, over := longest(filepath.Join(d.home, ".lima"), vm, limit); !over && d.home != "" {
		return "use a shorter one: export LIMA_HOME=~/.lima"
	}
	if _, over := longest(short, vm, limit); over {
		return "choose a shorter name for the VM: --vm substrate"
	}
	return fmt.Sprintf(`use a shorter one: sudo install -d -m 0700 -o "$USER" %s && export LIMA_HOME=%s`, short, short)
}
