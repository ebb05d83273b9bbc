package provision

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// This file remembers of which generation a world was when it was last verified: a VM that is stopped doesn't show
// that. The rules are: it is written when a run ends with a world that is ready; it counts for the VM that it was
// written for only, and never more than what the guest shows; and without it, or when it can't be read, nothing but
// words is missing, and nothing is observed before Lima has listed its VMs (see prefetch.go).

// seen is what is written about a VM.
type seen struct {
	LastSeen
	// Created is when the VM was made, which distinguishes it from a later one of its name.
	Created time.Time `json:"created"`
	// Asked is what the run asked its guest first.
	Asked *question `json:"asked,omitempty"`
}

const maxSeen = 16 << 10 // bytes

func seenPath(spec Spec) string { return strings.TrimSuffix(LogPath(spec), ".log") + ".seen.json" }

// remember writes down how the world was, which is ready, and what its guest was asked first.
func remember(spec Spec, place vmswap.Place, health Health, asked *question) {
	at := lifecycle.Created(place.Dir(""))
	if _, found := layout.Named(health.Layout); !found || at.IsZero() {
		return
	}
	text, err := json.Marshal(seen{LastSeen{health.Layout, health.Time}, at, asked})
	path := seenPath(spec)
	if err != nil || os.WriteFile(path+".new", append(text, '\n'), 0o600) != nil {
		return // the next run that can write it does
	}
	_ = os.Rename(path+".new", path)
}

// lastSeen returns what was written down of a VM's inside; nil for nothing.
func lastSeen(spec Spec, instance *limatype.Instance) *LastSeen {
	s := readSeen(spec, instance.Dir)
	if s == nil {
		return nil
	}
	return &s.LastSeen
}

// readSeen returns what was written down about the VM in dir; nil for nothing.
func readSeen(spec Spec, dir string) *seen {
	var s seen
	text, err := readfile.Limited(seenPath(spec), maxSeen)
	if err != nil || json.Unmarshal(text, &s) != nil || !s.Created.Equal(lifecycle.Created(dir)) {
		return nil
	}
	if _, found := layout.Named(s.Layout); !found || s.Time.IsZero() {
		return nil
	}
	return &s
}

func (l LastSeen) String() string {
	return fmt.Sprintf("%s when last seen, %s", l.Layout, l.Time.UTC().Format("2006-01-02 15:04 UTC"))
}

// recall takes the generation that a VM had when it was last seen, if nothing else was asked for and its inside does
// not show it now.
func (t *target) recall(s State) {
	if s.Guest != nil || s.LastSeen == nil || t.given || t.spec.Layout != "" {
		return
	}
	if of, found := layout.Named(s.LastSeen.Layout); found {
		t.setLayout(of)
	}
}
