package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// StartedBefore reports whether an instance was ever started: Lima's host agent leaves its log.
func StartedBefore(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, filenames.HostAgentStdoutLog))
	return err == nil
}

// HasDisk reports whether an instance ever got as far as having a disk, under its name in Lima 2 or in Lima 1.
func HasDisk(dir string) bool {
	for _, name := range []string{filenames.Disk, filenames.DiffDiskLegacy} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// hasImage reports whether an instance has a disk, or the image that it is made from.
func hasImage(dir string) bool {
	for _, name := range []string{filenames.Image, filenames.BaseDiskLegacy} { // Lima 2.0 has the second one
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return HasDisk(dir)
}

// Taken is how much room an instance takes on the host: disks are sparse, so that blocks count and not sizes.
func Taken(dir string) (bytes int64) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			bytes += blocks(info)
		}
	}
	return bytes
}

// Created is when an instance was made: Lima writes this file then, and never again. Zero when it is not there.
func Created(dir string) time.Time {
	info, err := os.Lstat(filepath.Join(dir, filenames.LimaVersion))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// DiskSpace returns the size of a VM's disk on the host, in bytes; 0 without one.
func DiskSpace(instance *limatype.Instance) int64 {
	if instance == nil {
		return 0
	}
	return onDisk(filepath.Join(instance.Dir, filenames.Disk)) +
		onDisk(filepath.Join(instance.Dir, filenames.DiffDiskLegacy))
}

// onDisk returns the space that a file uses on the disk, which for a disk image is far less than its length; 0 when
// there is none.
func onDisk(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return blocks(info)
}

// blocks returns the space that the blocks of a file use, which stat(2) counts in 512 bytes on every file system.
func blocks(info os.FileInfo) int64 {
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return status.Blocks * 512
}

// Process is the state of a process on this machine.
type Process struct {
	pid             int // 0 when it is gone
	stopped, zombie bool
}

// Processes observes the processes whose numbers are in the pid files of a directory, by the files' names. states
// returns their states.
func Processes(dir string, states func(pids ...int) map[int]byte) map[string]Process {
	files, _ := filepath.Glob(filepath.Join(dir, "*.pid")) // the pattern is a constant
	found := map[string]Process{}
	var pids []int
	for _, path := range files {
		var p Process
		if pid := lima.ReadPID(path); pid > 0 && syscall.Kill(pid, 0) != syscall.ESRCH {
			p.pid = pid
			pids = append(pids, pid)
		}
		found[filepath.Base(path)] = p
	}
	seen := states(pids...)
	for name, p := range found {
		state := seen[p.pid]
		p.stopped, p.zombie = state == process.Stopped || state == process.Traced, state == process.Zombie
		found[name] = p
	}
	return found
}

// Stopped names the VM's processes that were stopped; empty for none.
func Stopped(dir string) (text string) {
	processes := Processes(dir, func(pids ...int) map[int]byte { return process.States(context.Background(), pids...) })
	var stopped []string
	for _, name := range slices.Sorted(maps.Keys(processes)) {
		if processes[name].stopped {
			stopped = append(stopped, fmt.Sprintf("the process in %s is stopped", name))
		}
	}
	return strings.Join(stopped, ", ")
}

// Sweep removes the files that killed runs left: profiles that Lima was to validate, and sockets that were forwarded
// for a verification. Files that are still in use stay; errors are ignored, since the files do no harm.
func Sweep(ctx context.Context, dir string) {
	profiles, _ := filepath.Glob(filepath.Join(os.TempDir(), lima.ProfilePrefix+"*.yaml"))
	for _, path := range profiles {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), lima.ProfilePrefix), "-")
		if pid, err := strconv.Atoi(text); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.Remove(path)
		}
	}
	entries, _ := os.ReadDir(dir) // no VM, no sockets
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		ours, _ := filepath.Match("p.????????.sock", entry.Name())
		if ours && entry.Type() == os.ModeSocket && !Accepts(ctx, path) {
			_ = os.Remove(path)
		}
	}
}
