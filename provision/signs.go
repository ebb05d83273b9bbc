package provision

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// signs are what is seen of a step that takes long, besides what Lima says of it: how far a starting VM has come, and
// how much of an image was fetched. They are for showing, and for the right moment to look ahead; nothing else is
// decided by them.
type signs struct {
	mu       sync.Mutex
	phase    lima.Phase
	port     int    // of ssh, on this machine; 0 while unknown
	console  string // the latest line of the VM's console
	transfer *Transfer

	voice sync.Mutex
	emit  func(message string) // of the step under way, if it is one of those; else nil
}

// show has emit called for every sign, until another one is given: then it is called no more.
func (s *signs) show(emit func(message string)) {
	s.voice.Lock()
	defer s.voice.Unlock()
	s.emit = emit
}

func (s *signs) announce(message string) {
	s.voice.Lock()
	defer s.voice.Unlock()
	if s.emit != nil {
		s.emit(message)
	}
}

// on adds what there is to a step's status.
func (s *signs) on(status *StepStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch status.ID {
	case StepStart, StepWaitForBoot:
		status.Phase = string(s.phase)
	case StepCreate, StepReplaceCreate:
		if s.transfer != nil {
			transfer := *s.transfer
			status.Transfer = &transfer
		}
	}
}

// begin forgets what was seen of an earlier start.
func (s *signs) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.port, s.console = "", 0, ""
}

// reach notes a phase, if it is later than the last one.
func (s *signs) reach(phase lima.Phase) {
	s.mu.Lock()
	later := phase.After(s.phase)
	if later {
		s.phase = phase
	}
	s.mu.Unlock()
	if later {
		s.announce("")
	}
}

// reached says whether a VM has come as far as a phase.
func (s *signs) reached(phase lima.Phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !phase.After(s.phase)
}

// hear takes a line of limactl's log.
func (s *signs) hear(message string) {
	if phase := lima.PhaseOf(message); phase != "" {
		s.reach(phase)
	}
	if port := lima.SSHPort(message); port != 0 {
		s.mu.Lock()
		s.port = port
		s.mu.Unlock()
	}
}

// say takes a line of the VM's console.
func (s *signs) say(line string) {
	s.mu.Lock()
	s.console = line
	s.mu.Unlock()
	s.announce(line)
}

// moved notes how much has come; nil when nothing is being fetched any more.
func (s *signs) moved(transfer *Transfer) {
	s.mu.Lock()
	s.transfer = transfer
	s.mu.Unlock()
	s.announce("")
}

// unanswered returns the port of ssh as long as no answer was seen there; 0 otherwise.
func (s *signs) unanswered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == lima.PhaseUp || s.phase == lima.PhaseKernel {
		return s.port
	}
	return 0
}

// evidence is how far a VM came that did not start; empty when nothing was seen of it.
func (s *signs) evidence() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == "" {
		return ""
	}
	text := fmt.Sprintf("\nit came as far as: %s", s.phase)
	if s.console != "" {
		text += "\nthe last line of its console: " + s.console
	}
	return text
}

// listen is a step's way to take limactl's lines: as signs, and, by emit, as they are.
func (s *signs) listen(ctx context.Context, emit func(line string)) func(line string) {
	return func(line string) {
		entry := lima.ParseLogLine(line)
		if entry.Message == "" {
			return
		}
		s.hear(entry.Message)
		emit(entry.Message)
		if entry.Fetches() {
			go s.watchTransfer(ctx, entry.Location)
		}
	}
}

const (
	// consolePause is the interval at which the console of a starting VM is read: no one should see silence for longer.
	consolePause = time.Second
	// consoleTail is how much of a console is read at most, in bytes: its latest line is all that is wanted.
	consoleTail = 4 << 10
	// bannerDeadline is the time in which an ssh server that runs introduces itself. While a VM boots under emulation
	// that takes it a second or two, and as long again for each who asks.
	bannerDeadline = 10 * time.Second
)

// watchConsole reports what a starting VM writes to its console, and when its ssh port answers, until done is closed.
func (s *signs) watchConsole(ctx context.Context, dir string, done <-chan struct{}) {
	consoles := []*console{newConsole(filepath.Join(dir, "serial.log")), newConsole(filepath.Join(dir, "serialv.log"))}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	introduced := make(chan bool, 1)
	asked := false
	ticker := time.NewTicker(consolePause)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case yes := <-introduced:
			if asked = false; yes {
				s.reach(lima.PhasePort)
			}
			continue
		case <-ticker.C:
		}
		for _, console := range consoles {
			if line := console.latest(); line != "" {
				s.reach(lima.PhaseKernel)
				s.say(line)
			}
		}
		if port := s.unanswered(); port != 0 && !asked {
			asked = true
			go func() { introduced <- introduces(ctx, port) }()
		}
	}
}

// console is a file that a VM's console is written to.
type console struct {
	path string
	size int64 // when it was looked at last
}

// newConsole begins with what is written from now on: the file may be of an earlier start.
func newConsole(path string) *console {
	c := &console{path: path}
	if info, err := os.Stat(path); err == nil {
		c.size = info.Size()
	}
	return c
}

// latest is the last whole line that was written since the last time; empty for none.
func (c *console) latest() string {
	file, err := os.Open(c.path)
	if err != nil {
		return ""
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == c.size {
		return ""
	}
	if info.Size() < c.size { // it was truncated
		c.size = 0
	}
	from := max(c.size, info.Size()-consoleTail)
	text, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	if err != nil {
		return ""
	}
	c.size = info.Size()
	end := bytes.LastIndexByte(text, '\n')
	lines := strings.Split(string(text[:max(0, end)]), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(plaintext.Line(lines[i])); line != "" {
			return line
		}
	}
	return ""
}

// introduces says whether an ssh server answers at a port of this machine: what accepts connections there may be QEMU.
func introduces(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, bannerDeadline)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	banner := make([]byte, 4)
	_, err = io.ReadFull(connection, banner)
	return err == nil && string(banner) == "SSH-"
}
