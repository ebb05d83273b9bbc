package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// socketGroup is the group that may use the agent's socket.
const socketGroup = "substrate"

// account is a line of passwd(5). Its primary group has the same number.
type account struct {
	name string
	uid  int
	home string
}

// group is a line of group(5). A member may be the name of a user who does not exist yet.
type group struct {
	name    string
	gid     int
	members []string
}

// session is somebody who logged in: the groups are those of that moment, by number, whatever becomes of the accounts.
type session struct {
	uid  int
	gids []int
}

// populate makes the accounts and directories that every image has.
func (m *machine) populate() {
	for name, gid := range map[string]int{"root": 0, "nogroup": 65534, "systemd-journal": 999, "systemd-network": 998, "_ssh": 997} {
		m.groups = append(m.groups, &group{name: name, gid: gid})
	}
	slices.SortFunc(m.groups, func(a, b *group) int { return a.gid - b.gid })
	m.users = []*account{{"root", 0, "/root"}, {"nobody", 65534, "/nonexistent"}}
	for _, path := range []string{
		"/", "/etc", "/etc/systemd", "/etc/systemd/system", "/usr", "/usr/local", "/usr/local/bin", "/var", "/var/lib", "/var/lib/systemd/linger",
	} {
		m.put(path, file{kind: directory, mode: 0o755})
	}
}

func (m *machine) addUser(name string, uid int, home string) *account {
	user := &account{name, uid, home}
	m.users = append(m.users, user)
	m.groups = append(m.groups, &group{name: name, gid: uid})
	m.put(home, file{kind: directory, mode: 0o755, uid: uid, gid: uid})
	return user
}

// addGroup makes a system group, with the highest number from 999 down that is free, if there is none of that name.
func (m *machine) addGroup(name string) {
	if m.groupCalled(name) != nil {
		return
	}
	gid := 999
	for m.groupNumbered(gid) != nil {
		gid--
	}
	m.groups = append(m.groups, &group{name: name, gid: gid})
}

func (m *machine) addMember(groupName, user string) {
	if g := m.groupCalled(groupName); !slices.Contains(g.members, user) {
		g.members = append(g.members, user)
	}
}

func (m *machine) groupCalled(name string) *group {
	for _, g := range m.groups {
		if g.name == name {
			return g
		}
	}
	return nil
}

func (m *machine) groupNumbered(gid int) *group {
	for _, g := range m.groups {
		if g.gid == gid {
			return g
		}
	}
	return nil
}

func (m *machine) account(name string) *account {
	for _, user := range m.users {
		if user.name == name {
			return user
		}
	}
	return nil
}

// gids are the groups of the account on paper, the primary one first.
func (m *machine) gids(user *account) []int {
	gids := []int{user.uid}
	for _, g := range m.groups {
		if slices.Contains(g.members, user.name) {
			gids = append(gids, g.gid)
		}
	}
	return gids
}

// login makes a session of the user that Lima made.
func (m *machine) login() session { return session{uid: m.user.uid, gids: m.gids(m.user)} }

// names writes groups as `id -nG` does: a number that has no name stays a number.
func (m *machine) names(gids []int) string {
	names := make([]string, 0, len(gids))
	for _, gid := range gids {
		if g := m.groupNumbered(gid); g != nil {
			names = append(names, g.name)
		} else {
			names = append(names, strconv.Itoa(gid))
		}
	}
	return strings.Join(names, " ")
}

// owner writes the owner and the group of a file as stat(1) does.
func (m *machine) owner(f *file) (user, groupName string) {
	user, groupName = "UNKNOWN", "UNKNOWN"
	for _, known := range m.users {
		if known.uid == f.uid {
			user = known.name
		}
	}
	if g := m.groupNumbered(f.gid); g != nil {
		groupName = g.name
	}
	return user, groupName
}

// entry is the group's line in group(5).
func (g *group) entry() string {
	if g == nil {
		return ""
	}
	return fmt.Sprintf("%s:x:%d:%s", g.name, g.gid, strings.Join(g.members, ","))
}
