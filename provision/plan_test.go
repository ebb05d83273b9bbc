package provision

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

var update = flag.Bool("update", false, "write the golden files again")

// healthyTarget and healthyState are a world to which nothing is to be done.
func healthyTarget() target {
	return target{
		spec: Spec{VM: "substrate", Project: "/home/ada/proj"}, layout: layout.AgentV1,
		wanted: lima.Wanted{
			Home: "/home/ada", Project: "/home/ada/proj",
		},
		agent: &Agent{Path: "/home/ada/proj/bin/world-agent", SHA256: guest.Checksum([]byte("agent"))},
	}
}

func healthyState(t *testing.T) State {
	t.Helper()
	service, err := embed.ServiceUnit(layout.AgentV1, "/home/ada.guest", false)
	if err != nil {
		t.Fatal(err)
	}
	text, err := healthyTarget().wanted.Edit(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	config, err := lima.ParseProfile(text)
	if err != nil {
		t.Fatal(err)
	}
	config.PortForwards[1].HostSocket = "/lima/substrate/sock/substrate.sock" // as Lima fills it in
	file := func(kind, mode, owner, group string, content []byte) guest.File {
		return guest.File{Type: kind, Mode: mode, Owner: owner, Group: group,
			Size: int64(len(content)), SHA256: guest.Checksum(content)}
	}
	return State{
		Instance: &limatype.Instance{
			Name: "substrate", Dir: "/lima/substrate", Status: limatype.StatusRunning,
			VMType: limatype.QEMU, Arch: limatype.X8664,
			CPUs: 4, Memory: 4 << 30, Disk: 20 << 30, Config: config,
		},
		Signs: []string{"it has the mark of worldsetup"}, HostSocket: true,
		Mounts: []string{"", ""},
		Guest: &guest.Observation{
			Layout: layout.AgentV1,
			User:   "ada", Home: "/home/ada.guest", Sudo: true, DiskAvailable: 10 << 30,
			Marker: layout.AgentV1.Marker, Linger: true,
			SessionGroups: []string{"ada", "substrate"}, AccountGroups: []string{"ada", "substrate"},
			Group: &guest.Group{GID: 996, Members: []string{"ada"}},
			Files: map[string]guest.File{
				layout.AgentV1.Agent():       file("regular file", "755", "root", "root", []byte("agent")),
				layout.AgentV1.ServicePath(): file("regular file", "644", "root", "root", []byte(service)),
				layout.AgentV1.SocketPath():  file("regular file", "644", "root", "root", []byte(embed.SocketUnit(layout.AgentV1))),
				guest.MarkerPath: file("regular file", "644", "root", "root",
					[]byte(layout.AgentV1.Marker+"\n")),
				guest.SocketPath:             file("socket", "660", "root", "substrate", nil),
				guest.StatePath:              file("directory", "750", "root", "substrate", nil),
				guest.RuntimePath:            file("directory", "750", "root", "substrate", nil),
				"/home/ada.guest/.substrate": file("directory", "755", "ada", "ada", nil),
			},
			Units: map[string]guest.Unit{
				layout.AgentV1.Service(): {Load: "loaded", Active: "active", Sub: "running",
					FileState: "enabled", Result: "success"},
				layout.AgentV1.Socket(): {Load: "loaded", Active: "active", Sub: "running",
					FileState: "enabled", Result: "success"},
			},
		},
	}
}

// onAppleSilicon has the VM be one of vz, on a Mac with Rosetta or without.
func onAppleSilicon(t *target, rosetta bool) {
	t.vmType, t.arch, t.rosetta = limatype.VZ, limatype.AARCH64, rosetta
}

// foreignState makes the state that of a foreign VM.
func foreignState(s *State) {
	s.Signs, s.Instance.Config = nil, &limatype.LimaYAML{}
	s.Guest.Marker, s.Guest.Files, s.Guest.Units, s.Guest.Group = "", nil, nil, nil
	s.Guest.SessionGroups, s.Guest.AccountGroups = []string{"ada"}, []string{"ada"}
}

// change changes the state of a file, and remove removes it.
func change(path string, edit func(*guest.File)) func(*target, *State) {
	return func(_ *target, s *State) {
		file := s.Guest.Files[path]
		edit(&file)
		s.Guest.Files[path] = file
	}
}

// dropIns lays drop-ins over a unit: pairs of a path and a text.
func dropIns(s *State, name string, pairs ...string) {
	unit := s.Guest.Units[name]
	for i := 0; i < len(pairs); i += 2 {
		unit.DropIns = append(unit.DropIns, guest.DropIn{Path: pairs[i], Lines: strings.Split(pairs[i+1], "\n")})
	}
	s.Guest.Units[name] = unit
}

func remove(path string) func(*target, *State) {
	return func(_ *target, s *State) { delete(s.Guest.Files, path) }
}

func unit(name string, edit func(*guest.Unit)) func(*target, *State) {
	return func(_ *target, s *State) {
		unit := s.Guest.Units[name]
		edit(&unit)
		s.Guest.Units[name] = unit
	}
}

// fromSource has the agent come from the project's workspace.
func fromSource(t *target, _ *State) {
	t.agent = &Agent{Source: SourceBuild, Path: "/home/ada/proj/Cargo.toml",
		Package: agent.Package{Name: "world-agent", LockVersion: 4, Cargo: "1.78"}}
}

// withCLISource has the guest's CLI, with its wrapper, be built in the VM.
func withCLISource(t *target) {
	t.sources = []agent.CompanionSource{{Companion: layout.AgentV1.Companions[1],
		Source: agent.Package{Name: "substrate", LockVersion: 4, Cargo: "1.78"}}}
}

func withGateway(t *target) {
	t.companions = []agent.Companion{{Companion: layout.AgentV1.Companions[0],
		Path: "/home/ada/proj/bin/substrate-gateway", SHA256: "2"}}
}

// plans are situations; what is planned for each stands in testdata/plans.golden.
var plans = map[string]func(*target, *State){
	"healthy":               func(*target, *State) {},
	"absent":                func(_ *target, s *State) { *s = State{} },
	"absent, Apple silicon": func(t *target, s *State) { *s = State{}; onAppleSilicon(t, false) },
	"absent, Rosetta":       func(t *target, s *State) { *s = State{}; onAppleSilicon(t, true) },
	"Rosetta gone":          func(t *target, s *State) { onAppleSilicon(t, false); s.RosettaLost = true },
	"Rosetta gone, and a restart": func(t *target, s *State) {
		onAppleSilicon(t, false)
		s.RosettaLost = true
		t.wanted.Memory = 8 << 30
	},
	"Rosetta gone, stopped": func(t *target, s *State) {
		onAppleSilicon(t, false)
		s.Instance.Status, s.Guest, s.RosettaLost = limatype.StatusStopped, nil, true
	},
	"Rosetta gone, no way in": func(t *target, s *State) {
		onAppleSilicon(t, false)
		s.Guest, s.GuestError, s.RosettaLost = nil, errors.New("timed out"), true
	},
	"absent, no agent": func(t *target, s *State) { *s = State{}; t.agent = nil },
	"not a world":      func(_ *target, s *State) { foreignState(s) },
	"not a world, stopped": func(_ *target, s *State) {
		foreignState(s)
		s.Instance.Status, s.Guest = limatype.StatusStopped, nil
	},
	"not a world, and to be replaced": func(t *target, s *State) {
		foreignState(s)
		t.spec.Replace = t.spec.VM
	},
	"not a world, and to be adopted": func(t *target, s *State) {
		foreignState(s)
		t.spec.Adopt = t.spec.VM
	},
	"made by lima-warm.sh": func(_ *target, s *State) {
		s.Signs, s.Warm = nil, []string{"lima.yaml has a provision script"}
	},
	"made by lima-warm.sh, to be adopted, names fixed, packages missing": func(t *target, s *State) {
		s.Signs, s.Warm, t.spec.Adopt = nil, []string{"lima.yaml has a provision script"}, t.spec.VM
		script := "cat >/etc/systemd/system/substrate-world-agent.service"
		s.Instance.Config.Provision = append(s.Instance.Config.Provision, limatype.Provision{Script: &script})
		s.Guest.Missing = []string{"conntrack"}
		s.Guest.Pins = map[string][]string{"/etc/dnsmasq.d/substrate.conf": {"1.1.1.1"}}
	},
	"belongs to the broker": func(t *target, s *State) {
		t.spec.Adopt, s.Guest.Broker = t.spec.VM, map[string][]string{
			layout.AgentV1.Service(): layout.BrokerVariables[:1]}
	},
	"not a world, to be adopted and replaced": func(t *target, s *State) {
		foreignState(s)
		t.spec.Adopt, t.spec.Replace, t.profile = t.spec.VM, t.spec.VM, &limatype.LimaYAML{}
	},
	"only its inside shows that it is a world": func(_ *target, s *State) {
		s.Signs, s.Instance.Config.PortForwards = nil, nil
	},
	"to be replaced, and protected by others": func(t *target, s *State) {
		t.spec.Replace, s.ProtectedBy = t.spec.VM, protectedByOthers
	},
	"to be replaced, and a name is taken": func(t *target, s *State) {
		t.spec.Replace, s.Swap.Foreign = t.spec.VM, "substrate.ws-tmp"
	},
	"stopped": func(_ *target, s *State) { s.Instance.Status = limatype.StatusStopped; s.Guest = nil },
	"broken": func(_ *target, s *State) {
		s.Instance.Status = limatype.StatusBroken
		s.Guest = nil
		s.Instance.Errors = []error{errors.New("host agent is not running")}
	},
	"unreadable": func(_ *target, s *State) {
		s.Instance.Config = nil
		s.Instance.Errors = []error{errors.New("yaml: line 3")}
	},
	"runs, no one gets in": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil, &guest.ConnectionError{Route: guest.Fresh, Detail: "timed out"}
	},
	"runs, no one gets in, restarted": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil, &guest.ConnectionError{Route: guest.Fresh, Detail: "timed out"}
		s.Tried = map[StepID]bool{StepStop: true, StepStart: true}
	},
	"runs, the key is refused": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil, &guest.ConnectionError{Route: guest.Fresh,
			Detail: "ada@127.0.0.1: Permission denied (publickey)."}
	},
	"runs, the key is refused after a penalty": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil, errors.Join(
			&guest.ConnectionError{Route: guest.Shared,
				Detail: "kex_exchange_identification: Connection closed by remote host"},
			&guest.ConnectionError{Route: guest.Fresh, Detail: "ada@127.0.0.1: Permission denied (publickey)."})
	},
	"runs, and prints something strange": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil,
			errors.New("the guest printed \"Welcome!\"")
	},
	"disk image gone":      func(_ *target, s *State) { s.DiskMissing = true },
	"clock off by an hour": func(_ *target, s *State) { s.Guest.ClockAhead = time.Hour },
	"clock off by little":  func(_ *target, s *State) { s.Guest.ClockAhead = 9 * time.Second },
	"root read-only": func(_ *target, s *State) {
		s.Guest.ReadOnlyRoot,
			s.Guest.Linger = true, false
	},
	"root read-only still": func(_ *target, s *State) {
		s.Guest.ReadOnlyRoot, s.Tried = true, map[StepID]bool{StepWritable: true}
	},
	"disk full": func(_ *target, s *State) { s.Guest.DiskAvailable = 3 << 20 },
	"home open to all, a mount lost": func(_ *target, s *State) {
		s.Guest.Files[s.Guest.Home], s.Mounts[1] = guest.File{Type: "directory", Mode: "777", Owner: "ada",
			Group: "ada"}, "gone"
	},
	"home open to its own group": func(_ *target, s *State) {
		s.Guest.Files[s.Guest.Home] = guest.File{Type: "directory", Mode: "775", Owner: "ada", Group: "ada"}
	},
	"keys open to a group": func(_ *target, s *State) {
		s.Guest.Files[s.Guest.Home+"/.ssh/authorized_keys"] = guest.File{Type: "regular file", Mode: "660",
			Owner: "ada", Group: "users"}
	},
	"sudo asks for a password, after a boot": func(_ *target, s *State) {
		s.Guest.Sudo, s.Tried = false, map[StepID]bool{StepStop: true, StepStart: true}
	},
	"sudo refuses the account": func(_ *target, s *State) {
		s.Guest.Sudo = false
		s.Guest.SudoOutput = "sudo: account validation failure, is your account locked? sudo: a password is required"
	},
	"sudo wants a terminal": func(_ *target, s *State) {
		s.Guest.Sudo, s.Guest.SudoOutput = false, "sudo: sorry, you must have a tty to run sudo"
	},
	"sudo asks for a password, and ssh refuses the key": func(_ *target, s *State) {
		s.Guest.Sudo, s.Guest.SudoOutput, s.Locked = false, "sudo: a password is required", "Permission denied"
	},
	"ssh refuses the key still, and a mount is lost": func(_ *target, s *State) {
		s.Locked, s.Mounts[1], s.Tried = "Permission denied", "gone", map[StepID]bool{StepSSHAccess: true}
	},
	"sshd lets only others in, and a mount is lost": func(_ *target, s *State) {
		s.Locked, s.Mounts[1] = "Permission denied", "gone"
		s.SSHSetting = guest.SSHDSetting{Name: "AllowUsers", Value: "games"}
	},
	"ssh refuses the key": func(_ *target, s *State) { s.Locked = "Permission denied" },
	"a directory is closed": func(_ *target, s *State) {
		s.Guest.Files["/run"] = guest.File{Type: "directory", Mode: "700"}
		delete(s.Guest.Files, guest.SocketPath)
	},
	"a unit is hidden": func(_ *target, s *State) {
		unit := s.Guest.Units[layout.AgentV1.Socket()]
		unit.FragmentPath = "/run/systemd/transient/substrate-world-agent.socket"
		s.Guest.Units[layout.AgentV1.Socket()] = unit
	},
	"another agent runs": func(_ *target, s *State) { s.Guest.Runs = guest.RunsOther },
	"no one listens":     func(_ *target, s *State) { s.Guest.Listening = map[uint64]bool{7: true} },
	"paper, and a new connection did not help": func(_ *target, s *State) {
		s.Guest.SessionGroups, s.Tried = []string{"ada"}, map[StepID]bool{StepConnection: true}
	},
	"a step did not hold": func(_ *target, s *State) { s.Guest.Linger, s.Unheld = false, "the step x was done" },
	"drop-ins": func(_ *target, s *State) {
		dropIns(s, layout.AgentV1.Service(),
			"/etc/systemd/system/substrate-world-agent.service.d/more.conf",
			"[Service]\nEnvironment=RUST_LOG=debug\nMemoryMax=1G\nReadWritePaths=/opt",
			"/etc/systemd/system/substrate-world-agent.service.d/other.conf",
			"[Service]\nExecStart=\nExecStart=/bin/false",
			"/etc/systemd/system/substrate-world-agent.service.d/same.conf",
			"[Service]\nRestart=no\nRestart=always\nNoNewPrivileges=true",
			"/usr/lib/systemd/system/service.d/all.conf", "[Service]\nUser=games")
		dropIns(s, layout.AgentV1.Socket(),
			"/etc/systemd/system/substrate-world-agent.socket.d/tcp.conf", "[Socket]\nListenStream=0.0.0.0:1",
			"/etc/systemd/system/substrate-world-agent.socket.d/mode.conf", "[Socket]\nSocketMode=0666")
	},
	"another unit listens": func(_ *target, s *State) {
		s.Guest.Strangers = []guest.Stranger{{Unit: "other.socket"}, {Unit: "other.socket", PID: 1}, {PID: 77}}
	},
	"another unit will listen": func(_ *target, s *State) {
		s.Guest.Strangers, s.Guest.Linger = []guest.Stranger{{Unit: "other.socket"}}, false
	},
	"a port for all services": func(_ *target, s *State) {
		s.Guest.AllHave = []string{"SUBSTRATE_AGENT_TCP_PORT=1", "SUBSTRATE_HOME=/x"}
	},
	"the socket is not wanted": func(_ *target, s *State) {
		s.Guest.Unwanted = []string{"/etc/systemd/system/sockets.target.wants/" + layout.AgentV1.Socket(), "/etc/passwd"}
	},
	"failed, with wishes": func(_ *target, s *State) {
		unit := s.Guest.Units[layout.AgentV1.Service()]
		unit.Active, unit.Result = "failed", "exit-code"
		s.Guest.Units[layout.AgentV1.Service()] = unit
		dropIns(s, layout.AgentV1.Service(), "/etc/systemd/system/service.d/all.conf", "[Service]\nExecStartPre=/bin/false")
	},
	"booting": func(_ *target, s *State) {
		s.Booting, s.Mounts, s.HostSocket = true,
			[]string{"gone", "gone"}, false
	},
	"booting, not entered": func(_ *target, s *State) {
		s.Booting, s.Guest, s.GuestError = true, nil,
			errors.New("refused")
	},
	"booting, packages missing": func(_ *target, s *State) {
		s.Booting, s.Guest.Missing, s.Guest.Marker = true, []string{"nft", "jq"}, ""
	},
	"group gone": func(_ *target, s *State) {
		s.Guest.Group, s.Guest.AccountGroups, s.Guest.SessionGroups = nil, []string{"ada"}, []string{"ada"}
	},
	"member on paper only":        func(_ *target, s *State) { s.Guest.SessionGroups = []string{"ada"} },
	"membership removed on paper": func(_ *target, s *State) { s.Guest.AccountGroups = []string{"ada"} },
	"packages missing":            func(_ *target, s *State) { s.Guest.Missing = []string{"nft", "dnsmasq"} },
	"agent missing":               remove(layout.AgentV1.Agent()),
	"agent missing, none to offer": func(t *target,
		s *State) {
		t.agent = nil
		delete(s.Guest.Files, layout.AgentV1.Agent())
	},
	"agent kept":    func(t *target, s *State) { t.agent = nil },
	"agent differs": change(layout.AgentV1.Agent(), func(f *guest.File) { f.SHA256 = guest.Checksum([]byte("old")) }),
	"agent empty": change(layout.AgentV1.Agent(),
		func(f *guest.File) { f.Type, f.SHA256 = "regular empty file", guest.Checksum(nil) }),
	"agent not executable": change(layout.AgentV1.Agent(), func(f *guest.File) { f.Mode = "644" }),
	"service unit missing": remove(layout.AgentV1.ServicePath()),
	"service unit edited": change(layout.AgentV1.ServicePath(),
		func(f *guest.File) { f.SHA256 = guest.Checksum([]byte("x")) }),
	"socket unit masked": change(layout.AgentV1.SocketPath(), func(f *guest.File) { f.Type = "symbolic link" }),
	"units disabled":     unit(layout.AgentV1.Service(), func(u *guest.Unit) { u.FileState = "disabled" }),
	"reload pending":     unit(layout.AgentV1.Socket(), func(u *guest.Unit) { u.NeedsReload = true }),
	"service failed": unit(layout.AgentV1.Service(),
		func(u *guest.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "exit-code" }),
	"service in a crash loop": unit(layout.AgentV1.Service(),
		func(u *guest.Unit) { u.Active, u.Sub, u.Result = "activating", "auto-restart", "exit-code" }),
	"socket unit stopped": unit(layout.AgentV1.Socket(),
		func(u *guest.Unit) { u.Active, u.Sub = "inactive", "dead" }),
	"service stopped": func(_ *target, s *State) {
		s.Guest.Units[layout.AgentV1.Service()] = guest.Unit{Load: "loaded", Active: "inactive", FileState: "enabled"}
		delete(s.Guest.Files, guest.RuntimePath)
	},
	"socket missing":           remove(guest.SocketPath),
	"socket a regular file":    change(guest.SocketPath, func(f *guest.File) { f.Type = "regular file" }),
	"socket open to all":       change(guest.SocketPath, func(f *guest.File) { f.Mode = "666" }),
	"socket of another group":  change(guest.SocketPath, func(f *guest.File) { f.Group = "root" }),
	"state directory missing":  remove(guest.StatePath),
	"user's directory of root": change("/home/ada.guest/.substrate", func(f *guest.File) { f.Owner = "root" }),
	"runtime directory open":   change(guest.RuntimePath, func(f *guest.File) { f.Mode = "755" }),
	"marker missing":           func(_ *target, s *State) { s.Guest.Marker = "" },
	"marker of no name": func(_ *target, s *State) {
		s.Guest.Marker, s.Guest.MarkerText = "", "socket-parity-v1\r\n"
	},
	"marker with more lines": func(_ *target, s *State) {
		s.Guest.Marker, s.Guest.MarkerText = "", "socket-parity-v1\nsomething\n"
	},
	"python missing, and the agent needs none": func(_ *target, s *State) { s.Guest.Missing = []string{"python3"} },
	"python missing": func(t *target, s *State) {
		t.agent.Source, s.Guest.Missing = SourceBuiltin, []string{"jq", "python3"}
	},
	"python broken": func(t *target, s *State) {
		t.agent.Source, s.Guest.PythonFault = SourceBuiltin, "No module named 'json' (exit status 1)"
		s.Guest.Units[layout.AgentV1.Service()] = guest.Unit{Load: "loaded", Active: "activating", Sub: "auto-restart",
			FileState: "enabled", Result: "exit-code"}
	},
	"marker of another scheme": func(_ *target, s *State) { s.Guest.Marker = "tcp-v0" },
	"linger off":               func(_ *target, s *State) { s.Guest.Linger = false },
	"sudo asks for a password": func(_ *target, s *State) { s.Guest.Sudo = false },
	"mount refused":            func(_ *target, s *State) { s.Mounts[1] = mounts.Refused },
	"mount lost":               func(_ *target, s *State) { s.Mounts[1] = "nothing is mounted there" },
	"no one answers":           func(_ *target, s *State) { s.Unanswered = "could not connect to /run/substrate.sock" },
	"sessions end early": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil, &guest.SessionError{Route: guest.Shared}
	},
	"sessions end early, over a fresh connection": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil, errors.Join(&guest.ConnectionError{Route: guest.Shared},
			&guest.SessionError{Route: guest.Fresh, ExitCode: 3, Output: "Not today."})
	},
	"login shell nologin, and no other way": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil, &guest.SessionError{Route: guest.Shared, ExitCode: 1,
			Output: "This account is currently not available."}
	},
	"sessions hang": func(_ *target, s *State) {
		s.Guest, s.GuestError = nil, &guest.SessionError{Route: guest.Fresh, Hangs: true}
	},
	"new sessions end early": func(_ *target, s *State) { s.Locked, s.EndsEarly = "it ended", true },
	"login shell prints":     func(_ *target, s *State) { prints(s) },
	"login shell prints, and a mount is lost": func(_ *target, s *State) {
		prints(s)
		s.Mounts[1] = "nothing is mounted there"
	},
	"login shell prints, a mount is lost and linger off": func(_ *target, s *State) {
		prints(s)
		s.Mounts[1], s.Guest.Linger = "nothing is mounted there", false
	},
	"login shell prints, and more processors": func(t *target, s *State) {
		prints(s)
		t.wanted.CPUs = 8
	},
	"login shell prints, and the mount that is lost is no sshfs": func(_ *target, s *State) {
		s.Mounts[1], s.Guest.Noise = "nothing is mounted there", "Welcome back!"
	},
	"something else answers": func(_ *target, s *State) { s.Misanswered, s.Unanswered = true, "backend web-server" },
	"something else answers after it was started again": func(_ *target, s *State) {
		s.Misanswered, s.Unanswered, s.Tried = true, "backend web-server", map[StepID]bool{StepActivate: true}
	},
	"shared connection dead": func(_ *target, s *State) { s.SharedDead = true },
	"host socket dead":       func(_ *target, s *State) { s.HostSocket = false },
	"netfilter asked for":    func(t *target, _ *State) { t.spec.Netfilter = On },
	"netfilter not wanted":   func(t *target, _ *State) { t.spec.Netfilter = Off },
	"more processors":        func(t *target, _ *State) { t.wanted.CPUs = 8 },
	"more of everything, stopped": func(t *target, s *State) {
		t.wanted.CPUs, t.wanted.Memory, t.wanted.Disk = 8, 8<<30, 40<<30
		s.Instance.Status, s.Guest = limatype.StatusStopped, nil
	},
	"smaller disk":    func(t *target, _ *State) { t.wanted.Disk = 10 << 30 },
	"another VM type": func(t *target, _ *State) { t.wanted.VMType = limatype.VZ },
	"another image": func(t *target,
		_ *State) {
		t.wanted.Images = []limatype.Image{{File: limatype.File{Location: "/img"}}}
	},
	"home left out": func(t *target, _ *State) { t.wanted.NoHome = true },
	"home left out, and still shown": func(t *target, s *State) {
		t.wanted.NoHome, s.HomeLeftOut, s.Mounts[0] = true, true, "it is still mounted, and is to be left out"
		s.Instance.Config.Mounts = s.Instance.Config.Mounts[1:]
	},
	"home left out, and not recorded": func(t *target, s *State) {
		t.wanted.NoHome = true
		s.Instance.Config.Mounts = s.Instance.Config.Mounts[1:]
	},
	"home left out, and mounted again": func(_ *target, s *State) {
		s.HomeLeftOut, s.Instance.Config.Mounts = true, s.Instance.Config.Mounts[1:]
	},
	"another project": func(t *target, _ *State) { t.wanted.Project = "/home/ada/other" },
	"made by hand": func(_ *target, s *State) {
		s.Instance.Config = &limatype.LimaYAML{}
		s.Guest.Group = nil
		s.Guest.AccountGroups = []string{"ada"}
		s.Guest.SessionGroups = []string{"ada"}
	},
	"five at once": func(_ *target, s *State) {
		s.Guest.Linger, s.Guest.Marker = false, ""
		s.Mounts[1] = "gone"
		delete(s.Guest.Files, layout.AgentV1.Agent())
		delete(s.Guest.Files, guest.StatePath)
	},
	"a companion missing": func(t *target, _ *State) { withGateway(t) },
	"a companion of another make": func(t *target, s *State) {
		withGateway(t)
		s.Guest.Files["/usr/local/bin/substrate-gateway"] = guest.File{Type: "regular file", Mode: "755", Owner: "root",
			Group: "root", SHA256: "1"}
	},
	"a companion that is there": func(t *target, s *State) {
		withGateway(t)
		s.Guest.Files["/usr/local/bin/substrate-gateway"] = guest.File{Type: "regular file", Mode: "755", Owner: "root",
			Group: "root", SHA256: "2"}
	},
	"a companion that was not requested": func(_ *target, s *State) {
		s.Guest.Files["/usr/local/bin/substrate"] = guest.File{Type: "symbolic link", Mode: "777",
			Owner: "root", Group: "root"}
	},
	"the wrapper missing": func(t *target, s *State) {
		withCLISource(t)
		s.Guest.Files["/usr/local/bin/substrate"] = guest.File{Type: "regular file", Mode: "755", Owner: "root",
			Group: "root"}
	},
	"a companion to be built":             func(t *target, _ *State) { withCLISource(t) },
	"absent, and a companion to be built": func(t *target, s *State) { *s = State{}; withCLISource(t) },
	"absent, with a companion":            func(t *target, s *State) { *s = State{}; withGateway(t) },
	"absent, to be built":                 func(t *target, s *State) { *s = State{}; fromSource(t, s) },
	"to be built": func(t *target,
		s *State) {
		fromSource(t, s)
		delete(s.Guest.Files, layout.AgentV1.Agent())
	},
	"to be built, one there": fromSource,
	"to be built again":      func(t *target, s *State) { fromSource(t, s); t.spec.RebuildAgent = true },
	"built again": func(t *target, s *State) {
		fromSource(t, s)
		t.spec.RebuildAgent, s.Tried = true, map[StepID]bool{StepAgentBuild: true}
	},
	"booting, to be built": func(t *target, s *State) {
		fromSource(t, s)
		delete(s.Guest.Files, layout.AgentV1.Agent())
		s.Guest.Marker, s.Guest.Linger, s.Booting = "", false, true
	},
	"booting, to be built, packages missing": func(t *target, s *State) {
		fromSource(t, s)
		delete(s.Guest.Files, layout.AgentV1.Agent())
		s.Guest.Missing, s.Booting = []string{"jq"}, true
	},
	"mount lost, to be built": func(t *target, s *State) {
		fromSource(t, s)
		delete(s.Guest.Files, layout.AgentV1.Agent())
		s.Mounts[1] = "nothing is mounted there"
	},
	"disk nearly full (fine)": func(_ *target, s *State) { s.Guest.DiskUsed = 99 },
}

func TestPlans(t *testing.T) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(plans)) {
		target, state := healthyTarget(), healthyState(t)
		plans[name](&target, &state)
		plan := makePlan(target, state)
		if again := makePlan(target, state); !reflect.DeepEqual(plan, again) {
			t.Errorf("%s: the same inputs made two plans:\n%v\n%v", name, plan, again)
		}
		fmt.Fprintf(&text, "%s\n", name)
		for _, step := range plan.Steps {
			fmt.Fprintf(&text, "  %s (%s): %s %s\n", step.ID, step.Disruption, step.Reason, step.operands)
		}
		for _, reason := range plan.Replace {
			fmt.Fprintf(&text, "  REPLACE: %s\n", reason)
		}
		if plan.Blocked != nil {
			fmt.Fprintf(&text, "  BLOCKED (%s): %s: %s\n", plan.Blocked.Kind, plan.Blocked.What,
				strings.ReplaceAll(plan.Blocked.Why, "\n", " | "))
		}
	}
	golden(t, "plans.golden", text.String())
}

func TestHealthyPlanIsEmpty(t *testing.T) {
	if plan := makePlan(healthyTarget(), healthyState(t)); !plan.Empty() {
		t.Errorf("a healthy world has the plan %+v", plan)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; observe what changed, then run the test with -update. Got:\n%s", path, got)
	}
}

// TestSudoThatRefuses: each reason of sudo's has a command against it, which needs no sudo.
func TestSudoThatRefuses(t *testing.T) {
	for output, want := range map[string]string{
		"sudo: sorry, you must have a tty to run sudo":                            "requiretty",
		"sudo: account validation failure, is your account locked?":               "chage -E -1 -d -1 ada",
		"sudo: PAM error: Authentication token manipulation error":                "chage -E -1 -d -1 ada",
		"sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set":  "chmod 4755 /usr/bin/sudo",
		"sudo: /etc/sudoers is owned by uid 1001, should be 0":                    "chown -R root:root /etc/sudoers",
		"sudo: /etc/sudoers.d/x is world writable sudo: a password is required":   "chmod -R go-w /etc/sudoers",
		"observe: 291: sudo: not found":                                           "apt-get install -y --reinstall sudo",
		"sudo: unable to load /usr/libexec/sudo/sudoers.so: something unheard of": "become root in the guest in another way",
	} {
		s := healthyState(t)
		s.Guest.Sudo, s.Guest.SudoOutput, s.Locked = false, output, "the password has expired"
		plan := makePlan(healthyTarget(), s)
		if plan.Blocked == nil || !strings.Contains(plan.Blocked.Next, want) || len(plan.Steps) > 0 ||
			!strings.Contains(plan.Blocked.Why, output) || !strings.Contains(plan.Blocked.Why, s.Locked) {
			t.Errorf("%s: %+v", output, plan.Blocked)
		}
	}
}

// prints has the login shell print, in a VM with mounts over sftp.
func prints(s *State) {
	s.Instance.Config.MountType, s.Guest.Noise = new(limatype.REVSSHFS), "Welcome back!\x1b[2J"
}
