package checks

import (
	"context"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Candidate is a place where an agent may come from, and whether it was chosen.
type Candidate = agent.Candidate

// Agents are the programs on this machine that could be installed in the VM.
type Agents struct {
	Candidates []Candidate    // in the order in which they are preferred
	Companions []Candidate    // the programs beside the agent, all of them optional
	None       *finding.Error // why there is no agent; nil when there is one, or when the VM need not get one
}

// probe reports which agent will be installed, and why each of the others will not.
func (a Agents) probe(context.Context) Result {
	var lines []string
	for _, one := range slices.Concat(a.Candidates, a.Companions) {
		lines = append(lines, one.String())
	}
	taken := ""
	for _, one := range a.Candidates {
		if one.Taken {
			taken = one.From
		}
	}
	switch {
	case taken != "":
		return ok("%s", taken).details(lines...)
	case a.None != nil:
		return failed(a.None.What, a.None.Why, a.None.Next).details(lines...)
	}
	return info("none here; the one in the VM stays").details(lines...)
}

// unitLines are lines of the two units. A build without them was changed, or cut off.
var unitLines = []string{
	"ListenStream=" + lima.GuestSocket, "SocketMode=0660", "SocketUser=root", "SocketGroup=substrate",
	"WantedBy=sockets.target",
	"Group=substrate", "NoNewPrivileges=yes", "ProtectSystem=strict",
	"WantedBy=multi-user.target",
}

// builtIn checks that the files that worldsetup puts into a VM are complete.
func builtIn(context.Context) Result {
	return complete(embed.SocketUnit(layout.All[0]), embed.ServiceUnit, embed.Profile())
}

func complete(
	socket string, service func(of layout.Layout, home string, netfilter bool) (string, error), profile []byte,
) Result {
	damaged := func(why string) Result {
		return failed("this build of worldsetup is damaged", why,
			"build it again: go build ./cmd/worldsetup in a fresh checkout")
	}
	unit, err := service(layout.All[0], "/home/user", false)
	if err != nil {
		return damaged("the service unit: " + err.Error())
	}
	if _, err := lima.ParseProfile(profile); err != nil {
		return damaged("the profile: " + err.Error())
	}
	for _, line := range unitLines {
		if !strings.Contains("\n"+socket+"\n"+unit, "\n"+line+"\n") {
			return damaged("a unit lacks " + line)
		}
	}
	return ok("complete")
}
