package provision

import (
	"sync"
	"time"
)

// emitter numbers events and hands them on one at a time.
type emitter struct {
	mu      sync.Mutex
	seq     int
	now     func() time.Time
	handle  func(Event)
	journal *journal
}

func (e *emitter) emit(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	event.Schema, event.Seq, event.Time = Schema, e.seq, e.now()
	e.journal.write(event)
	if e.handle != nil {
		e.handle(event)
	}
}
