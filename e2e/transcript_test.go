//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/atomize-hq/worldsetup/internal/scenario"
	"github.com/atomize-hq/worldsetup/provision"
)

// tell logs what a run or a report came to, so that a failed scenario can be followed without running it again.
func (p *place) tell(o scenario.Outcome) {
	p.t.Helper()
	var text strings.Builder
	for i, plan := range o.Plans {
		fmt.Fprintf(&text, "\n  plan %d: %v", i+1, plan)
	}
	fmt.Fprintf(&text, "\n  steps: %v", o.Steps)
	for _, item := range o.Health.Items {
		if item.Outcome != provision.OK {
			fmt.Fprintf(&text, "\n  %s %s: %s", item.Outcome, item.ID, item.Found)
		}
	}
	for _, access := range o.Health.Access {
		if access.Outcome != provision.OK {
			fmt.Fprintf(&text, "\n  %s access of %s: %s", access.Outcome, access.Who, access.Found)
		}
	}
	if o.Err != nil {
		fmt.Fprintf(&text, "\n  error (%s): %s\n    why: %s\n    next: %s", o.Err.Kind, o.Err.What, o.Err.Why, o.Err.Next)
	}
	p.t.Logf("ready: %v%s", o.Health.Ready, text.String())
}

// played is how a scenario ended on a rig: a line of the results file, which docs/tested-on.md is made from.
type played struct {
	Rig      string
	Scenario string
	Passed   bool
	Known    string `json:",omitempty"`
}

var results struct {
	sync.Mutex
	encoder *json.Encoder
}

// record appends how a scenario ended to the file that -results names.
func record(rig string, s scenario.Scenario, err error) {
	results.Lock()
	defer results.Unlock()
	if *resultsFile == "" {
		return
	}
	if results.encoder == nil {
		file, openErr := os.OpenFile(*resultsFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if openErr != nil {
			panic(openErr) // the suite was asked for a file that can't be written
		}
		results.encoder = json.NewEncoder(file)
	}
	line := played{Rig: rig, Scenario: s.Name, Passed: err == nil}
	if s.KnownToFail(rig) {
		line.Known = s.Known
	}
	_ = results.encoder.Encode(line)
}
