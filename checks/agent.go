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

// Agents is what the machine offers.
type Agents struct {
	Candidates []Candidate // in the order in which they are preferred
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
				word := "not taken"
				if candidate.Taken {
					word, taken = "taken", candidate.From
				}
				lines = append(lines, fmt.Sprintf("%s: %s: %s", candidate.From, word, candidate.Why))
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
