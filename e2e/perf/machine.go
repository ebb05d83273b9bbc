package perf

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes this machine, a fact a line.
func Machine() []string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return []string{fmt.Sprintf("The machine: %s, %d processors, memory %s, Linux %s, %s.",
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), field("/proc/meminfo", "MemTotal"),
		strings.TrimSpace(string(release)), runtime.Version())}
}

// field is the value of the first line NAME: VALUE of a file; empty when there is none.
func field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		key, value, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Load is the machine's load over the last minute.
func Load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(text), " ")
	return load
}
