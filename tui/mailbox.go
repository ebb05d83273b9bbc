package tui

import (
	"fmt"
	"sync"

	"github.com/atomize-hq/worldsetup/provision"
)

// mailbox is where the engine leaves its events until the next tick. At 50,000 lines a second a message per line takes a
// whole core (Bubble Tea draws after each); here they cost a lock, and those nobody could read fall out of a ring.
type mailbox struct {
	mu     sync.Mutex
	events []provision.Event // all but log lines, of which there are few
	log    ring
	last   string // what a tool said last in the step under way
	moved  bool   // last is news
	health *provision.Health
}

// put takes an event. It is what the engine calls, from its own goroutines.
func (b *mailbox) put(event provision.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if line := logLine(event); line != "" {
		b.log.add(line)
	}
	switch event.Type {
	case provision.EventLog:
		b.last, b.moved = event.Message, true
		return
	case provision.EventStep:
		b.last, b.moved = "", true
	case provision.EventProgress:
		if event.Message != "" {
			b.last, b.moved = event.Message, true
		}
	}
	b.events = append(b.events, event)
}

// report takes what watching has found.
func (b *mailbox) report(health provision.Health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.health = &health
}

// mail is what came since the last time.
type mail struct {
	events []provision.Event
	log    ring
	last   string
	moved  bool
	health *provision.Health // the latest, when watching
}

func (b *mailbox) take() mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := mail{b.events, b.log, b.last, b.moved, b.health}
	b.events, b.log, b.last, b.moved, b.health = nil, ring{}, "", false, nil
	return taken
}

// logLine is an event as a line of the log; empty for those that say nothing there.
func logLine(event provision.Event) string {
	switch event.Type {
	case provision.EventLog:
		return "  " + event.Message
	case provision.EventProgress:
		if event.Message != "" {
			return "  | " + event.Message
		}
	case provision.EventStarted:
		return "worldsetup: " + event.Message
	case provision.EventStep:
		line := fmt.Sprintf("[%d/%d] %s: %s", event.Step.Number, event.Step.Of, event.Step.Title, event.Step.State)
		if event.Step.Error != nil {
			line += ": " + event.Step.Error.What
		}
		return line
	}
	return ""
}
