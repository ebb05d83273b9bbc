package provision

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
)

// note is what the mark of an unproven VM holds: how the old one was before anything was done to it. A run that finds it
// believes it for one thing only, how the old VM is to be brought back.
type note struct {
	Ran      bool  `json:"ran"`
	Answered []Who `json:"answered,omitempty"`
}

// text is the content of a mark.
func (n note) text() []byte {
	text, _ := json.Marshal(n) // such a struct always has a JSON form
	return append(text, '\n')
}

// readNote reads the mark of the unproven VM, which has one of two names.
func (r *run) readNote() (n note, found bool) {
	for _, suffix := range []string{spareSuffix, ""} {
		text, err := os.ReadFile(filepath.Join(r.dir(suffix), unprovenMark))
		if err == nil && json.Unmarshal(text, &n) == nil {
			return n, true
		}
	}
	return note{}, false
}

// noteOf is the note of a VM that was just connected to.
func noteOf(ran bool, access []Access) note {
	n := note{Ran: ran}
	for _, access := range access {
		if access.Outcome == OK {
			n.Answered = append(n.Answered, access.Who)
		}
	}
	return n
}

// lost are those who were met as they should be then, and are not now.
func (n note) lost(now []Access) (lost []Access) {
	for _, access := range now {
		if access.Outcome != OK && slices.Contains(n.Answered, access.Who) {
			lost = append(lost, access)
		}
	}
	return lost
}
