package sim

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// startService runs the service's program. One that fails is tried again by systemd, five seconds later: here, whenever
// somebody connects or asks for it.
func (m *machine) startService(u *unit) {
	m.log("Started %s - %s.", u.name, u.loaded.get("Unit.Description"))
	status, err := m.execute(u)
	if err == nil {
		u.active, u.sub, u.result = "active", "running", "success"
		return
	}
	m.log("%s: %v", u.name, err)
	m.log("%s: Main process exited, code=exited, status=%s", u.name, status)
	m.log("%s: Failed with result 'exit-code'.", u.name)
	m.remove(runtimeDirectory(u))
	u.result, u.program, u.listens = "exit-code", nil, nil
	if u.loaded.get("Service.Restart") == "always" {
		u.active, u.sub = "activating", "auto-restart"
		u.retries++
	} else {
		u.active, u.sub = "failed", "failed"
	}
}

// execute does what systemd does between fork and exec, and starts the program. The status is systemd's for a failure.
func (m *machine) execute(u *unit) (status string, err error) {
	gid := 0
	if name := u.loaded.get("Service.Group"); name != "" {
		owner := m.groupCalled(name)
		if owner == nil {
			//lint:ignore ST1005 systemd's own words
			return "216/GROUP", errors.New("Failed to determine group credentials: No such process")
		}
		gid = owner.gid
	}
	m.ensureDirectory("/run", u.loaded, "Runtime", gid)
	m.ensureDirectory("/var/lib", u.loaded, "State", gid)
	if u.loaded.get("Service.ProtectSystem") == "strict" {
		for _, writable := range u.loaded.words("Service.ReadWritePaths") {
			if !m.exists(writable) {
				//lint:ignore ST1005 systemd's own words
				return "226/NAMESPACE", fmt.Errorf("Failed to set up mount namespacing: /run/systemd/unit-root%s: No such file or directory", writable)
			}
		}
	}
	program, _, _ := strings.Cut(u.loaded.get("Service.ExecStart"), " ")
	f := m.files[program]
	if program == "/bin/false" {
		return "1/FAILURE", errors.New("it fails")
	}
	if f == nil || f.kind != regular || !f.allows(session{}, 1) {
		//lint:ignore ST1005 systemd's own words
		return "203/EXEC", fmt.Errorf("Failed at step EXEC spawning %s: No such file or directory", program)
	}
	runs := m.program(f.data)
	if !runs.Starts {
		return "1/FAILURE", fmt.Errorf("%s: cannot run", path.Base(program))
	}
	u.program, u.runs, u.frozen = &runs, f, false
	if socket := m.unit(guest.SocketUnitName); socket.active == "active" {
		u.listens = socket.listens
		return "", nil
	}
	// Without a socket from systemd the agent binds its own, and does not clear away what is in the way.
	if m.files[guest.SocketPath] != nil {
		return "1/FAILURE", fmt.Errorf("%s: Address already in use", guest.SocketPath)
	}
	u.listens = m.put(guest.SocketPath, file{kind: socketFile, mode: 0o660, gid: gid})
	return "", nil
}

// runningAgent is what the service's process was started from, compared with the agent that is installed: by the interpreter
// when that is a script.
func (m *machine) runningAgent() string {
	service, installed := m.unit(guest.ServiceName), m.files[guest.AgentPath]
	if service.runs == nil {
		return ""
	}
	interpreter := func(f *file) string {
		line, _, _ := strings.Cut(string(f.data), "\n")
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "#!"), " ")
		return map[bool]string{true: name}[strings.HasPrefix(line, "#!")]
	}
	if installed != nil && (installed.inode == service.runs.inode || interpreter(installed) != "" && interpreter(installed) == interpreter(service.runs)) {
		return guest.RunsInstalled
	}
	return guest.RunsOther
}

// stopService stops the program. systemd removes its runtime directory.
func (m *machine) stopService(u *unit) {
	if u.active != "inactive" {
		m.remove(guest.RuntimePath)
	}
	u.active, u.sub, u.result, u.program, u.listens = "inactive", "dead", "success", nil, nil
	u.runs, u.frozen = nil, false
}

// ensureDirectory makes RuntimeDirectory= or StateDirectory=. One that is there gets its owner and mode put right.
func (m *machine) ensureDirectory(under string, u *unitFile, kind string, gid int) {
	name := u.get("Service." + kind + "Directory")
	if name == "" {
		return
	}
	mode, err := strconv.ParseUint(u.get("Service."+kind+"DirectoryMode"), 8, 32)
	if err != nil {
		mode = 0o755
	}
	if f := m.files[under+"/"+name]; f != nil {
		f.mode, f.uid, f.gid = uint32(mode), 0, gid
		return
	}
	m.put(under+"/"+name, file{kind: directory, mode: uint32(mode), gid: gid})
}

func runtimeDirectory(u *unit) string { return "/run/" + u.loaded.get("Service.RuntimeDirectory") }

// exists says whether there is something at a path. Of the system's own directories only those that a test touches are kept.
func (m *machine) exists(path string) bool {
	switch path {
	case "/sys/fs/cgroup", "/tmp", "/run":
		return true
	}
	return m.files[path] != nil
}
