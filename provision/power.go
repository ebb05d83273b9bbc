package provision

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// Start starts the VM as it is, and waits until it has booted. It repairs and verifies nothing.
func (s *Setup) Start(ctx context.Context) error { return s.switchVM(ctx, limatype.StatusRunning) }

// Stop shuts the VM down; it is powered off only if the Spec allows that. What runs in it is stopped.
func (s *Setup) Stop(ctx context.Context) error { return s.switchVM(ctx, limatype.StatusStopped) }

// switchVM makes the VM have a status.
func (s *Setup) switchVM(ctx context.Context, status limatype.Status) error {
	r, err := s.begin()
	if err != nil {
		return r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	unlock, err := lock(ctx, r.target.spec, r.events, nil) // the log of the last run stays
	if err != nil {
		return r.finish(err)
	}
	defer unlock()
	return r.end(r.switchVM(ctx, status), false)
}

func (r *run) switchVM(ctx context.Context, status limatype.Status) error {
	instance, err := r.vm.find(ctx)
	if err != nil {
		return limaError(ctx, cannotList, err)
	}
	state := r.swap.stateOf(instance, r.place.Observe())
	step := newStep(StepStart, "requested")
	if status == limatype.StatusStopped {
		step = newStep(StepStop, "requested")
	}
	switch refused := notSwitched(r.target.spec, state); {
	case refused != nil && instance == nil && status == limatype.StatusStopped: // it is not to be created for that
		refused.Next = "worldsetup list shows the worlds on this machine; --vm NAME names another one"
		return refused
	case refused != nil:
		return refused
	case instance.Status == status:
		return nil
	}
	of := target{vmType: instance.VMType, arch: instance.Arch, rosetta: hasRosetta()}
	state.RosettaLost = of.rosettaLost(instance)
	if lost := needsRosetta(state); lost != nil && status == limatype.StatusRunning {
		return lost
	}
	r.consent.agreed = r.target.spec.Allow
	plan := Plan{Steps: []Step{step}}
	r.times.estimate(&plan)
	plan, _ = r.list.update(plan, false)
	err = r.performStep(ctx, state, plan.Steps[0])
	if bootErr := r.vm.boot.wait(); err == nil && bootErr != nil {
		err = r.stepError(ctx, state, step, bootErr)
	}
	if failure := AsError(err); failure != nil && failure.Kind == KindDisruption {
		failure.Next = "look at it: limactl shell " + instance.Name + "; or power it off: " +
			vmCommand("worldsetup stop --allow="+DisruptionForce.Word(), instance.Name)
		return failure
	}
	return err
}

// notSwitched returns why a VM is neither started nor stopped.
func notSwitched(spec Spec, state State) *Error {
	next := "run " + vmCommand("worldsetup", spec.VM)
	switch {
	case state.foreign():
		return foreignVM(spec, state)
	case state.Instance == nil:
		return &Error{Kind: KindUnhealthy, What: fmt.Sprintf("there is no VM called %s", spec.VM),
			Next: next + ", which creates it"}
	case state.Swap.Unfinished():
		return &Error{Kind: KindUnhealthy, What: "a replacement of the VM " + spec.VM + " did not end",
			Next: next + ", which completes it or rolls it back"}
	case state.Instance.Status != limatype.StatusRunning && state.Instance.Status != limatype.StatusStopped:
		return &Error{Kind: KindUnhealthy,
			What: fmt.Sprintf("the VM %s is %s", spec.VM, strings.ToLower(state.Instance.Status)),
			Next: next + ", which repairs it"}
	}
	return nil
}

// Worlds returns the names of the VMs in a Lima home whose directories show that they are worlds.
func Worlds(limaHome string) (names []string) {
	entries, _ := os.ReadDir(limaHome) // no home, no worlds
	for _, entry := range entries {
		name := entry.Name()
		if CheckName(name) == nil && entry.IsDir() && len((vmswap.Place{Home: limaHome, VM: name}).Proof("")) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Find returns the VM as Lima and its directory show it, without a look inside. A VM that is not a world is an error,
// and so is none.
func (s *Setup) Find(ctx context.Context) (*Existing, error) {
	r, err := s.begin()
	if err != nil {
		return nil, AsError(err)
	}
	instance, err := r.vm.find(ctx)
	if err != nil {
		return nil, limaError(ctx, cannotList, err)
	}
	state := r.swap.stateOf(instance, r.place.Observe())
	switch {
	case state.foreign():
		return nil, foreignVM(r.target.spec, state)
	case instance == nil:
		return nil, notSwitched(r.target.spec, state)
	}
	return existing(state), nil
}
