package provision

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// passengerNames are the programs that a project may have beside its agent. They are welcome and never missed.
var passengerNames = []string{"substrate-gateway", "substrate"}

// passenger is a program that is installed beside the agent.
type passenger struct {
	name, path, sha256 string
	content            []byte // was read once, as an agent's
}

// findPassengers looks for them where an agent is looked for. Those that could not run in the guest are left out and told of.
func findPassengers(project string, arch limatype.Arch) (found []passenger, left []Rejected) {
	for _, name := range passengerNames {
		path, content, rejected := firstProgram(project, name, arch)
		left = append(left, rejected...)
		if content != nil {
			found = append(found, passenger{name: name, path: path, sha256: sum(content), content: content})
		}
	}
	return found, left
}

func planPassengers(p *Plan, t target, s State) {
	reasons, names := passengerReasons(t, s.Guest)
	if len(reasons) == 0 {
		return
	}
	step := newStep(StepPassengers, reasons...)
	step.operands = names
	p.insert(step)
}

func passengerReasons(t target, o *guest.Observation) (reasons, names []string) {
	for _, one := range t.passengers {
		path := guest.ProgramsPath + one.name
		wrong := differs(o, path, "regular file", "755", "root", "root")
		if wrong == "" && o.Files[path].SHA256 != one.sha256 {
			wrong = path + " is another one than " + one.path
		}
		if wrong != "" {
			reasons, names = append(reasons, wrong), append(names, one.name)
		}
	}
	return reasons, names
}

func (t target) installPassengers(ctx context.Context, in session, names []string) error {
	for _, one := range t.passengers {
		if !slices.Contains(names, one.name) {
			continue
		}
		companion := guest.InstallCompanion{Name: one.name, SHA256: one.sha256, Content: one.content}
		if err := in.change(ctx, companion); err != nil {
			return err
		}
	}
	return nil
}

// passengers shows what is there, and what was left out.
func (h *Health) passengers(t target, o *guest.Observation) {
	if len(t.passengers) > 0 {
		reasons, _ := passengerReasons(t, o)
		h.reasons("passengers", "programs beside the agent", "installed: "+strings.Join(t.passengerNames(), ", "), reasons)
	}
	var notes []string
	for _, file := range t.left {
		notes = append(notes, file.Path+" was left out: "+file.Why)
	}
	for _, name := range passengerNames {
		if _, there := o.Files[guest.ProgramsPath+name]; there && !slices.Contains(t.passengerNames(), name) {
			notes = append(notes, guest.ProgramsPath+name+" is not from this project, and stays")
		}
	}
	if len(notes) > 0 {
		h.item("other-programs", "other programs", Info, "", strings.Join(notes, "; "), "")
	}
}

func (t target) passengerNames() (names []string) {
	for _, one := range t.passengers {
		names = append(names, one.name)
	}
	return names
}

// passengerCandidates explain what becomes of each.
func (t target) passengerCandidates() (list []checks.Candidate) {
	for _, file := range t.left {
		list = append(list, checks.Candidate{From: file.Path, Why: file.Why})
	}
	for _, name := range passengerNames {
		one := checks.Candidate{From: name, Why: "the project has none for the VM, and need not have one"}
		for _, found := range t.passengers {
			if found.name == name {
				path, err := filepath.Rel(t.spec.Project, found.path)
				if err != nil {
					path = found.path
				}
				one = checks.Candidate{From: path, Taken: true, Why: fmt.Sprintf("installed beside the agent; %d bytes, sha256 %s", len(found.content), found.sha256)}
			}
		}
		list = append(list, one)
	}
	return list
}
