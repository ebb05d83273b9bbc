package checks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/coreos/go-semver/semver"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// system checks that Lima runs on the operating system; any Linux distribution will do.
func (h Host) system(ctx context.Context) Result {
	switch h.OS {
	case "linux":
		text, _ := h.Read("/etc/os-release")
		if name := regexp.MustCompile(`(?m)^PRETTY_NAME=["']?([^"'\n]+)`).FindSubmatch(text); name != nil {
			return ok("%s", name[1])
		}
		return ok("Linux")
	case "darwin":
		return h.macOS(ctx)
	}
	return failed("worlds don't run on "+h.OS, "Lima runs on macOS and on Linux only", "use a Mac, or a Linux machine")
}

// processor checks that worlds exist for this processor, and that worldsetup itself runs on it without translation: a
// VM gets the processor that worldsetup sees.
func (h Host) processor(ctx context.Context) Result {
	if h.Arch != "amd64" && h.Arch != "arm64" {
		return failed("there are no worlds for the processor "+h.Arch, "they exist for x86_64 and aarch64",
			"use a machine with one of those")
	}
	if h.OS != "darwin" {
		return ok("%s", h.Arch)
	}
	translated, err := h.isSet(ctx, "sysctl.proc_translated")
	if err != nil {
		return unknown(err)
	}
	if translated {
		return failed("worldsetup runs under Rosetta",
			"sysctl.proc_translated is 1: this is worldsetup for Intel, or a terminal for Intel, on Apple silicon",
			"build it for Apple silicon, in a native shell (arch -arm64 /bin/zsh): GOARCH=arm64 go build "+
				"./cmd/worldsetup")
	}
	return ok("%s", h.Arch)
}

// ordinaryUser checks that this is not root.
func (h Host) ordinaryUser(context.Context) Result {
	if uid := h.UID(); uid != 0 {
		return ok("uid %d", uid)
	}
	return failed("worldsetup runs as root", "Lima refuses to run as root; a VM belongs to the user who creates it",
		"run it as an ordinary user: without sudo, or after `su - NAME`")
}

// lima21 only warns about a home directory on NFS, which the versions before refuse (lima#4669).
var lima21 = semver.New("2.1.0")

// systemPaths are the mount points that Lima refuses (its limayaml.Validate).
var systemPaths = []string{"/", "/bin", "/dev", "/etc", "/home", "/opt", "/sbin", "/tmp", "/usr", "/var"}

// homeMount checks that home can be mounted at its own path in the guest. In a Lima guest it can't: there, the home
// directory has the name that the home directory in another guest would have. inGuest is that, where it is known.
func (h Host) homeMount(home, inGuest string, client lima.Client) Probe {
	return func(ctx context.Context) Result {
		home := filepath.Clean(home)
		other := "use another one: HOME=DIR LIMA_HOME=\"${LIMA_HOME:-$HOME/.lima}\" worldsetup; " +
			"or leave it out of the VM: --mount-home=no"
		if slices.Contains(systemPaths, home) {
			return failed("your home directory can't be mounted in the VM",
				"HOME is "+home+", which is a system directory of the guest", other)
		}
		user := h.User()
		clash := home == filepath.Clean(strings.ReplaceAll(inGuest, "{{.User}}", user))
		if name := filepath.Join("/home", user); inGuest == "" && (home == name+".guest" || home == name+".linux") {
			// Lima chooses it (its osutil.LimaUser): .linux before 2.1, .guest since.
			version, err := client.Version(ctx)
			clash = err != nil || version.LessThan(*lima21) == (home == name+".linux")
		}
		if !clash {
			return ok("%s", home)
		}
		return failed("your home directory can't be mounted in the VM",
			fmt.Sprintf("%s is the home directory of the VM's own user as well: is this machine itself a Lima guest?",
				home),
			other+"; or give the VM's user another one: a profile (--profile FILE) with "+
				"`user: {home: /home/{{.User}}.world}`")
	}
}

// memory checks that the machine has the memory that the VM may take: it must exist, and should be free.
func (h Host) memory(wanted int64) Probe {
	return func(ctx context.Context) Result {
		read := h.linuxMemory
		if h.OS == "darwin" {
			read = h.macMemory
		}
		total, free, err := read(ctx)
		switch {
		case err != nil:
			return unknown(err)
		case wanted > total:
			return failed("this machine has less memory than the VM",
				fmt.Sprintf("the VM needs %s, this machine has %s", size(wanted), size(total)),
				fmt.Sprintf("make the VM smaller: --memory %dMiB", max(512, total/2>>20)))
		case wanted > free:
			return warning("%s of %s free, and the VM may take %s", size(free), size(total), size(wanted)).because(
				"this machine may become slow: other programs use the rest",
				"close some programs, or make the VM smaller: --memory 2GiB")
		}
		return ok("%s of %s free", size(free), size(total))
	}
}

func (h Host) linuxMemory(context.Context) (total, free int64, err error) {
	text, err := h.Read("/proc/meminfo")
	if err != nil {
		return 0, 0, err
	}
	total = number(string(text), `(?m)^MemTotal:\s+(\d+) kB$`) << 10
	if total == 0 {
		return 0, 0, errors.New("/proc/meminfo has no MemTotal")
	}
	return total, number(string(text), `(?m)^MemAvailable:\s+(\d+) kB$`) << 10, nil
}

// number returns the number that the group of pattern matches in text; 0 without a match.
func number(text, pattern string) (n int64) {
	if match := regexp.MustCompile(pattern).FindStringSubmatch(text); match != nil {
		n, _ = strconv.ParseInt(match[1], 10, 64)
	}
	return n
}

// size formats a number of bytes.
func size(bytes int64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

// enoughFiles is how many files limactl and ssh must be able to open: a mount over ssh keeps one open for each that is
// open in the guest.
const enoughFiles = 1024

// openFiles checks how many files a program may open.
func (h Host) openFiles(context.Context) Result {
	limit, err := h.Files()
	switch {
	case err != nil:
		return unknown(err)
	case limit > 1<<40:
		return ok("unlimited")
	case limit >= enoughFiles:
		return ok("%d", limit)
	}
	next := "raise it: `nofile` in /etc/security/limits.conf, then log in again"
	if h.OS == "darwin" {
		next = "raise it: sudo launchctl limit maxfiles 65536 unlimited, then open a new terminal"
	}
	return warning("%d", limit).because(fmt.Sprintf("a program can open few files only: the limit is %d, "+
		"and mounts may need more than %d", limit, enoughFiles), next)
}

// fileWatching checks that files can be watched, which Lima's host agent does.
func (h Host) fileWatching(context.Context) Result {
	err := h.Inotify()
	switch {
	case err == nil:
		return ok("works")
	case errors.Is(err, syscall.EMFILE):
		const setting = "fs.inotify.max_user_instances=1024"
		return failed("no more files can be watched", "all of fs.inotify.max_user_instances are in use: "+err.Error(),
			"allow more: sudo sysctl -w "+setting).
			fixable("to keep it after a restart: echo "+setting+" | sudo tee /etc/sysctl.d/60-inotify.conf",
				"sudo", "sysctl", "-w", setting)
	}
	return unknown(err)
}
