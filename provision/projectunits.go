package provision

import (
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/unittext"
)

// This file has the texts of the units: worldsetup's own, or those that the project brings for its generation.

// ProjectUnits describe the units that the project brings.
type ProjectUnits struct {
	Project string   `json:"project"`
	Files   []string `json:"files"`  // the templates, absolute
	Digest  string   `json:"digest"` // of both, as "sha256:…"
	// Empty are the variables of the templates that are left empty, as NAME (FILE:LINE).
	Empty []string `json:"empty,omitempty"`
	// Warnings are what worldsetup's own units have in another way, with the consequences.
	Warnings []string `json:"warnings,omitempty"`
	// Fault is why they can't be used; nil when they can.
	Fault *Error `json:"fault,omitempty"`
}

// FindProjectUnits returns the units that a project brings for any generation; nil when it brings none.
func FindProjectUnits(project string) *ProjectUnits {
	for _, of := range slices.Backward(layout.All) {
		t := target{spec: Spec{Project: absolute(project)}, layout: of}
		t.findTemplates()
		if found := t.projectUnits(nil); found != nil {
			return found
		}
	}
	return nil
}

func absolute(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path // the working directory is gone
}

// unitTexts returns the texts of both units for a user with this home directory.
func (t target) unitTexts(home string, netfilter bool) (unittext.Units, error) {
	switch {
	case t.unitsFault != nil:
		return unittext.Units{}, t.unitsFault
	case t.templates != nil:
		return t.templates.Render(home, netfilter)
	}
	service, err := embed.ServiceUnit(t.layout, home, netfilter)
	return unittext.Units{Service: service, Socket: embed.SocketUnit(t.layout)}, err
}

// runtimeUnit returns the text of the unit that makes the directories which the project's service doesn't make; empty
// when there are none.
func (t target) runtimeUnit() string {
	if t.templates == nil || len(t.layout.Runtime) == 0 {
		return ""
	}
	return embed.RuntimeUnit(t.layout)
}

// runtimeReasons returns what is wrong with that unit.
func (t target) runtimeReasons(o *guest.Observation) []string {
	text, path := t.runtimeUnit(), t.layout.RuntimeUnitPath()
	if text == "" {
		return nil
	}
	if wrong := faults.Differs(o, path, "regular file", "644", "root", "root"); wrong != "" {
		return []string{wrong}
	}
	if o.Files[path].SHA256 != sum([]byte(text)) {
		return []string{path + " does not hold what it should"}
	}
	if link := t.layout.RuntimeLink(); o.Files[link].Type != "symbolic link" {
		return []string{link + " is missing"}
	}
	return nil
}

// textsOf returns the texts of the units by name, if the project brings them.
func (t target) textsOf(o *guest.Observation) map[string]string {
	if t.templates == nil {
		return nil
	}
	units, err := t.unitTexts(o.Home, false)
	if err != nil {
		return nil
	}
	return map[string]string{t.layout.Service(): units.Service, t.layout.Socket(): units.Socket}
}

// projectUnits describes the units that the project brings; nil when they are worldsetup's own. The guest may be
// unknown.
func (t target) projectUnits(o *guest.Observation) *ProjectUnits {
	if t.templates == nil && t.unitsFault == nil {
		return nil
	}
	home := "/home/user"
	if o != nil {
		home = o.Home
	}
	units, err := t.unitTexts(home, t.spec.Netfilter == On)
	about := &ProjectUnits{Project: t.spec.Project, Fault: AsError(err), Files: []string{}}
	if t.templates == nil {
		return about
	}
	about.Files, about.Digest = []string{t.templates.Service.Path, t.templates.Socket.Path}, t.templates.Digest
	if about.Empty = units.Empty; err == nil {
		about.Warnings = t.templates.Warnings(units)
	}
	return about
}

// UntrustedUnits returns the error of units that no one has trusted, or of ones that are not those that before, a
// digest, is of.
func UntrustedUnits(units ProjectUnits, before string) *Error {
	what := "the project brings units for systemd that are not trusted yet"
	if before != "" {
		what = "the units for systemd that the project brings have changed since you trusted them"
	}
	why := append([]string{"they are run as root in the VM: " + strings.Join(units.Files, ", ")}, units.Warnings...)
	return &Error{
		Kind: KindUsage, What: what, Why: strings.Join(why, "\n"),
		Next: "read them, then: worldsetup trust " + shellescape.Quote(units.Project) + "; then run worldsetup again",
	}
}
