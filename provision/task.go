package provision

import (
	"bytes"
	"strconv"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// task is what root does in the guest for a step that is nothing else than that.
type task struct {
	script   embed.Script
	args     []string
	input    []byte // nil for none
	deadline time.Duration
}

// task is the one of a step; nil for a step that is more than a script.
func (r *run) task(o *guest.Observation, step Step) (*task, error) {
	switch step.ID {
	case StepPackages:
		return &task{script: embed.Packages, args: step.operands, deadline: packageDeadline}, nil
	case StepGroup:
		return &task{script: embed.Group, args: []string{o.User}, deadline: guestDeadline}, nil
	case StepDirectories:
		return &task{script: embed.Directories, args: append([]string{o.User, o.Home}, step.operands...), deadline: guestDeadline}, nil
	case StepAgent:
		agent := r.target.agent
		if agent.Source == SourceBuild {
			return nil, nil
		}
		return &task{script: embed.Agent, args: []string{agent.SHA256}, input: agent.content, deadline: guestDeadline}, nil
	case StepUnits:
		service, err := r.serviceUnit(o)
		return &task{script: embed.Units, args: append([]string{known(o), service, embed.SocketUnit()}, step.operands...), deadline: guestDeadline}, err
	case StepLinger:
		return &task{script: embed.Linger, args: []string{o.User}, deadline: guestDeadline}, nil
	case StepActivate:
		rollback := "no"
		if step.rollback {
			rollback = "yes"
		}
		deadline := guestDeadline + 2*agentSeconds*time.Second
		return &task{script: embed.Activate, args: []string{rollback, strconv.Itoa(agentSeconds), known(o)}, deadline: deadline}, nil
	}
	return nil, nil
}

func (t *task) request(route guest.Route) guest.Request {
	request := guest.Request{Route: route, Script: t.script, Args: t.args, Root: true}
	if t.input != nil {
		request.Stdin = bytes.NewReader(t.input)
	}
	return request
}

// serviceUnit is the text that the service unit gets. Where nobody said how netfilter is to be, it stays as it was.
func (r *run) serviceUnit(o *guest.Observation) (string, error) {
	with, err := embed.ServiceUnit(o.Home, true)
	if err != nil {
		return "", err
	}
	kept := r.target.spec.Netfilter == Unset && o.Files[guest.ServicePath].SHA256 == sum([]byte(with))
	if r.target.spec.Netfilter == On || kept {
		return with, nil
	}
	return embed.ServiceUnit(o.Home, false)
}

// known says whether systemd knows a unit of ours, so that it has to read new ones anew, and something may run: "yes" or "no".
func known(o *guest.Observation) string {
	for _, name := range []string{guest.ServiceName, guest.SocketUnitName} {
		if unit := o.Units[name]; unit.Load != "not-found" || unit.Active != "inactive" {
			return "yes"
		}
	}
	return "no"
}
