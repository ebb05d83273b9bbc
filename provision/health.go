package provision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
)

// Health is the result of observing and verifying a world. Ready is true only when every item is ok and all access was
// verified, except, with [Setup.Reuse], what has the outcome [Omitted].
type Health struct {
	Schema int       `json:"schema"` // always Schema
	VM     string    `json:"vm"`
	Time   time.Time `json:"time"`
	Ready  bool      `json:"ready"`
	// Instance is the VM's state as Lima reports it: absent, stopped, running, broken …, in lower case.
	Instance string `json:"instance"`
	// Run is the run in progress on the VM. Only [Setup.Watch] sets it, and then nothing else was observed.
	Run *RunInfo `json:"run,omitempty"`
	// Layout is the name of the generation that the inside was judged by; empty when it was not observed.
	Layout string    `json:"layout,omitempty"`
	Socket Socket    `json:"socket"`
	Access []Finding `json:"access"` // each with a Who as its id
	Agent  AgentInfo `json:"agent"`
	Items  []Item    `json:"items"`
	// Drift is the plan that would repair what is wrong.
	Drift Plan `json:"drift"`
	// Lacks is what this machine lacks for a world that is not ready, the causes of others first.
	Lacks []Finding `json:"lacks,omitempty"`
}

// SocketGroup is the group whose members may reach the agent's socket.
const SocketGroup = guest.GroupName

// Socket is the agent's socket in the guest, as found.
type Socket struct {
	Path  string  `json:"path"`
	Type  string  `json:"type"` // as stat(1) reports it: "socket"
	Owner string  `json:"owner"`
	Group string  `json:"group"`
	Mode  string  `json:"mode"`  // octal, "0660"
	Reach []Reach `json:"reach"` // everyone who can reach it in the guest
	Host  string  `json:"host"`  // the host's socket that Lima forwards to it
}

// Reach is someone who can reach the agent's socket in the guest. Root is left out.
type Reach struct {
	Who      string `json:"who"`      // a user's name, or words for several
	How      string `json:"how"`      // what lets them in
	Expected bool   `json:"expected"` // the user of the VM
	// Next is the command that takes it back; empty when a run does that.
	Next string `json:"next,omitempty"`
}

// Who is a user, or a route, that may or may not reach the agent: the id of a [Finding] about access.
type Who = string

// The users and routes that are verified.
const (
	WhoUser     Who = verify.User     // the SSH user, on a fresh connection, without sudo
	WhoShared   Who = verify.Shared   // the SSH user over Lima's shared connection, as `limactl shell` uses it
	WhoRoot     Who = verify.Root     // root in the guest
	WhoClient   Who = verify.Client   // the host, through a socket forwarded over a fresh ssh connection, as clients do it
	WhoHost     Who = verify.Host     // the host, through the socket that Lima forwards
	WhoOutsider Who = verify.Outsider // a user of the guest outside the group, who must be refused
)

// AgentInfo describes the installed agent, partly in its own words.
type AgentInfo struct {
	SHA256   string   `json:"sha256,omitempty"`
	Probe    bool     `json:"probe"`              // it is the built-in probe agent, which runs no commands
	Version  string   `json:"version,omitempty"`  // of its interface, from GET /v1/capabilities
	Backend  string   `json:"backend,omitempty"`  // likewise
	Platform string   `json:"platform,omitempty"` // likewise
	Features []string `json:"features,omitempty"` // likewise
}

// Item is one line of a health report.
type Item struct {
	Finding
	// Cost is the disruption of its repair; empty when nothing is wrong, or no step repairs it.
	Cost Disruption `json:"cost,omitempty"`
}

// newHealth returns a report of a VM that nothing is known about.
func newHealth(spec Spec, now time.Time) Health {
	return Health{
		Schema: Schema, VM: spec.VM, Time: now, Instance: "unknown", Access: []Finding{}, Items: []Item{},
		Socket: Socket{Path: guest.SocketPath, Reach: []Reach{}}, Drift: Plan{VM: spec.VM, Steps: []Step{}},
	}
}

// Wrong returns the findings that keep the world from being ready: the items first, since they may be the cause of
// failed access.
func (h Health) Wrong() (wrong []Finding) {
	for _, item := range h.Items {
		wrong = append(wrong, item.Finding)
	}
	return slices.DeleteFunc(append(wrong, h.Access...), func(f Finding) bool {
		return f.Outcome != Failed && f.Outcome != Unknown
	})
}

// Exists reports whether there is a VM.
func (h Health) Exists() bool { return h.Instance != "absent" }

// Keeps reports whether a replaced VM is kept.
func (h Health) Keeps() bool {
	return slices.ContainsFunc(h.Items, func(item Item) bool { return item.ID == "kept" })
}

// RunInfo is a run in progress on a VM, in this process or another.
type RunInfo struct {
	PID   int       `json:"pid"` // 0 when it is unknown
	Since time.Time `json:"since"`
	// Step is the current one; nil while the run observes or verifies.
	Step *StepStatus `json:"step,omitempty"`
}

// String describes the run and its current step.
func (i RunInfo) String() string {
	text := fmt.Sprintf("process %d", i.PID)
	if !i.Since.IsZero() {
		text += fmt.Sprintf(", since %s (%s ago)", i.Since.Format("15:04"), plaintext.Age(time.Since(i.Since)))
	}
	if step := i.Step; step != nil {
		text += fmt.Sprintf("; step %d of %d, %s, for %s", step.Number, step.Of, step.Title,
			plaintext.Duration(step.Elapsed))
	}
	return strings.TrimSpace(text)
}
