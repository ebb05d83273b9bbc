package agent

import (
	"fmt"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// CompanionNames are the programs that a project may have beside its agent. All of them are optional.
var CompanionNames = []string{"substrate-gateway", "substrate"}

// Companion is a program that is installed beside the agent.
type Companion struct {
	Name, Path, SHA256 string
	Content            []byte // the whole file
}

// FindCompanions searches for them where an agent may be. Files that could not run in the guest are returned as
// rejected.
func FindCompanions(project string, arch limatype.Arch) (found []Companion, rejected []Rejected) {
	for _, name := range CompanionNames {
		path, content, bad := firstProgram(project, name, arch)
		rejected = append(rejected, bad...)
		if content != nil {
			found = append(found, Companion{Name: name, Path: path, SHA256: sum(content), Content: content})
		}
	}
	return found, rejected
}

// CompanionCandidates explains what [FindCompanions] found.
func CompanionCandidates(project string, found []Companion, rejected []Rejected) (list []Candidate) {
	for _, file := range rejected {
		list = append(list, Candidate{From: file.Path, Why: file.Why})
	}
	for _, name := range CompanionNames {
		one := Candidate{From: name, Why: "the project has none for the VM; it is optional"}
		for _, companion := range found {
			if companion.Name != name {
				continue
			}
			path, err := filepath.Rel(project, companion.Path)
			if err != nil {
				path = companion.Path
			}
			why := fmt.Sprintf("installed beside the agent; %d bytes, sha256 %s",
				len(companion.Content), companion.SHA256)
			one = Candidate{From: path, Taken: true, Why: why}
		}
		list = append(list, one)
	}
	return list
}
