package sim

import (
	"fmt"
	"slices"
	"strconv"
)

func (m *machine) chown(args []string) error {
	f, err := m.find(args[1])
	if err != nil {
		return err
	}
	user := m.account(args[0])
	if user == nil {
		return fmt.Errorf("invalid user: '%s'", args[0])
	}
	f.uid = user.uid
	return nil
}

func (m *machine) chgrp(args []string) error {
	f, err := m.find(args[1])
	if err != nil {
		return err
	}
	g := m.groupCalled(args[0])
	if g == nil {
		return fmt.Errorf("invalid group: '%s'", args[0])
	}
	f.gid = g.gid
	return nil
}

func (m *machine) gpasswd(args []string) error {
	if len(args) != 3 || args[0] != "-d" {
		return fmt.Errorf("sim: gpasswd wants -d USER GROUP")
	}
	g := m.groupCalled(args[2])
	if g == nil || !slices.Contains(g.members, args[1]) {
		return fmt.Errorf("user '%s' is not a member of '%s'", args[1], args[2])
	}
	g.members = slices.DeleteFunc(g.members, func(name string) bool { return name == args[1] })
	return nil
}

func (m *machine) groupdel(args []string) error {
	if m.groupCalled(args[0]) == nil {
		return fmt.Errorf("group '%s' does not exist", args[0])
	}
	m.groups = slices.DeleteFunc(m.groups, func(g *group) bool { return g.name == args[0] })
	return nil
}

func (m *machine) groupmod(args []string) error {
	gid, err := strconv.Atoi(args[1])
	g := m.groupCalled(args[2])
	if err != nil || g == nil {
		return fmt.Errorf("group '%s' does not exist", args[2])
	}
	g.gid = gid
	return nil
}

func (m *machine) usermod(args []string) error {
	if m.groupCalled(args[1]) == nil {
		return fmt.Errorf("group '%s' does not exist", args[1])
	}
	m.addMember(args[1], args[2])
	return nil
}

// date moves the clock by an hour: nobody needs another time.
func (m *machine) date(args []string) error {
	if len(args) != 2 || args[0] != "-s" || args[1] != "+1 hour" {
		return fmt.Errorf("sim: date wants -s '+1 hour'")
	}
	m.vm.conditions.ClockAhead += 3600
	return nil
}

func (m *machine) loginctl(args []string) error {
	if len(args) != 2 || args[0] != "disable-linger" {
		return fmt.Errorf("sim: loginctl wants disable-linger USER")
	}
	m.linger(args[1], false)
	return nil
}

func (m *machine) umount(args []string) error {
	point := args[len(args)-1]
	if _, found := m.mounts[point]; !found {
		return fmt.Errorf("%s: not mounted", point)
	}
	delete(m.mounts, point)
	return nil
}

func (m *machine) dpkg(args []string) error {
	for _, name := range operands(args) {
		for command, its := range packageOf {
			if its == name && !slices.Contains(m.lacks, command) {
				m.lacks = append(m.lacks, command)
			}
		}
	}
	return nil
}
