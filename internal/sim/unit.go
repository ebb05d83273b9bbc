package sim

import (
	"path/filepath"
	"slices"
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
	masked  bool
	frozen  bool  // of a service: its processes are stopped
	runs    *file // of a service: the file that it was started from

	// Of a running service: what it runs, and the socket that it was given or made.
	program *Program
	listens *file
}

// unitFile is a unit's text as systemd has read it.
type unitFile struct {
	version string // of the files that were read
	values  map[string][]string
}

// parseUnit reads a unit's text: the values of each key, by "Section.Key".
func parseUnit(f *file) *unitFile {
	u := &unitFile{values: map[string][]string{}}
	u.add(f)
	return u
}

// add reads one more text: an empty value takes back those before it.
func (u *unitFile) add(f *file) {
	section := ""
	for line := range strings.Lines(string(f.data)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.Trim(line, "[]")
			continue
		}
		if key, value, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") {
			if key = section + "." + key; strings.TrimSpace(value) == "" {
				delete(u.values, key)
				continue
			}
			u.values[key] = append(u.values[key], strings.TrimSpace(value))
		}
	}
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
	if u.loaded == nil && !u.masked {
		m.reload(u)
	}
	return u
}

func (m *machine) reload(u *unit) {
	u.loaded, u.masked = nil, false
	switch f := m.fragment(u.name); {
	case f == nil:
	case f.kind == symlink && string(f.data) == "/dev/null", f.kind == regular && len(f.data) == 0:
		u.masked = true
	case f.kind == regular:
		u.loaded = parseUnit(f)
		for _, path := range m.dropIns(u.name) {
			u.loaded.add(m.files[path])
		}
		u.loaded.version = m.versions(u.name)
	}
}

// hiding are the directories whose units systemd prefers to those in unitDirectory.
var hiding = []string{"/etc/systemd/system.control/", "/run/systemd/system.control/", "/run/systemd/transient/", "/run/systemd/generator.early/"}

// fragment is the file that systemd takes for a unit.
func (m *machine) fragment(name string) *file {
	for _, dir := range append(slices.Clone(hiding), unitDirectory) {
		if f := m.files[dir+name]; f != nil {
			return f
		}
	}
	return nil
}

// dropIns are the paths of the files that are laid over a unit.
func (m *machine) dropIns(name string) (paths []string) {
	for path, f := range m.files {
		if dir, base := filepath.Split(path); f.kind == regular && strings.HasSuffix(base, ".conf") && slices.Contains([]string{
			"/etc/systemd/system.control/", "/run/systemd/system.control/", unitDirectory, "/run/systemd/system/",
		}, strings.TrimSuffix(dir, name+".d/")) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// versions stand for the times of all files of a unit.
func (m *machine) versions(name string) (versions string) {
	if f := m.fragment(name); f != nil {
		versions = itoa(f.version)
	}
	for _, path := range m.dropIns(name) {
		versions += " " + itoa(m.files[path].version)
	}
	return versions
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
	return u.loaded != nil && m.versions(u.name) != u.loaded.version
}

// properties are what `systemctl show` says of a unit, in the order in which it does.
func (m *machine) properties(name string) []string {
	u := m.unit(name)
	load, path, state := "not-found", "", ""
	if u.masked {
		load, state = "masked", "masked"
	}
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
		"FragmentPath="+path, "DropInPaths="+strings.Join(m.dropIns(name), " "), "UnitFileState="+state, "NeedDaemonReload="+reload)
}
