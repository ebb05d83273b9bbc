package provision

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// forReplacement lists how another VM comes into the place of this one, to which somebody has consented. All that can fail
// without the old VM being touched comes first: the new one is created beside it.
func (p *Plan) forReplacement(t target, s State) {
	if p.Blocked = refusal(t.spec, s); p.Blocked != nil {
		return
	}
	if t.agent == nil {
		p.Blocked = noAgent(t.spec.Project, t.rejected)
		return
	}
	p.Replace = replaceReasons(t, s)
	p.Steps = []Step{newStep(StepReplaceCreate, p.Replace...)}
	if s.Instance.Status != limatype.StatusStopped {
		p.Steps = append(p.Steps, newStep(StepReplaceStop, "another VM takes its place"))
	}
	p.Steps = append(p.Steps, newStep(StepReplaceAside, "it stays whole until the new one was proven"), newStep(StepReplacePlace, "the old one has made way"))
	var fresh Plan
	fresh.forNew(t)
	p.Steps = append(p.Steps, fresh.Steps[1:]...) // without its creation
	if t.spec.KeepOld {
		p.Steps = append(p.Steps, newStep(StepReplaceKeep, "it was asked for; `worldsetup restore` brings it back"))
	} else {
		p.Steps = append(p.Steps, newStep(StepReplaceRemove, "the new one was proven by then"))
	}
}

// replaceReasons are why the VM is replaced: what only another VM cures, else what nothing else cures yet, else the wish.
func replaceReasons(t target, s State) []string {
	t.spec.Replace = ""
	switch plan := makePlan(t, s); {
	case len(plan.Replace) > 0:
		return plan.Replace
	case plan.Blocked != nil:
		return []string{plan.Blocked.What}
	case plan.Empty():
		return []string{"nothing is wrong with it; a fresh one was asked for"}
	}
	return []string{"it was asked for"}
}

// refusal is why the VM is not done away with, whoever consents, and how to lift that; nil when it may be.
func refusal(spec Spec, s State) *Error {
	name := shellescape.Quote(spec.VM)
	switch {
	case s.Instance == nil:
		return nil
	case s.Instance.Protected:
		return protected(spec.VM)
	case !ours(s):
		return &Error{
			Kind: KindUsage, What: fmt.Sprintf("the VM %s is no world of worldsetup's", spec.VM),
			Why:  "its configuration has neither the socket's forward nor the boot script of one, and no layout was seen in it",
			Next: fmt.Sprintf("give it another name: limactl stop %s && limactl rename %s mine, or use another one yourself: --vm NAME", name, name),
		}
	case s.Siblings.Kept() && spec.Replace != "":
		return &Error{
			Kind: KindUsage, What: fmt.Sprintf("an old VM is kept already, under the name %s", spec.VM+vmswap.Backup), Why: "there is room for one",
			Next: fmt.Sprintf("bring it back (worldsetup restore), or, if nothing in it is needed: limactl delete %s; then run this again", shellescape.Quote(spec.VM+vmswap.Backup)),
		}
	}
	return nil
}

func protected(vm string) *Error {
	return &Error{
		Kind: KindUsage, What: fmt.Sprintf("the VM %s is protected", vm), Why: "somebody told Lima that it must not be removed (limactl protect)",
		Next: "limactl unprotect " + shellescape.Quote(vm) + ", then run this again",
	}
}

// ours says whether a VM is a world, or was meant to be one. What Lima cannot read is judged by the text of its configuration.
func ours(s State) bool {
	if s.Siblings.Unverified || s.Guest != nil && s.Guest.Marker != "" {
		return true
	}
	if s.Instance.Config != nil {
		return lima.IsWorld(s.Instance.Config)
	}
	text, err := os.ReadFile(filepath.Join(s.Instance.Dir, filenames.LimaYAML))
	return err == nil && bytes.Contains(text, []byte(guest.SocketPath))
}

// inherit has a VM that takes the place of another get what that one has where nobody asked for something else.
func (t *target) inherit(old *limatype.Instance) {
	if t.spec.Profile != "" {
		return
	}
	if t.wanted.CPUs == 0 {
		t.wanted.CPUs = old.CPUs
	}
	if t.wanted.Memory == 0 {
		t.wanted.Memory = old.Memory
	}
	if t.wanted.Disk == 0 {
		t.wanted.Disk = old.Disk
	}
}

// inheritNetfilter has the new world filter network traffic if the old one did and nobody said otherwise.
func (t *target) inheritNetfilter(o *guest.Observation) {
	if t.spec.Netfilter != Unset || o == nil {
		return
	}
	with, err := embed.ServiceUnit(o.Home, true)
	if err == nil && o.Files[guest.ServicePath].SHA256 == sum([]byte(with)) {
		t.spec.Netfilter = On
	}
}
