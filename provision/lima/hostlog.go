package lima

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// HostLog is what the log of an instance's host agent holds from some moment on.
type HostLog struct {
	path   string
	before *os.File // the file of that moment; nil when there was none. While it is open, no other gets its number.
	size   int64    // of the file at that moment
}

// NewHostLog begins now to watch the log of the instance in dir. Lima makes a new file at every start, except of an
// instance that it starts at login.
func NewHostLog(dir string) HostLog {
	l := HostLog{path: filepath.Join(dir, filenames.HostAgentStderrLog)}
	l.before, _ = os.Open(l.path) // before the first start there is none
	if info, err := l.before.Stat(); err == nil {
		l.size = info.Size()
	}
	return l
}

// Close ends that.
func (l HostLog) Close() { _ = l.before.Close() }

// Boot returns the boot that began since, according to the host agent's events; false if no host agent was started.
func (l HostLog) Boot() (Boot, bool) {
	info, err := os.Stat(l.path)
	if err != nil {
		return Boot{}, false
	}
	if before, err := l.before.Stat(); err == nil && os.SameFile(info, before) {
		return Boot{}, false // the events may be of an earlier boot
	}
	boot, err := ReadBoot(filepath.Dir(l.path))
	return boot, err == nil
}

// Booted reports whether the boot that began since has ended.
func (l HostLog) Booted() bool {
	boot, _ := l.Boot()
	return boot.Ended
}

// hostLogTail is how much of a log's end is read at most, in bytes. What follows a fatal error are a few dozen lines.
const hostLogTail = 256 << 10

// read returns the lines that were written since.
func (l HostLog) read() []string {
	file, err := os.Open(l.path)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	from := max(0, info.Size()-hostLogTail)
	if before, err := l.before.Stat(); err == nil && os.SameFile(info, before) && info.Size() >= l.size {
		from = max(from, l.size)
	}
	text, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	if err != nil {
		return nil
	}
	return strings.Split(string(text), "\n")
}

var (
	// programOutput matches what a program that the host agent runs, such as QEMU or virtiofsd, wrote to its standard
	// error.
	programOutput = lazyregexp.New(`^(\S+)\[stderr\]: (.*\S)`)
	// crashed matches the first line that a Go program writes when it crashes, and what the dynamic loaders of Linux and
	// macOS write.
	crashed = lazyregexp.New(`^(panic|fatal error|runtime: out of memory|dyld(\[\d+\])?): |` +
		`: error while loading shared libraries: `)
)

// driverEnded begins the host agent's message that the VM's process has ended.
const driverEnded = "Driver stopped due to error: "

// Reasons returns why the VM did not start, as far as the log shows it: the last message of each program that the
// host agent ran, its own last error, and how the VM's process ended.
func (l HostLog) Reasons() (reasons []string) {
	var programs []string
	said := map[string]string{}
	var failed, fatal, ended string
	for _, line := range l.read() {
		entry := ParseLogLine(strings.TrimSpace(line))
		message := plaintext.Line(entry.Message)
		output := programOutput.FindStringSubmatch(message)
		how, isEnd := strings.CutPrefix(message, driverEnded)
		switch {
		case output != nil:
			name, text := output[1], output[2]
			if said[name] == "" {
				programs = append(programs, name)
			}
			if !strings.Contains(text, "warning: ") {
				said[name] = text
			}
		case isEnd:
			ended = "the VM's process ended: " + strings.Trim(how, `"`)
		case entry.Level == "fatal" || entry.Level == "panic":
			fatal = message
		case entry.Level == "error":
			failed = message
		case entry.Level == "" && fatal == "" && crashed.MatchString(message):
			fatal = message // what follows is where it crashed
		}
	}
	for _, name := range programs {
		reasons = add(reasons, said[name])
	}
	return add(add(reasons, cmp.Or(fatal, failed)), ended)
}

// stopTimedOut is in what Lima's driver vz logs when a VM did not shut down within its patience, which is 30 s (5 s
// before 2.1): the host agent, whose process the VM is, ends then, and `limactl stop` ends well (pkg/driver/vz, Stop).
const stopTimedOut = "vz timeout while waiting for stop status"

// PoweredOff reports whether a VM that was to shut down was powered off.
func (l HostLog) PoweredOff() bool {
	return slices.ContainsFunc(l.read(), func(line string) bool { return strings.Contains(line, stopTimedOut) })
}

// add adds a reason, unless it is empty or was given already.
func add(reasons []string, reason string) []string {
	if reason == "" || strings.Contains(strings.Join(reasons, "\n"), reason) {
		return reasons
	}
	return append(reasons, reason)
}
