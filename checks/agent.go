package checks

import (
	"context"
	"fmt"
)

// Candidate is a place where an agent may come from, and what became of it.
type Candidate struct {
	From  string // what it is called to a person: a path, a flag
	Taken bool
	Why   string // it was taken, or not
}

func (c Candidate) line() string {
	word := map[bool]string{true: "taken", false: "not taken"}[c.Taken]
	return fmt.Sprintf("%s: %s: %s", c.From, word, c.Why)
}

// Agents is what the machine offers.
type Agents struct {
	Candidates []Candidate // in the order in which they are preferred
	// Passengers are the same of the programs beside the agent, all of which are optional.
	Passengers []Candidate
	// None is what it means that there is none; nil when the VM has one, or need not have one.
	None *Problem
}

// agent says which agent will be taken and why each of the others was not.
func agent(agents Agents) Check {
	return Check{
		ID: "agent", Title: "agent",
		Probe: func(context.Context) Finding {
			var lines []string
			taken := ""
			for _, candidate := range agents.Candidates {
				if candidate.Taken {
					taken = candidate.From
				}
				lines = append(lines, candidate.line())
			}
			for _, passenger := range agents.Passengers {
				lines = append(lines, passenger.line())
			}
			switch {
			case taken != "":
				return ok("%s", taken).details(lines...)
			case agents.None != nil:
				finding := Finding{Outcome: Failed, Found: agents.None.What, Problem: agents.None}
				return finding.details(lines...)
			}
			return Finding{Outcome: Info, Found: "none here; the one in the VM stays"}.details(lines...)
		},
	}
}
