package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Traces are the files by which runs on one VM leave word of themselves.
type Traces struct {
	Lock string // held by a run at work, with "process N, since TIME" in it; stays behind
	Log  string // of the last run, an event a line; that of the one before has .old at its end
}

// holder is the process that took the lock last, and whether it is alive. Trying the lock would take it for a moment,
// in which another run would be refused.
func (t Traces) holder(h Host) (pid int, said string, alive bool) {
	content, err := h.Read(t.Lock)
	if err != nil {
		return 0, "", false
	}
	said = strings.TrimSpace(string(content))
	words := strings.FieldsFunc(said, func(r rune) bool { return r == ' ' || r == ',' })
	if len(words) < 2 {
		return 0, said, false
	}
	pid, err = strconv.Atoi(words[1])
	return pid, said, err == nil && pid > 0 && h.Alive(pid)
}

// otherRun says whether another run is at work on the VM.
func otherRun(h Host, traces Traces) Check {
	return Check{
		ID: "other-run", Title: "another run",
		Probe: func(context.Context) Finding {
			pid, said, alive := traces.holder(h)
			if !alive || pid == os.Getpid() {
				return ok("none")
			}
			return warning("process %d", pid).because("another run of worldsetup may be at work on this VM", fmt.Sprintf("%s, took its lock last, and is alive", said),
				fmt.Sprintf("wait until it has ended; see what it is: ps -p %d", pid))
		},
	}
}

// lastRun says whether the last run came to its end. What it left is found out by looking, and never read from its log.
func lastRun(h Host, traces Traces) Check {
	return Check{
		ID: "last-run", Title: "last run", Requires: []string{"other-run"},
		Probe: func(context.Context) Finding {
			log := traces.Log
			pid, _, alive := traces.holder(h)
			if alive && pid == os.Getpid() {
				log += ".old" // the other one is this run's own
			} else if alive {
				return Finding{Outcome: Info, Found: "still at work, perhaps"}
			}
			content, err := h.Read(log)
			if err != nil {
				return ok("none")
			}
			if finished(content) {
				return ok("came to its end")
			}
			return Finding{Outcome: Info, Found: "was interrupted; the next one carries on from what it finds"}
		},
	}
}

// finished says whether a log ends with the last event of a run.
func finished(log []byte) bool {
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	var event struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(lines[len(lines)-1], &event) == nil && event.Type == "finished"
}
