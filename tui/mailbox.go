package tui

import (
	"fmt"
	"sync"

	"github.com/atomize-hq/worldsetup/provision"
)

// mailbox is where the engine leaves its events until the next tick. At 50,000 lines a second a message per line takes
// a whole core (Bubble Tea draws after each); here they cost a lock, and lines that scroll by unread drop out of a
// ring.
type mailbox struct {
	mu sync.Mutex
	mail
}

// mail holds the events since the last tick.
type mail struct {
	events  []provision.Event // all but log lines, of which there are few
	log     ring
	last    string            // the last line of a tool in the current step
	newLast bool              // last has changed
	health  *provision.Health // the latest, when watching
}

// put adds an event. The engine calls it, from its own goroutines.
func (b *mailbox) put(event provision.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if line := logLine(event); line != "" {
		b.log.add(line)
	}
	switch event.Type {
	case provision.EventLog:
		b.last, b.newLast = event.Message, true
		return
	case provision.EventStep:
		b.last, b.newLast = "", true
	case provision.EventProgress:
		if event.Message != "" {
			b.last, b.newLast = event.Message, true
		}
	}
	b.events = append(b.events, event)
}

// putHealth sets the latest report of watching.
func (b *mailbox) putHealth(health provision.Health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.health = &health
}

// take empties the mailbox.
func (b *mailbox) take() mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.mail
	b.mail = mail{}
	return taken
}

// logLine returns an event as a line of the log, with the time; empty for those that have none.
func logLine(event provision.Event) string {
	line := ""
	switch event.Type {
	case provision.EventLog:
		line = "  " + event.Message
	case provision.EventProgress:
		if event.Message == "" {
			return ""
		}
		line = "  | " + event.Message
	case provision.EventStarted:
		line = "worldsetup: " + event.Message
	case provision.EventStep:
		line = "== " + event.Step.Title + ": " + string(event.Step.State)
		if event.Step.Error != nil {
			line += ": " + event.Step.Error.What
		}
	default:
		return ""
	}
	hour, minute, second := event.Time.Clock()
	return fmt.Sprintf("%02d:%02d:%02d %s", hour, minute, second, line)
}

// ringSize is how many log lines are kept to scroll in: 5,000 take under a megabyte, and the file has the rest.
const ringSize = 5000

// ring keeps the last ringSize lines. The zero value is empty.
type ring struct {
	lines []string
	start int // of the oldest, once the ring is full
	lost  int // how many dropped out
}

func (r *ring) add(line string) {
	if len(r.lines) < ringSize {
		r.lines = append(r.lines, line)
		return
	}
	r.lines[r.start] = line
	r.start = (r.start + 1) % ringSize
	r.lost++
}

func (r *ring) len() int { return len(r.lines) }

// end returns the number of the line after the newest, counted from the beginning of the run.
func (r *ring) end() int { return r.lost + len(r.lines) }

// line returns the line n, counted from the beginning of the run.
func (r *ring) line(n int) string { return r.lines[(r.start+n-r.lost)%len(r.lines)] }
