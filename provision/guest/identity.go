package guest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// This file reads the facts about who gets in: users, groups, access lists, and mounts on the way.

// entryOfEtc reads a line of a file of users or groups. Like the C library it passes over lines that are malformed.
func (p *observationParser) entryOfEtc(file string, fields []string) {
	number := func(i int) (int, bool) {
		value, err := strconv.ParseUint(fields[i], 10, 32)
		return int(value), err == nil
	}
	switch {
	case file == "etc-group" && len(fields) == 4:
		if gid, ok := number(1); ok {
			p.Groups = append(p.Groups, GroupEntry{
				Name: fields[0], GID: gid, Password: fields[2] == "yes", Members: names(fields[3]),
			})
		}
	case file == "etc-passwd" && len(fields) == 3:
		uid, ok := number(1)
		if gid, also := number(2); ok && also {
			p.Accounts = append(p.Accounts, Account{fields[0], uid, gid})
		}
	case file == "etc-gshadow" && len(fields) == 4:
		i := slices.IndexFunc(p.Groups, func(g GroupEntry) bool { return g.Name == fields[0] })
		if i >= 0 {
			group := &p.Groups[i]
			group.Password, group.Admins = fields[1] == "yes", names(fields[2])
			group.Shadow = slices.DeleteFunc(names(fields[3]), func(name string) bool {
				return slices.Contains(group.Members, name)
			})
		}
	}
}

// names reads a list of names with commas.
func names(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(name string) bool { return name == "" })
}

// accessList reads a line of getfacl: "# file: PATH" begins the list of a file.
func (p *observationParser) accessList(line string) error {
	if path, begins := strings.CutPrefix(line, "# file: "); begins {
		if p.listed = path; p.ACLs == nil {
			p.ACLs = map[string][]string{}
		}
		p.ACLs[path] = []string{}
		return notEmpty(path)
	}
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	if p.listed == "" {
		return fmt.Errorf("it is of a file that was not named before")
	}
	entry := strings.Fields(line)[0]
	if fields := strings.Split(entry, ":"); fields[0] == "default" || len(fields) == 3 && fields[1] != "" {
		p.ACLs[p.listed] = append(p.ACLs[p.listed], entry)
	}
	return nil
}

// way reads "TARGET|OPTIONS|OPTIONS", of the mount and of its file system: of several mounts at one place, the last is
// the one that shows.
func (p *observationParser) way(value string) {
	target, options, _ := strings.Cut(value, "|")
	mount, system, _ := strings.Cut(options, "|")
	has := func(options, option string) bool { return slices.Contains(strings.Split(options, ","), option) }
	if p.Ways == nil {
		p.Ways = map[string]Way{}
	}
	p.Ways[target] = Way{
		ReadOnly: has(mount, "ro") || has(system, "ro"), Bind: !has(system, "ro"), NoExec: has(mount, "noexec"),
	}
}

// WayTo returns the last mount on the way to path, and where it is mounted; empty for the root file system.
func (o *Observation) WayTo(path string) (target string, way Way) {
	for at, mounted := range o.Ways {
		if len(at) > len(target) && (path == at || strings.HasPrefix(path, at+"/")) {
			target, way = at, mounted
		}
	}
	return target, way
}

// Account returns the user of that name in /etc/passwd.
func (o *Observation) Account(name string) (account Account, found bool) {
	i := slices.IndexFunc(o.Accounts, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return account, false
	}
	return o.Accounts[i], true
}

// ObstacleKind is what keeps even root from changing a file.
type ObstacleKind string

// The obstacles: attributes of a file, and states of the mount at a path.
const (
	Immutable    ObstacleKind = "immutable"
	AppendOnly   ObstacleKind = "append-only"
	ReadOnly     ObstacleKind = "read-only"
	BindReadOnly ObstacleKind = "bind-read-only" // only as it is mounted there
	MountedOver  ObstacleKind = "mounted"        // a file
	NoRoom       ObstacleKind = "no-room"
	NoInodes     ObstacleKind = "no-inodes"
)

// Obstacle is one, with the path of the file or the mount.
type Obstacle struct {
	Kind ObstacleKind
	Path string
}
