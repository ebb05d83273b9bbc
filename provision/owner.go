package provision

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// ownership returns whose the VM is, by the signs in its directory, and by those in the guest if that was observed.
// What the guest of a VM that another tool made shows was made by that tool.
func (s State) ownership() Ownership {
	if signs := s.broker(); len(signs) > 0 {
		return Ownership{Signs: signs, MadeBy: layout.ToolBroker}
	}
	warm := len(s.Warm) > 0 && len(s.Signs) == 0
	signs := append([]string{}, s.Signs...)
	if warm {
		signs = append(signs, s.Warm...)
	}
	if o := s.Guest; o != nil {
		if o.Marker != "" {
			signs = append(signs, fmt.Sprintf("its inside has the layout marker %q", o.Marker))
		}
		if _, found := o.Files[o.Layout.SocketPath()]; found {
			signs = append(signs, "its inside has the units of a world")
		}
	}
	if warm {
		return Ownership{Signs: signs, MadeBy: layout.ToolWarm}
	}
	// Others forward the socket as well: if its inside was not observed, the VM may be the broker's.
	ours := len(signs) > 0 && (s.Guest != nil || !slices.Equal(signs, []string{lima.ForwardSign}))
	return Ownership{Ours: ours, Signs: signs}
}

// broker returns what shows that the VM belongs to the broker of the system.
func (s State) broker() []string {
	signs := slices.Clone(s.Broker)
	if s.Guest != nil {
		for _, unit := range slices.Sorted(maps.Keys(s.Guest.Broker)) {
			signs = append(signs, fmt.Sprintf("its %s has %s", unit, strings.Join(s.Guest.Broker[unit], " and ")))
		}
	}
	return signs
}

// toolSigns returns what in the lima.yaml of an instance shows that lima-warm.sh made it, and that it belongs to the
// broker.
func toolSigns(instance *limatype.Instance) (warm, broker []string) {
	if instance == nil {
		return nil, nil
	}
	text, _ := os.ReadFile(filepath.Join(instance.Dir, filenames.LimaYAML)) // without one it shows nothing
	return lima.WarmSigns(text), lima.BrokerSigns(text)
}

// foreign reports whether there is a VM without any sign of a world, or one that another tool made.
func (s State) foreign() bool { return (s.Instance != nil || s.Swap.VM) && !s.ownership().Ours }

// notAdopted returns the error of a foreign VM, unless there is consent to its adoption; nil for a world. There is no
// consent to the adoption of one that belongs to the broker, and of one that is stopped only its inside may show that.
func notAdopted(spec Spec, s State) *Error {
	if !s.foreign() {
		return nil
	}
	owner := s.ownership()
	switch {
	case spec.Adopt == "" || owner.MadeBy == layout.ToolBroker:
		return foreignVM(spec, s)
	case owner.MadeBy == "" && s.Instance != nil && s.Instance.Status == limatype.StatusStopped:
		name := shellescape.Quote(spec.VM)
		return &Error{
			Kind: KindUsage, Option: "vm", Err: ForeignError{},
			What: fmt.Sprintf("the VM %s is stopped, so it is unknown whose it is", spec.VM),
			Why:  owner.String() + "; it may belong to " + layout.ToolBroker + ", and its inside was not seen",
			Next: "if it is yours, start it and run this again: limactl start " + name,
		}
	}
	return nil
}

// planAdoption plans to mark a VM as a world if nothing in its directory shows that it is one: there is consent to
// that, or the guest shows it.
func (p *Plan) planAdoption(t target, s State) {
	if s.Instance == nil || len(s.Signs) > 0 || len(p.Steps) == 0 {
		return
	}
	reason := s.ownership().String() + "; nothing in its directory does"
	if s.foreign() {
		reason = s.ownership().String() + "; --adopt=" + shellescape.Quote(t.spec.VM) + " takes it over"
	}
	if s.ProtectedBy == "" && t.protects() {
		reason += "; it is protected as well (limactl protect), so that other tools don't delete it"
	}
	p.Steps = slices.Insert(p.Steps, 0, newStep(StepAdopt, reason))
}

// ForeignError is the cause of the error about a foreign VM.
type ForeignError struct{}

func (ForeignError) Error() string { return "the VM is not a world" }

// IsForeign reports whether an error is that of a foreign VM, which needs Spec.Adopt.
func IsForeign(err error) bool {
	_, ok := errors.AsType[ForeignError](err)
	return ok
}

// Foreign reports whether the plan is blocked because the VM is foreign.
func (p Plan) Foreign() bool { return p.Blocked != nil && IsForeign(p.Blocked) }

// Adopts reports whether the plan adopts a foreign VM.
func (p Plan) Adopts() bool { return p.has(StepAdopt) && p.Existing != nil && !p.Existing.Owner.Ours }

// Adoption describes what the plan changes of a foreign VM, and what it keeps.
func (p Plan) Adoption() (changed, kept string) {
	home := "your home directory read-only"
	if p.HomeLeftOut {
		home = "your home directory is left out"
	}
	project := "the project is mounted writable"
	if p.Gets != nil && p.Gets.Staged != "" {
		project = "the project is copied into it"
	}
	changed = "its configuration, its users' groups and its services: " + project + ", " + home +
		", and the agent is installed as a service"
	if p.Existing != nil && p.Existing.Owner.MadeBy == layout.ToolWarm {
		changed = "its lima.yaml, of which a copy is kept: the script that writes the units at every boot is taken out; " +
			changed
	}
	if p.Interrupts() {
		changed += "; programs that run in it are stopped"
	}
	return changed, "its disk, with everything that is on it"
}

// foreignVM returns the error of a foreign VM.
func foreignVM(spec Spec, s State) *Error {
	name := shellescape.Quote(spec.VM)
	switch owner := s.ownership(); owner.MadeBy {
	case layout.ToolBroker:
		return brokerOwned(spec, owner)
	case layout.ToolWarm:
		return &Error{
			Kind: KindUsage, Option: "vm", Err: ForeignError{},
			What: fmt.Sprintf("the VM %s was made by %s, and worldsetup has not adopted it", spec.VM, owner.MadeBy),
			Why:  strings.Join(owner.Signs, "\n"),
			Next: "adopt it, which takes that script out of its lima.yaml, repairs what differs, and keeps its disk: " +
				consentCommand("worldsetup", "--adopt", spec.VM) + "; or use another name: --vm NAME",
		}
	}
	failure := &Error{
		Kind: KindUsage, What: fmt.Sprintf("the VM %s is not a world", spec.VM), Option: "vm", Err: ForeignError{},
		Why: "its lima.yaml has neither the forwarded socket, nor the boot script, nor the stamp of a world, and its " +
			"directory has no mark of worldsetup",
		Next: "use another name: --vm NAME; or turn it into a world: " +
			consentCommand("worldsetup", "--adopt", spec.VM),
	}
	if len(s.ownership().Signs) > 0 {
		failure.Why = s.ownership().String()
	}
	switch {
	case s.Instance == nil:
		failure.Why = "its directory is not empty, but has neither a lima.yaml nor a mark of worldsetup"
		failure.Next = fmt.Sprintf("inspect %s; if nothing in it is needed, remove it yourself",
			shellescape.Quote(filepath.Join(spec.LimaHome, spec.VM)))
	case s.Guest == nil:
		failure.Why += "; its inside was not seen"
		failure.Next += fmt.Sprintf("; or give it another name: limactl rename %s OTHER", name)
	default:
		failure.Why += "; its inside has no layout"
		failure.Next += fmt.Sprintf("; or give it another name: limactl stop %s && limactl rename %s OTHER", name, name)
	}
	return failure
}

// brokerOwned returns the error of a VM that belongs to the broker.
func brokerOwned(spec Spec, owner Ownership) *Error {
	return &Error{
		Kind: KindUsage, What: fmt.Sprintf("the VM %s belongs to %s", spec.VM, layout.ToolBroker), Option: "vm",
		Why: strings.Join(owner.Signs, "\n") + "\nworldsetup changes nothing in such a VM, whatever the consent",
		Next: "change it with the tool that owns it, the substrate command (substrate world --help); worldsetup status " +
			"verifies who reaches its agent; for a world of worldsetup's use another name: --vm NAME",
	}
}

// inTheWay returns the error of a name that a replacement, a restoration or a removal needs, and a foreign VM has.
func inTheWay(spec Spec, s State) *Error {
	return &Error{
		Kind: KindUsage, What: s.Swap.Foreign + " is in the way",
		Why:  "worldsetup uses that name beside the VM " + spec.VM + ", and nothing shows that it made what is there",
		Next: "inspect it, then rename or remove it yourself, and run this again",
	}
}

// protector returns who called `limactl protect` for a VM; empty when no one did.
func protector(place vmswap.Place, suffix string) string {
	switch protected, byUs := place.Protected(suffix); {
	case byUs:
		return protectedByWorldsetup
	case protected:
		return protectedByOthers
	}
	return ""
}

// unprotected returns why the VM has to be protected.
func unprotected(t target, s State) []string {
	if !s.Unprotected || !t.protects() {
		return nil
	}
	return []string{"worldsetup made it, and was interrupted before it had protected it"}
}

// protected returns the error of a VM that others protected.
func protected(vm string) *Error {
	return &Error{
		Kind: KindUsage, What: fmt.Sprintf("the VM %s is protected, but not by worldsetup", vm),
		Why:  "a person or another tool called `limactl protect`, which keeps it from being deleted",
		Next: "limactl unprotect " + shellescape.Quote(vm) + ", then run this again",
	}
}

// mayNotReplace returns why the VM must not be replaced, restored or deleted even with consent, and how to change that;
// nil when it may.
func mayNotReplace(spec Spec, s State) *Error {
	switch refused := notAdopted(spec, s); {
	case refused != nil:
		return refused
	case s.Swap.Foreign != "":
		return inTheWay(spec, s)
	case s.Instance == nil:
		return nil
	case s.ProtectedBy == protectedByOthers:
		return protected(spec.VM)
	case s.Swap.Kept() && spec.Replace != "":
		return &Error{
			Kind: KindUsage, What: fmt.Sprintf("an old VM is kept already, under the name %s", spec.VM+vmswap.Backup),
			Why: "only one old VM can be kept",
			Next: fmt.Sprintf("restore it (%[2]s), or, if nothing in it is needed: limactl unprotect %[1]s; "+
				"limactl delete %[1]s; then run this again", shellescape.Quote(spec.VM+vmswap.Backup),
				vmCommand("worldsetup restore", spec.VM)),
		}
	}
	return nil
}

const itemOwner = "owner"

// signs returns what shows on the host that the VM is a world. What Lima lists counts too, unless it may come from the
// files of Lima's user, which are about all VMs.
func (t target) signs(place vmswap.Place, instance *limatype.Instance) []string {
	signs := place.Proof("")
	ofAll := func(file lima.File) bool { return len(lima.SignsIn(file.Config)) > 0 }
	if len(signs) > 0 || instance == nil || instance.Config == nil || slices.ContainsFunc(t.files, ofAll) {
		return signs
	}
	return lima.SignsIn(instance.Config)
}

func (o Ownership) String() string {
	switch {
	case o.MadeBy == layout.ToolBroker:
		return "it belongs to " + o.MadeBy + ": " + strings.Join(o.Signs, "; ")
	case o.MadeBy != "":
		return "made by " + o.MadeBy + ", and not adopted: " + strings.Join(o.Signs, "; ")
	case !o.Ours && len(o.Signs) > 0:
		return "only its lima.yaml suggests that it is a world: " + strings.Join(o.Signs, "; ")
	case !o.Ours:
		return "nothing shows that it is a world"
	}
	return "a world: " + strings.Join(o.Signs, "; ")
}
