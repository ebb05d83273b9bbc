//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc/PID/stat, see proc_pid_stat(5): USER_HZ is 100 on every system that Lima runs on.
const tick = 0.01

// cpuOf is the processor time in seconds of a process, and of what it started, ended or not.
func cpuOf(pid int) (seconds float64) {
	fields := statOf(pid)
	for _, i := range []int{11, 12, 13, 14} { // utime, stime and those of children that were waited for
		if i < len(fields) {
			ticks, _ := strconv.ParseFloat(fields[i], 64)
			seconds += ticks * tick
		}
	}
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, thread := range threads {
		children, _ := os.ReadFile(thread) // it may have ended
		for _, child := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				seconds += cpuOf(n)
			}
		}
	}
	return seconds
}

// statOf are the fields of /proc/PID/stat after the name, which may contain spaces.
func statOf(pid int) []string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// peakOf is the high-water mark of a process's resident set in MB (10⁶ bytes); 0 once it has ended. What a parent
// reads with getrusage(2) is no use here: it counts the parent's own memory before the exec.
func peakOf(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			var kib float64
			_, _ = fmt.Sscan(value, &kib)
			return kib * 1024 / 1e6
		}
	}
	return 0
}

// firstLine starts a command and waits for its first line of output. The rest is thrown away. ends ends the command.
func firstLine(cmd *exec.Cmd) (ends func(), err error) {
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ends = func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }
	lines := bufio.NewReader(output)
	if _, err := lines.ReadString('\n'); err != nil {
		ends()
		return nil, fmt.Errorf("%s ended: %w", cmd.Path, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return ends, nil
}

// guestTime is the processor time in seconds that the whole guest uses for a while.
func (p *benched) guestTime(while time.Duration) (float64, error) {
	used := func() (seconds float64, err error) {
		var usec float64
		_, err = fmt.Sscan(p.root(p.b, `awk '$1 == "usage_usec" { print $2 }' /sys/fs/cgroup/cpu.stat`), &usec)
		return usec / 1e6, err
	}
	before, err := used()
	if err != nil {
		return 0, err
	}
	time.Sleep(while)
	after, err := used()
	return after - before, err
}
