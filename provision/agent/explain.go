package agent

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Candidate is a place where a program may come from, and whether it was chosen.
type Candidate struct {
	From  string // what a person calls it: a path, a flag
	Taken bool
	Why   string // it was taken, or not
}

func (c Candidate) String() string {
	if c.Taken {
		return c.From + ": taken: " + c.Why
	}
	return c.From + ": not taken: " + c.Why
}

// Candidates explains what [Find] chose: each place, in order, and why it was taken or not. stays means that the VM
// keeps an agent that it has already, even if a workspace could build another one.
func Candidates(name, project string, arch limatype.Arch, found *Agent, rejected []Rejected, stays bool,
	layouts []layout.Layout) []Candidate {
	const optIn = "the probe, which runs no commands, is only taken when it is asked for"
	probe := Candidate{From: "--agent builtin", Why: optIn}
	if name != "" {
		named := Candidate{From: "--agent " + name, Taken: true, Why: found.Describe()}
		if name == Builtin {
			return []Candidate{named}
		}
		return []Candidate{named, probe}
	}
	list := []Candidate{{From: "--agent, WORLDSETUP_AGENT", Why: "not given"}}
	earlier := false
	for _, place := range append(allPlaces(layouts, arch), "Cargo.toml") {
		path := filepath.Join(project, filepath.FromSlash(place))
		one := Candidate{From: place, Why: "not there"}
		bad := slices.IndexFunc(rejected, func(file Rejected) bool { return file.Path == path })
		switch {
		case found != nil && found.Path == path:
			one.Taken, one.Why, earlier = true, found.Describe(), true
			if found.Source == SourceBuild && stays {
				one.Why += "; an agent that the VM has already stays, unless --rebuild-agent is given"
			}
		case bad >= 0:
			one.Why = rejected[bad].Why
		case earlier:
			one.Why = "an earlier one was taken"
		}
		list = append(list, one)
	}
	return append(list, probe)
}

// Describe reports in a few words what an agent is.
func (a *Agent) Describe() string {
	switch {
	case a.Source == SourceBuild:
		return "built in the VM: " + a.Package.Needs()
	case a.Probe:
		return "the built-in probe, which runs no commands"
	}
	return fmt.Sprintf("a Linux program, %d bytes, sha256 %s", a.Size, a.SHA256)
}

// Missing returns why a project has no agent for arch, for a world that needs one.
func Missing(project string, arch limatype.Arch, rejected []Rejected, layouts []layout.Layout) *finding.Error {
	var why strings.Builder
	why.WriteString(fmt.Sprintf("none was named, and %s holds no %s as %s, and no Cargo workspace to build one from",
		project, packages(layouts), strings.Join(briefPlaces(arch), ", ")))
	if len(rejected) > 0 {
		why.WriteString(" that could run in the VM")
	}
	for _, file := range rejected {
		why.WriteString("\n" + file.Path + " was not taken: " + file.Why)
	}
	return &finding.Error{
		Kind: finding.KindPrerequisite, What: "there is no agent to put into the VM", Why: why.String(),
		Next: "name the agent: --agent FILE, or WORLDSETUP_AGENT=FILE in the environment;\n" +
			"or copy it into the project directory, as bin/linux/" + layouts[0].Package + ";\n" +
			"or build it there: " + CargoCommand(arch, layouts[0]) + ";\n" +
			"or let the VM build it: the project needs a Cargo.lock, and a package " + packages(layouts) + " in its Cargo " +
			"workspace;\n" +
			"or use the built-in probe, which verifies the world and runs no commands: --agent builtin",
	}
}

// CargoCommand returns the command that builds a layout's agent for arch, which needs nothing of the guest, not even
// its C library.
func CargoCommand(arch limatype.Arch, of layout.Layout) string {
	command := "cargo build --release --locked -p " + of.Package
	if names := triples[arch]; len(names) > 0 {
		command += " --target " + names[len(names)-1]
	}
	return command
}

// packages names the Cargo packages of layouts.
func packages(layouts []layout.Layout) string {
	var names []string
	for _, of := range layouts {
		if !slices.Contains(names, of.Package) {
			names = append(names, of.Package)
		}
	}
	return strings.Join(names, " or ")
}

// briefPlaces returns where a project keeps its agent, in few words, as a shell would take them.
func briefPlaces(arch limatype.Arch) []string {
	paths := []string{"bin/linux/NAME", "bin/NAME-linux", "bin/NAME"}
	for _, dir := range append(slices.Clone(triples[arch]), "") {
		paths = append(paths, path.Join("target", dir, "{release,debug}/NAME"))
	}
	return paths
}

// allPlaces returns where a project keeps its agent, of any of the layouts, the best first.
func allPlaces(layouts []layout.Layout, arch limatype.Arch) (paths []string) {
	for _, of := range slices.Backward(layouts) {
		paths = append(paths, Places(of.Package, arch)...)
	}
	return paths
}
