package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Companion is a program that is installed beside the agent.
type Companion struct {
	layout.Companion
	Path, SHA256 string
	Content      []byte // the whole file
}

// CompanionSource is the source of a companion, which is built in the guest.
type CompanionSource struct {
	layout.Companion
	Source Package
}

// FindCompanions searches for a layout's companions where an agent may be, the programs of profile, which may be empty,
// first. Files that could not run in the guest are returned as rejected.
func FindCompanions(
	project string, arch limatype.Arch, of layout.Layout, profile string,
) (found []Companion, rejected []Rejected) {
	for _, one := range of.Companions {
		path, content, bad := firstProgram(project, one.Name, arch, profile)
		rejected = append(rejected, bad...)
		if content != nil {
			found = append(found, Companion{Companion: one, Path: path, SHA256: sum(content), Content: content})
		}
	}
	return found, rejected
}

// FindCompanionSources returns those companions of a layout that can be built from the project's Cargo workspace, and
// the reason for each of the others.
func FindCompanionSources(project string, of layout.Layout) (sources []CompanionSource, rejected []Rejected) {
	path := SourcePath(project)
	for _, one := range of.Companions {
		source, err := findPackage(filepath.Dir(path), one.Name, one.Package == "")
		switch {
		case err == nil:
			sources = append(sources, CompanionSource{one, source})
		case !errors.Is(err, errNoManifest):
			rejected = append(rejected, Rejected{Path: path, Why: err.Error()})
		}
	}
	return sources, rejected
}

// CompanionCandidates explains what [FindCompanions] and [FindCompanionSources] found.
func CompanionCandidates(
	project string, of layout.Layout, found []Companion, built []CompanionSource, rejected []Rejected,
) (list []Candidate) {
	for _, file := range rejected {
		list = append(list, Candidate{From: file.Path, Why: file.Why})
	}
	for _, one := range of.Companions {
		why := "the project has none for the VM; it is optional"
		if one.Without != "" {
			why = "the project has none for the VM; without it " + one.Without
		}
		candidate := Candidate{From: one.Name, Why: why}
		if i := slices.IndexFunc(found, func(f Companion) bool { return f.Name == one.Name }); i >= 0 {
			path, err := filepath.Rel(project, found[i].Path)
			if err != nil {
				path = found[i].Path
			}
			why := fmt.Sprintf("installed beside the agent; %d bytes, sha256 %s",
				len(found[i].Content), found[i].SHA256)
			candidate = Candidate{From: path, Taken: true, Why: why}
		} else if i := slices.IndexFunc(built, func(s CompanionSource) bool { return s.Name == one.Name }); i >= 0 {
			candidate.Taken, candidate.Why = true, "built in the VM: "+built[i].Source.Needs()
		}
		list = append(list, candidate)
	}
	return list
}
