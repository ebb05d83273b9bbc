package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Differs describes how the file at path differs from what it should be; empty when it does not. An empty group is not
// compared.
func Differs(o *guest.Observation, path, kind, mode, owner, group string) string {
	file, found := o.Files[path]
	if !found {
		return path + " is missing"
	}
	if file.Type == "regular empty file" { // stat's word for it
		file.Type = "regular file"
	}
	if group == "" {
		group = file.Group
	}
	if file.Type != kind {
		return fmt.Sprintf("%s is a %s, expected a %s", path, file.Type, kind)
	}
	if file.Owner != owner || file.Group != group || file.Mode != mode {
		return fmt.Sprintf("%s has owner %s:%s, mode 0%s; expected %s:%s, 0%s", path, file.Owner, file.Group,
			file.Mode, owner, group, mode)
	}
	return ""
}

// parents are the directories above our files, from the top down.
var parents = []string{
	"/", "/run", "/usr", "/usr/local", "/usr/local/bin",
	"/etc", "/etc/systemd", "/etc/systemd/system", "/var", "/var/lib",
}

// Writable returns the directories above our files in which others than root could replace ours, or whose default
// access list is given to what is made in them, and why.
func Writable(o *guest.Observation) (paths, reasons []string) {
	for _, path := range parents {
		file, found := o.Files[path]
		mode, err := strconv.ParseUint(file.Mode, 8, 32)
		if !found || err != nil || file.Type != "directory" {
			continue
		}
		why := accessList(o, path, "default:")
		if file.Owner != "root" || mode&0o022 != 0 {
			why = fmt.Sprintf("others can change %s: it has owner %s:%s, mode 0%s", path, file.Owner, file.Group,
				file.Mode)
		}
		if why != "" {
			paths, reasons = append(paths, path), append(reasons, why)
		}
	}
	return paths, reasons
}

// accessList describes the access list of a file, as far as its entries begin with prefix; empty without one.
func accessList(o *guest.Observation, path, prefix string) string {
	entries, found := o.ACLs[path]
	entries = slices.DeleteFunc(slices.Clone(entries), func(e string) bool { return !strings.HasPrefix(e, prefix) })
	if !found || prefix != "" && len(entries) == 0 {
		return ""
	}
	return strings.TrimSuffix(fmt.Sprintf("%s has an access list: %s", path, strings.Join(entries, ", ")), ": ")
}

// Closed returns the directories above our files that not all users can enter. Nothing inside them was observed.
func Closed(o *guest.Observation) (closed []string) {
	for _, path := range parents {
		if file, found := o.Files[path]; found && !file.Open() {
			closed = append(closed, path)
		}
	}
	return closed
}

// Group returns what is wrong with the socket's group.
func Group(o *guest.Observation) (reasons []string) {
	if o.Group == nil {
		reasons = append(reasons, "the group substrate does not exist")
	}
	if !slices.Contains(o.AccountGroups, guest.GroupName) {
		reasons = append(reasons, fmt.Sprintf("the user %s is not in the group substrate", o.User))
	}
	return reasons
}

// Directories returns what is wrong with the agent's directories.
func Directories(o *guest.Observation) (reasons []string) {
	if wrong := Differs(o, guest.StatePath, "directory", "750", "root", guest.GroupName); wrong != "" {
		reasons = append(reasons, wrong)
	} else if wrong := accessList(o, guest.StatePath, ""); wrong != "" {
		reasons = append(reasons, wrong)
	}
	home := o.Home + guest.HomeStateSuffix
	if wrong := Differs(o, home, "directory", "755", o.User, ""); wrong != "" {
		reasons = append(reasons, wrong)
	}
	return reasons
}

// Marker judges the marker's file. Whether its layout is another one is for the plan.
func Marker(o *guest.Observation) (reasons []string) {
	file, found := o.Files[guest.MarkerPath]
	wrong := Differs(o, guest.MarkerPath, "regular file", "644", "root", "root")
	if wrong != "" {
		reasons = []string{wrong}
	}
	switch {
	case found && !strings.HasPrefix(file.Type, "regular"):
		return reasons
	case o.MarkerText != "":
		return append(reasons, holdsNoName(o.Layout, o.MarkerText))
	case o.Marker == "":
		return []string{"the layout is not marked as complete"}
	case o.Marker != o.Layout.Marker:
		return append(reasons, fmt.Sprintf("the layout is marked %q, of an older generation", o.Marker))
	}
	return reasons
}

// holdsNoName describes the text of a marker that names no layout.
func holdsNoName(of layout.Layout, text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	holds := fmt.Sprintf("holds %q", text)
	if rest != "" {
		holds = fmt.Sprintf("holds more than one line, the first is %q", first)
	} else if len(text) == guest.MaxMarker {
		holds = fmt.Sprintf("holds more than a name, it begins with %q", text)
	}
	return fmt.Sprintf("%s %s; expected %q", guest.MarkerPath, holds, of.Marker+"\n")
}

// Remount returns the command that lets a mount be written to.
func Remount(vm, target string, way guest.Way) string {
	if way.Bind {
		return guest.RootCommand(vm, "mount -o remount,bind,rw", target)
	}
	return guest.RootCommand(vm, "mount -o remount,rw", target)
}
