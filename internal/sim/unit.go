package sim

import (
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// unitDirectory is where units are installed.
const unitDirectory = "/etc/systemd/system/"

// unit is what systemd knows of one of its units.
type unit struct {
	name    string
	loaded  *unitFile // nil: not found
	active  string
	sub     string
	result  string
	retries int

	// Of a running service: what it runs, and the socket that it was given or made.
	program *Program
	listens *file
}

// unitFile is a unit's text as systemd has read it.
type unitFile struct {
	version int // of the file that was read
	values  map[string][]string
}

// parseUnit reads a unit's text: the values of each key, by "Section.Key".
func parseUnit(f *file) *unitFile {
	u := &unitFile{version: f.version, values: map[string][]string{}}
	section := ""
	for line := range strings.Lines(string(f.data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.Trim(line, "[]")
			continue
		}
		if key, value, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") {
			u.values[section+"."+key] = append(u.values[section+"."+key], strings.TrimSpace(value))
		}
	}
	return u
}

// get is the last value of a key; empty when it has none.
func (u *unitFile) get(key string) string {
	if values := u.values[key]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// words are the words of all values of a key.
func (u *unitFile) words(key string) []string {
	return strings.Fields(strings.Join(u.values[key], " "))
}

// unit returns the unit called name, which systemd reads when it is first asked about it.
func (m *machine) unit(name string) *unit {
	u := m.units[name]
	if u == nil {
		u = &unit{name: name, active: "inactive", sub: "dead", result: "success"}
		m.units[name] = u
	}
	if u.loaded == nil {
		m.reload(u)
	}
	return u
}

func (m *machine) reload(u *unit) {
	u.loaded = nil
	if f := m.files[unitDirectory+u.name]; f != nil && f.kind == regular {
		u.loaded = parseUnit(f)
	}
}

// daemonReload has systemd read all units again. What runs goes on running; but a socket unit that has lost its file
// loses its socket as well, and still calls itself active when the file is back.
func (m *machine) daemonReload() {
	for _, u := range m.units {
		m.reload(u)
		if u.loaded == nil && u.name == guest.SocketUnitName {
			u.listens = nil
		}
	}
}

// needsReload says whether a unit's file has changed, or gone, since systemd read it.
func (m *machine) needsReload(u *unit) bool {
	f := m.files[unitDirectory+u.name]
	return u.loaded != nil && (f == nil || f.version != u.loaded.version)
}

// properties are what `systemctl show` says of a unit, in the order in which it does.
func (m *machine) properties(name string) []string {
	u := m.unit(name)
	load, path, state := "not-found", "", ""
	if u.loaded != nil {
		load, path, state = "loaded", unitDirectory+name, "disabled"
		if m.enabled[name] {
			state = "enabled"
		}
	}
	reload := "no"
	if m.needsReload(u) {
		reload = "yes"
	}
	lines := []string{"Result=" + u.result}
	if name == guest.ServiceName {
		lines = append(lines, "NRestarts="+itoa(u.retries))
	}
	sub := u.sub
	if service := m.units[guest.ServiceName]; name == guest.SocketUnitName && sub == "listening" && service != nil && service.active != "inactive" {
		sub = "running"
	}
	return append(lines, "Id="+name, "LoadState="+load, "ActiveState="+u.active, "SubState="+sub,
		"FragmentPath="+path, "DropInPaths=", "UnitFileState="+state, "NeedDaemonReload="+reload)
}
