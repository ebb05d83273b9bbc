package sim

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// unitError is a failure of systemctl.
type unitError struct {
	code    int
	message string
}

func (e *unitError) Error() string { return e.message }

// startEnabled is what systemd does at boot: sockets, then services.
func (m *machine) startEnabled() {
	for _, name := range []string{guest.SocketUnitName, guest.ServiceName} {
		if m.enabled[name] {
			_ = m.startUnit(name) // what fails at boot is found later
		}
	}
}

func (m *machine) startUnit(name string) error {
	u := m.unit(name)
	switch {
	case u.masked:
		return &unitError{1, fmt.Sprintf("Failed to start %s: Unit %s is masked.", name, name)}
	case u.loaded == nil:
		return &unitError{5, fmt.Sprintf("Failed to start %s: Unit %s not found.", name, name)}
	case u.active == "active":
		return nil
	case name == guest.ServiceName:
		m.startService(u)
		return nil // of a simple service, systemctl does not see whether it stays
	}
	if err := m.startSocket(u); err != nil {
		m.log("%s: %v", name, err)
		return &unitError{1, "Job failed. See \"journalctl -xe\" for details."}
	}
	return nil
}

// startSocket binds the socket of a socket unit. A socket that is left at the path is replaced, anything else is in the way.
func (m *machine) startSocket(u *unit) error {
	if service := m.units[guest.ServiceName]; service != nil && service.active == "active" {
		//lint:ignore ST1005 systemd's own words
		return fmt.Errorf("Socket service %s already active, refusing.", guest.ServiceName)
	}
	fail := func(result, format string, args ...any) error {
		u.active, u.sub, u.result = "failed", "failed", result
		return fmt.Errorf(format, args...)
	}
	path := u.loaded.get("Socket.ListenStream")
	mode, err := strconv.ParseUint(u.loaded.get("Socket.SocketMode"), 8, 32)
	if err != nil {
		mode = 0o666
	}
	uid, gid := 0, 0
	if name := u.loaded.get("Socket.SocketUser"); name != "" {
		owner := m.account(name)
		if owner == nil {
			return fail("exit-code", "Failed to resolve user %s", name)
		}
		uid = owner.uid
	}
	if name := u.loaded.get("Socket.SocketGroup"); name != "" {
		owner := m.groupCalled(name)
		if owner == nil {
			return fail("exit-code", "Failed to resolve group %s", name)
		}
		gid = owner.gid
	}
	if f := m.files[path]; f != nil && f.kind == directory {
		return fail("resources", "Failed to create listening socket (%s): Address already in use", path)
	}
	u.listens = m.put(path, file{kind: socketFile, mode: uint32(mode), uid: uid, gid: gid})
	u.active, u.sub, u.result = "active", "listening", "success"
	return nil
}

func (m *machine) stopUnit(name string) error {
	u := m.unit(name)
	if u.loaded == nil && u.active == "inactive" && !u.masked {
		return &unitError{5, fmt.Sprintf("Failed to stop %s: Unit %s not loaded.", name, name)}
	}
	if name == guest.ServiceName {
		m.stopService(u)
		// A socket that is part of its service goes with it.
		socket := m.unit(guest.SocketUnitName)
		if socket.loaded != nil && slices.Contains(socket.loaded.words("Unit.PartOf"), name) {
			m.stopSocket(socket)
		}
		return nil
	}
	m.stopSocket(u)
	return nil
}

func (m *machine) stopSocket(u *unit) {
	if u.listens != nil && u.loaded != nil && u.loaded.get("Socket.RemoveOnStop") == "yes" {
		// systemd unlinks what is at the path, and a directory cannot be unlinked.
		if path := u.loaded.get("Socket.ListenStream"); !m.is(path, directory) {
			m.remove(path)
		}
	}
	u.active, u.sub, u.listens = "inactive", "dead", nil
}

// resetFailed forgets that units failed.
func (m *machine) resetFailed(names ...string) {
	for _, name := range names {
		u := m.unit(name)
		u.retries = 0
		if u.active == "failed" {
			u.active, u.sub, u.result = "inactive", "dead", "success"
		}
	}
}

func (m *machine) log(format string, args ...any) {
	m.journal = append(m.journal, fmt.Sprintf(format, args...))
}

func itoa(n int) string { return strconv.Itoa(n) }
