package fake

import (
	"fmt"
	"path"
	"slices"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

const previousAgent = "/usr/local/bin/.substrate-world-agent.previous"

// fail is how a change failed: its exit status and words.
type fail struct {
	code int
	says string
}

// change makes a change as root.
func (m *machine) change(c guest.Change) *fail {
	program := func(data []byte) file {
		return file{kind: "regular file", mode: 0o755, owner: "root", group: "root", data: data}
	}
	text := func(data string) file {
		return file{kind: "regular file", mode: 0o644, owner: "root", group: "root", data: []byte(data)}
	}
	writes := !slices.Contains([]string{"clock", "writable", "room", "ssh", "linger", "group", "activate"}, nameOf(c))
	if writes && m.diskUsed() >= 100 {
		return &fail{1, "write error: No space left on device"}
	}
	switch c := c.(type) {
	case guest.SetClock:
		m.vm.conditions.ClockAhead += c.By.Seconds()
	case guest.MakeWritable:
	case guest.FreeSpace:
		if m.vm.conditions.DiskUsed = m.vm.conditions.DiskData; m.diskUsed() >= 100 {
			return &fail{1, fmt.Sprintf("0 KiB are free on /, and %d are needed", c.KiB)}
		}
	case guest.RepairSSH:
		m.key, m.sshd = true, true
	case guest.InstallPackages:
		return m.installPackages(c.Names)
	case guest.AddToGroup:
		m.group, m.member = true, true
	case guest.MakeDirectories:
		if !m.group {
			return &fail{1, "install: invalid group: '" + guest.GroupName + "'"}
		}
		m.put(guest.StatePath, file{kind: "directory", mode: 0o750, owner: "root", group: guest.GroupName})
		m.put(c.Home+guest.HomeStateSuffix, file{kind: "directory", mode: 0o755, owner: c.User, group: c.User})
	case guest.InstallAgent:
		if sum(c.Content) != c.SHA256 {
			return &fail{1, "the agent arrived damaged: its checksum is not the one of the file that was sent"}
		}
		m.installAgent(program(c.Content))
	case guest.InstallBuilt:
		m.installAgent(program(m.files[c.Built.Path].data))
		delete(m.files, c.Built.Path)
	case guest.InstallCompanion:
		m.put(path.Join(guest.ProgramsPath, c.Name), program(c.Content))
	case guest.InstallUnits:
		m.put(guest.ServicePath, text(c.Service))
		m.put(guest.SocketUnitPath, text(c.Socket))
		m.enabled = true
	case guest.EnableLinger:
		if m.vm.conditions.NoLinger {
			return &fail{1, "Could not enable linger: Access denied"}
		}
		m.linger = true
	case guest.Activate:
		return m.activate(c.Rollback)
	case guest.WriteMarker:
		for _, point := range c.Mounts {
			if _, ok := m.mounts[point]; !ok {
				return &fail{1, "nothing is mounted at " + point}
			}
		}
		m.put(guest.MarkerPath, text(c.Version+"\n"))
	default:
		return &fail{1, fmt.Sprintf("fake: unknown change %T", c)}
	}
	return nil
}

// nameOf names a change, for [World].Before, Delay and Calls.
func nameOf(c guest.Change) string {
	switch c.(type) {
	case guest.SetClock:
		return "clock"
	case guest.MakeWritable:
		return "writable"
	case guest.FreeSpace:
		return "room"
	case guest.RepairSSH:
		return "ssh"
	case guest.InstallPackages:
		return "packages"
	case guest.AddToGroup:
		return "group"
	case guest.MakeDirectories:
		return "directories"
	case guest.InstallAgent, guest.InstallBuilt:
		return "agent"
	case guest.InstallCompanion:
		return "companion"
	case guest.InstallUnits:
		return "units"
	case guest.EnableLinger:
		return "linger"
	case guest.Activate:
		return "activate"
	case guest.WriteMarker:
		return "marker"
	}
	return fmt.Sprintf("%T", c)
}

// offline is what apt-get says without a network.
const offline = "E: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/noble/InRelease  " +
	"Temporary failure resolving 'archive.ubuntu.com'"

func (m *machine) installPackages(names []string) *fail {
	switch {
	case m.vm.world.options.Image.NoApt:
		return &fail{guest.ExitNoApt, fmt.Sprintf("this guest has no apt-get; install by hand: %v", names)}
	case m.vm.conditions.Offline:
		return &fail{100, offline}
	}
	m.lacks = nil
	return nil
}

func (m *machine) installAgent(agent file) {
	if old := m.files[guest.AgentPath]; old != nil && sum(old.data) != sum(agent.data) {
		m.files[previousAgent] = old
	}
	m.put(guest.AgentPath, agent)
}

// activate starts socket and service again, and goes back to the agent before if the new one does not answer.
func (m *machine) activate(rollback bool) *fail {
	if !m.installed() || !m.group {
		return &fail{1, "Failed to start " + guest.SocketUnitName + ": Unit " + guest.SocketUnitName + " not found."}
	}
	answered := func() bool {
		m.listen()
		m.run()
		ok, _ := m.ask(true, false).Answered()
		return ok
	}
	if answered() {
		return nil
	}
	says := "the agent did not answer GET /v1/capabilities with 200"
	previous := m.files[previousAgent]
	if !rollback || previous == nil {
		return &fail{1, says}
	}
	m.put(guest.AgentPath, *previous)
	delete(m.files, previousAgent)
	if answered() {
		return &fail{3, says + "\nthe previous agent was restored and answers"}
	}
	return &fail{3, says + "\nthe previous agent was restored and does not answer either"}
}
