// Package durations keeps how long steps took on this machine, and says how long they usually take.
//
// The rules are: a record that can't be read or written ends no run; it never holds more than the last few durations of
// each step.
package durations

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/readfile"
)

const (
	kept    = 3        // of each step
	maxSize = 64 << 10 // bytes
	longest = 24 * time.Hour
)

// What the time of a step depends on, besides the step.
const (
	OfNew     = "new"     // the VM is new
	OfRestart = "restart" // it is started
	OfLive    = "live"    // it goes on running

	Emulated = "emulation"
)

// Durations are how long steps took on this machine.
type Durations struct {
	// Acceleration is that of the last run by the type of VM, for a VM that runs: how it was started doesn't show.
	Acceleration map[string]string `json:"acceleration"`
	Rate         int64             `json:"rate"` // of the last download, in bytes per second
	// Steps holds the latest durations, the last one last, by acceleration, kind of run, and step: "kvm/new/vm-start".
	Steps map[string][]time.Duration `json:"steps_ns"`
}

// Read reads the file. One that is damaged holds nothing.
func Read(path string) Durations {
	var d Durations
	text, err := readfile.Limited(path, maxSize)
	if err != nil || json.Unmarshal(text, &d) != nil {
		d = Durations{}
	}
	if d.Steps == nil {
		d.Steps = map[string][]time.Duration{}
	}
	if d.Acceleration == nil {
		d.Acceleration = map[string]string{}
	}
	for key, took := range d.Steps {
		took = slices.DeleteFunc(took, func(one time.Duration) bool { return one < 0 || one > longest })
		if d.Steps[key] = took; len(took) == 0 {
			delete(d.Steps, key)
		}
	}
	if d.Rate < 0 {
		d.Rate = 0
	}
	return d
}

// Write writes the file.
func (d Durations) Write(path string) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if len(text) > maxSize { // not by our steps
		return os.Remove(path)
	}
	// If two runs end at the same time, the file may be damaged, and is then read as empty.
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func key(acceleration, kind string, id string) string {
	return strings.Join([]string{acceleration, kind, id}, "/")
}

// Add keeps how long a step took, in runs of this kind.
func (d Durations) Add(acceleration, kind string, id string, took time.Duration) {
	at := key(acceleration, kind, id)
	all := append(d.Steps[at], took)
	d.Steps[at] = all[max(0, len(all)-kept):]
}

// Median returns how long a step usually takes: the median of the latest times, in runs of this kind or else of
// another; or initial, if there are none.
func (d Durations) Median(acceleration, kind string, id string, initial time.Duration) time.Duration {
	for _, kind := range []string{kind, OfRestart, OfLive, OfNew} {
		took := slices.Sorted(slices.Values(d.Steps[key(acceleration, kind, id)]))
		if n := len(took); n > 0 {
			return (took[(n-1)/2] + took[n/2]) / 2
		}
	}
	if acceleration == Emulated {
		return emulatedTime(initial)
	}
	return initial
}

// emulatedTime returns how long something takes without hardware acceleration. What is short consists mostly of waiting
// for ssh; what is long, a boot or apt-get, keeps the processor busy.
func emulatedTime(accelerated time.Duration) time.Duration {
	if accelerated > 10*time.Second {
		return 10 * accelerated
	}
	return 2 * accelerated
}
