package fake

import (
	"fmt"
	"path"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// previousAgent is where the agent before the present one is kept.
func previousAgent(of layout.Layout) string { return layout.Program("." + of.Unit + ".previous") }

func failed(script string, code int, stderr string) error {
	return &guest.ScriptError{Script: script, ExitCode: code, Stderr: stderr + "\n"}
}

// change makes a change as root.
func (m *machine) change(of layout.Layout, c guest.Change) error {
	if !m.allowsSudo() {
		return failed(nameOf(c), 1, "sudo: a password is required")
	}
	switch c := c.(type) {
	case guest.SetClock:
		m.vm.conditions.ClockAhead += c.By
	case guest.RepairSSH:
		m.key, m.sshd = true, true
	case guest.RemoveRosetta:
	case guest.InstallPackages:
		if m.vm.conditions.Offline {
			return failed("packages", 100, "E: Failed to fetch "+
				"http://archive.ubuntu.com/ubuntu/dists/noble/InRelease  "+
				"Temporary failure resolving 'archive.ubuntu.com'")
		}
		m.lacks = nil
	case guest.AddToGroup:
		m.group, m.member = true, true
	case guest.MakeDirectories:
		m.put(guest.StatePath, file{kind: "directory", mode: 0o750, group: guest.GroupName})
		m.put(c.Home+guest.HomeStateSuffix, file{kind: "directory", mode: 0o755, owner: c.User, group: c.User})
	case guest.InstallAgent:
		m.installAgent(of, c.Content)
	case guest.InstallBuilt:
		m.installAgent(of, m.files[c.Built.Path].data)
		delete(m.files, c.Built.Path)
	case guest.InstallCompanion:
		if c.Home != "" {
			built := path.Join(c.Home, ".cache/worldsetup-build/out", c.Name)
			c.Content = m.files[built].data
			delete(m.files, built)
		}
		m.put(layout.Program(c.Name), file{mode: 0o755, data: c.Content})
	case guest.InstallUnits:
		for _, path := range []string{of.ServicePath(), of.SocketPath()} {
			if old := m.files[path]; old != nil {
				m.files[path+".previous"] = old
			}
		}
		m.put(of.ServicePath(), file{data: []byte(c.Service)})
		m.put(of.SocketPath(), file{data: []byte(c.Socket)})
		if c.Runtime != "" {
			m.put(of.RuntimeUnitPath(), file{data: []byte(c.Runtime)})
			m.put(of.RuntimeLink(), file{kind: "symbolic link"})
		}
		m.enabled = true
	case guest.EnableLinger:
		if m.vm.conditions.NoLinger {
			return failed("linger", 1, "Could not enable linger: Access denied")
		}
		m.linger = true
	case guest.Activate:
		return m.activate(of, c)
	case guest.Retire:
		for _, old := range c.Old {
			for _, path := range []string{old.ServicePath(), old.SocketPath(), old.Agent()} {
				delete(m.files, path)
			}
		}
	case guest.WriteMarker:
		for _, point := range c.Mounts {
			if _, ok := m.mount(point); !ok {
				return failed("marker", 1, "nothing is mounted at "+point)
			}
		}
		m.put(guest.MarkerPath, file{data: []byte(c.Version + "\n")})
	default:
		return fmt.Errorf("fake: unknown change %T", c)
	}
	return nil
}

// nameOf names a change by its type, for [World].BeforeGuest, Delay and Calls.
func nameOf(c guest.Change) string { return strings.TrimPrefix(fmt.Sprintf("%T", c), "guest.") }

func (m *machine) installAgent(of layout.Layout, content []byte) {
	if old := m.files[of.Agent()]; old != nil && sum(old.data) != sum(content) {
		m.files[previousAgent(of)] = old
	}
	m.put(of.Agent(), file{mode: 0o755, data: content})
}

// activate starts socket and service again, and goes back to the agent before if the new one does not answer.
func (m *machine) activate(of layout.Layout, c guest.Activate) error {
	m.layout = of
	if !m.installed() || !m.group {
		return failed("activate", 1, "Failed to start "+of.Socket()+": Unit not found.")
	}
	m.listen()
	m.run()
	if m.service != nil {
		return nil
	}
	stderr := "the agent did not answer GET /v1/capabilities with 200"
	if len(c.Old) > 0 {
		delete(m.files, of.ServicePath())
		delete(m.files, of.SocketPath())
		m.layout = c.Old[0]
		m.run()
		return failed("activate", guest.ExitRolledBack, stderr+
			"\nthe agent of the generation before was started again and answers")
	}
	if c.Units {
		for _, path := range []string{of.ServicePath(), of.SocketPath()} {
			if old := m.files[path+".previous"]; old != nil {
				m.files[path] = old
			}
		}
	}
	previous := m.files[previousAgent(of)]
	if !c.Rollback || previous == nil {
		return failed("activate", 1, stderr)
	}
	m.put(of.Agent(), *previous)
	delete(m.files, previousAgent(of))
	m.run()
	return failed("activate", 3, stderr+"\nthe previous agent was restored and answers")
}
