package lima

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/go-units"
	"github.com/goccy/go-yaml/ast"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// File is one of the files with which Lima's users configure all of their VMs: override.yaml beats the configuration of
// a VM, base.yaml becomes part of that of a new one, where that has nothing else, and default.yaml is the last resort.
type File struct {
	Path   string
	Config *limatype.LimaYAML
	parts  []part
}

// Decision is a setting that a file decides.
type Decision struct {
	Key   string // as in "cpus"
	Value string // empty for what is no plain value
	Path  string
	Line  int // the first
	Last  int
}

func (d Decision) String() string {
	if d.Value == "" {
		return fmt.Sprintf("%s:%d has %s", d.Path, d.Line, d.Key)
	}
	return fmt.Sprintf("%s:%d has %s: %s", d.Path, d.Line, d.Key, d.Value)
}

// ReadFiles reads the files in Lima's home directory that are there, the one that beats the others first.
func ReadFiles(limaHome string) (files []File, err error) {
	for _, name := range []string{filenames.Override, filenames.Base, filenames.Default} {
		path := filepath.Join(limaHome, filenames.ConfigDir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			continue // of one that can't be read, Lima itself complains
		}
		file := File{Path: path}
		if file.Config, err = ParseProfile(text); err == nil {
			_, file.parts, _, err = (&document{text: text}).parts()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// Overrides reports whether the file beats the configuration of a VM.
func (f File) Overrides() bool { return filepath.Base(f.Path) == filenames.Override }

// OnlyNew reports whether the file decides nothing about a VM that is there already.
func (f File) OnlyNew() bool { return filepath.Base(f.Path) == filenames.Base }

// Decisions are all settings in the file.
func (f File) Decisions() (decisions []Decision) {
	for _, p := range f.parts {
		decision := Decision{Key: p.key, Path: f.Path, Line: p.start + 1, Last: p.end}
		if scalar, ok := p.value.(ast.ScalarNode); ok {
			decision.Value = scalar.GetToken().Value
		}
		decisions = append(decisions, decision)
	}
	return decisions
}

// about is the decision on a key.
func (f File) about(key string) Decision {
	for _, decision := range f.Decisions() {
		if decision.Key == key {
			return decision
		}
	}
	return Decision{Key: key, Path: f.Path, Line: 1, Last: 1}
}

// entry is the decision on entry i of the list key.
func (f File) entry(key string, i int, value string) Decision {
	decision := f.about(key)
	decision.Key, decision.Value = strings.TrimSuffix(key, "s"), value
	for _, p := range f.parts {
		list, ok := p.value.(*ast.SequenceNode)
		if p.key != key || !ok || i >= len(list.Entries) || list.Entries[i] == nil || list.IsFlowStyle {
			continue
		}
		decision.Line = list.Entries[i].Start.Position.Line
		if i+1 < len(list.Entries) {
			decision.Last = list.Entries[i+1].Start.Position.Line - 1
		}
	}
	return decision
}

// Overruled returns the decisions in files with which no VM can be as wanted, whatever its own configuration is. config
// is that configuration.
func (w Wanted) Overruled(files []File, config *limatype.LimaYAML) (decisions []Decision) {
	for _, f := range files {
		if f.Config.Plain != nil && *f.Config.Plain && (f.Overrides() || config.Plain == nil || *config.Plain) {
			decisions = append(decisions, f.about("plain"))
		}
		if f.Overrides() {
			decisions = append(decisions, w.overruledSettings(f)...)
		}
		decisions = append(decisions, w.overruledLists(f)...)
	}
	return decisions
}

func (w Wanted) overruledSettings(f File) (decisions []Decision) {
	c := f.Config
	for _, setting := range []struct {
		key     string
		differs bool
	}{
		{"cpus", w.CPUs != 0 && c.CPUs != nil && *c.CPUs != w.CPUs},
		{"memory", w.Memory != 0 && c.Memory != nil && bytesOf(*c.Memory) != w.Memory},
		{"disk", w.Disk != 0 && c.Disk != nil && bytesOf(*c.Disk) != w.Disk},
		{"vmType", w.VMType != "" && c.VMType != nil && *c.VMType != w.VMType},
		{"mountType", w.MountType != "" && c.MountType != nil && *c.MountType != w.MountType},
		{"images", len(w.Images) > 0 && len(c.Images) > 0 && c.Images[0].Location != w.Images[0].Location},
	} {
		if setting.differs {
			decisions = append(decisions, f.about(setting.key))
		}
	}
	return decisions
}

// overruledLists compares the entries in the places of ours. Of mounts in the same place, Lima takes the location from
// the first of default.yaml, VM and override.yaml, and whether it is writable from the last that says so; the first
// rule for a port or socket is that of override.yaml.
func (w Wanted) overruledLists(f File) (decisions []Decision) {
	for i, mount := range f.Config.Mounts {
		location, point := w.place(f.Config, "", mount)
		wanted, writable := w.Home, false
		switch {
		case w.NoMounts:
			if point == layout.ProjectMount || Contains(location, w.Home) {
				decisions = append(decisions, f.entry("mounts", i, mount.Location))
			}
			continue
		case point == layout.ProjectMount:
			wanted, writable = w.Project, true
		case w.NoHome:
			if Contains(location, w.Home) {
				decisions = append(decisions, f.entry("mounts", i, mount.Location))
			}
			continue
		case !SameDirectory(point, w.Home):
			continue
		}
		switch {
		case f.Overrides() && mount.Writable != nil && *mount.Writable != writable:
			decisions = append(decisions, f.entry("mounts", i,
				fmt.Sprintf("%s with writable: %v", mount.Location, !writable)))
		case !f.Overrides() && !SameDirectory(location, wanted):
			decisions = append(decisions, f.entry("mounts", i, fmt.Sprintf("%s at %s", mount.Location, point)))
		}
	}
	for i, entry := range f.Config.Provision {
		if units := unitsWritten(entry); len(units) > 0 {
			decisions = append(decisions, f.entry("provision", i, "a script that writes "+and(units)))
		}
	}
	for i, rule := range f.Config.PortForwards {
		if !f.Overrides() {
			break
		}
		switch {
		case rule.GuestSocket == GuestSocket && (rule.Reverse || !isHostSocket(rule.HostSocket, "")):
			decisions = append(decisions, f.entry("portForwards", i, GuestSocket))
		case !rule.Ignore && coversAgentPort(rule):
			decisions = append(decisions, f.entry("portForwards", i, fmt.Sprintf("the port %d", AgentPort)))
		}
	}
	return decisions
}

// SudoDenied returns the file and line by which Lima (from 2.2 on) gives the user of the VM in the directory dir no
// right to sudo without a password; empty when none does. override.yaml beats the VM's own configuration, and that
// default.yaml.
func SudoDenied(limaHome, dir string) string {
	config := filepath.Join(limaHome, filenames.ConfigDir)
	for _, path := range []string{
		filepath.Join(config, filenames.Override), filepath.Join(dir, filenames.LimaYAML), filepath.Join(config,
			filenames.Default),
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, parts, _, _ := (&document{text: text}).parts() // of one that can't be read there are none
		for _, p := range parts {
			user, ok := p.value.(*ast.MappingNode)
			if p.key != "user" || !ok {
				continue
			}
			for _, setting := range user.Values {
				value, ok := setting.Value.(*ast.BoolNode)
				switch {
				case setting.Key.GetToken().Value != "passwordlessSudo" || !ok:
				case value.Value:
					return ""
				default:
					return fmt.Sprintf("%s:%d", path, setting.Key.GetToken().Position.Line)
				}
			}
		}
	}
	return ""
}

// bytesOf is a size as Lima reads it; 0 for one that it refuses.
func bytesOf(size string) int64 {
	bytes, err := units.RAMInBytes(strings.TrimSpace(size))
	if err != nil {
		return 0
	}
	return bytes
}

// Keys are the keys of a configuration.
func Keys(text []byte) (keys []string) {
	_, parts, _, _ := (&document{text: text}).parts() // of one that can't be read there are none
	for _, p := range parts {
		keys = append(keys, p.key)
	}
	return keys
}
