package provision

import (
	"context"
	"fmt"
	"sync"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// signs are what is seen of a step that takes long, besides what Lima says of it: how far a starting VM has come, and how
// much of an image was fetched. They are for showing, and for the right moment to look ahead; nothing else is decided by them.
type signs struct {
	mu       sync.Mutex
	phase    lima.Phase
	port     int    // of ssh, on this machine; 0 while unknown
	console  string // the latest line of the VM's console
	transfer *Transfer

	voice sync.Mutex
	tell  func(message string) // of the step under way, if it is one of those; else nil
}

// show has tell called for every sign, until another one is given: then it is called no more.
func (s *signs) show(tell func(message string)) {
	s.voice.Lock()
	defer s.voice.Unlock()
	s.tell = tell
}

func (s *signs) announce(message string) {
	s.voice.Lock()
	defer s.voice.Unlock()
	if s.tell != nil {
		s.tell(message)
	}
}

// on adds what there is to a step's status.
func (s *signs) on(status *StepStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch status.ID {
	case StepStart, StepSettle:
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

// unanswered is the port of ssh as long as nobody was seen to answer there; 0 otherwise.
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

// listen is a step's way to take limactl's lines: as signs, and, by tell, as they are.
func (s *signs) listen(ctx context.Context, tell func(line string)) func(line string) {
	return func(line string) {
		entry := lima.ParseLogLine(line)
		if entry.Message == "" {
			return
		}
		s.hear(entry.Message)
		tell(entry.Message)
		if entry.Fetches() {
			go s.watchTransfer(ctx, entry.Location)
		}
	}
}
