package guest

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// overridden returns a guest in which drop-ins with these texts are laid over a unit, in order.
func overridden(unit string, texts ...string) (o *Observation) {
	o = &Observation{Layout: layout.AgentV1, Home: "/home/ada.guest",
		Units: map[string]Unit{layout.AgentV1.Service(): {}, layout.AgentV1.Socket(): {}}}
	var u Unit
	for i, text := range texts {
		path := "/etc/systemd/system/" + unit + ".d/" + string(rune('a'+i)) + ".conf"
		u.DropIns = append(u.DropIns, DropIn{path, strings.Split(text, "\n")})
	}
	o.Units[unit] = u
	return o
}

func TestContradictions(t *testing.T) {
	ours, err := embed.ServiceUnit(layout.AgentV1, "/home/ada.guest", false)
	if err != nil {
		t.Fatal(err)
	}
	socket, service := layout.AgentV1.Socket(), layout.AgentV1.Service()
	for _, c := range []struct {
		unit  string
		texts []string
		want  string // the settings that are blamed
	}{
		{service, []string{ours}, ""},
		{socket, []string{embed.SocketUnit(layout.AgentV1)}, ""},
		{service, []string{"[Service]\nEnvironment=SUBSTRATE_AGENT_TCP_PORT=1\nEnvironment=A=b"},
			"Environment=SUBSTRATE_AGENT_TCP_PORT=1"},
		{service, []string{`[Service]` + "\n" + `Environment=A=b 'SUBSTRATE_AGENT_TCP_PORT=1' C="d e"`},
			"Environment=SUBSTRATE_AGENT_TCP_PORT=1"},
		{service, []string{"[Service]\nEnvironment=A=b \\\n# a comment\n  SUBSTRATE_X=1"}, "Environment=SUBSTRATE_X=1"},
		{service, []string{"[Service]\nEnvironment=SUBSTRATE_X=1", "[Service]\nEnvironment=SUBSTRATE_HOME=/x"},
			"Environment=SUBSTRATE_X=1|Environment=SUBSTRATE_HOME=/x"},
		{service, []string{"[Service]\nEnvironment=SUBSTRATE_HOME=/x",
			"[Service]\nEnvironment=SUBSTRATE_HOME=/home/ada.guest/.substrate"}, ""},
		{service, []string{"[Service]\nEnvironment=\nEnvironment=A=b"}, "Environment="},
		{service, []string{"[Service]\nEnvironment=RUST_LOG=debug"}, ""},
		{service, []string{"[Service]\nUnsetEnvironment=SUBSTRATE_HOME"}, "UnsetEnvironment=SUBSTRATE_HOME"},
		{service, []string{"[Service]\n;User=games\n# User=games\nUser = games "}, "User=games"},
		{service, []string{"[Service]\nUser=games", "[Service]\nUser=root"}, ""},
		{service, []string{"[Socket]\nUser=games\n[Unit]\nUser=games\n[X-Notes]\nUser=games"}, ""},
		{service, []string{"[Service]\nExecStart=\nExecStart=/bin/false"}, "ExecStart=/bin/false"},
		{service, []string{"[Service]\nExecStart="}, "ExecStart="},
		{service, []string{"[Service]\nExecStart=\nExecStart=/usr/local/bin/substrate-world-agent"}, ""},
		{service, []string{"[Service]\nNoNewPrivileges=true\nMemoryMax=1G\nReadWritePaths=/opt\nExecStartPre=/bin/true"}, ""},
		{service, []string{"[Service]\nReadWritePaths="}, "ReadWritePaths="},
		{service, []string{"[Unit]\nAfter=\nDescription=\nConflicts=x.service"}, "Conflicts=x.service"},
		{socket, []string{"[Socket]\nListenStream=\nListenStream=1\nListenStream=/run/substrate.sock"}, "ListenStream=1"},
		{socket, []string{"[Socket]\nListenFIFO=/run/fifo\nListenNetlink=audit"}, "ListenFIFO=/run/fifo|ListenNetlink=audit"},
		{socket, []string{"[Socket]\nListenDatagram="}, "ListenDatagram="},
		{socket, []string{"[Socket]\nListenFIFO=/run/fifo", "[Socket]\nListenStream=\nListenStream=/run/substrate.sock"}, ""},
		{socket, []string{"[Socket]\nSocketMode=0666\nSocketMode=0660\nAccept=false"}, ""},
		{socket, []string{"[Socket]\nSocketMode="}, "SocketMode="},
	} {
		o := overridden(c.unit, c.texts...)
		broken := o.contradictions(c.unit)
		var have []string
		for _, dropIn := range o.Units[c.unit].DropIns {
			have = append(have, broken[dropIn.Path]...)
		}
		if strings.Join(have, "|") != c.want {
			t.Errorf("%q: blamed are %q, want %q", c.texts, have, c.want)
		}
	}
}

// TestFileVariables: a variable in a file is its drop-in's, and a file that may be meant by a pattern counts.
func TestFileVariables(t *testing.T) {
	for text, want := range map[string]string{
		"/etc/agent.env": "EnvironmentFile=/etc/agent.env sets SUBSTRATE_X=1 2", "-/etc/a*.env": "sets",
		"/etc/%p.env": "sets", "/etc/other.env": "",
	} {
		o := overridden(layout.AgentV1.Service(), "[Service]\nEnvironmentFile="+text)
		o.FileVariables = []Variable{{"/etc/agent.env", `SUBSTRATE_X="1 2"`}, {"/etc/agent.env", "# SUBSTRATE_Y=2"},
			{"/etc/agent.env", "A=SUBSTRATE_Z"}, {"/etc/agent.env", ""}}
		reasons, _, _ := o.Overrides()
		if have := strings.Join(reasons, "|"); !strings.Contains(have, want) || (want == "") != (have == "") ||
			strings.Contains(have, "_Y") || strings.Contains(have, "_Z") {
			t.Errorf("%s: %q", text, have)
		}
	}
}

// TestOverride: only what was put for our unit, where an administrator or a run does that, or what no mask beats, is
// displaced.
func TestOverride(t *testing.T) {
	const mask = "/etc/systemd/system/substrate-world-agent.service.d/a.conf"
	for path, want := range map[string]string{
		"/etc/systemd/system/substrate-world-agent.service.d/a.conf":         "",
		"/run/systemd/system/substrate-world-agent.service.d/a.conf":         "",
		"/etc/systemd/system.control/substrate-world-agent.service.d/a.conf": "",
		"/run/systemd/transient/service.d/a.conf":                            "",
		"/etc/systemd/system/substrate-.service.d/a.conf":                    mask,
		"/etc/systemd/system/service.d/a.conf":                               mask,
		"/run/systemd/generator/substrate-world-agent.service.d/a.conf":      mask,
		"/usr/lib/systemd/system/substrate-world-agent.service.d/a.conf":     mask,
		"/home/ada/a.conf": mask,
		"/etc/systemd/system/../../../home/ada/substrate-world-agent.service.d/a.conf":    mask,
		"/etc/systemd/system/substrate-world-agent.service.d/../../../../usr/bin/a.conf":  mask,
		"/opt/etc/systemd/system/substrate-world-agent.service.d/a.conf":                  mask,
		"/run/systemd/system/substrate-world-agent.socket.d/../passwd.service.d/a.conf":   mask,
		"/etc/systemd/system/substrate-world-agent.service.d/x/../../../../etc/../a.conf": mask,
	} {
		if want == "" {
			want = path
		}
		if have := override(layout.AgentV1.Service(), path); have != want {
			t.Errorf("%s: %s, want %s", path, have, want)
		}
	}
	o := &Observation{Layout: layout.AgentV1,
		Unwanted: []string{"/etc/systemd/system/sockets.target.wants/substrate-world-agent.socket",
			"/etc/systemd/system/sockets.target.wants/ssh.socket", "/usr/lib/x.target.wants/substrate-world-agent.socket"}}
	if have := o.Unlinked(); !slices.Equal(have, o.Unwanted[:1]) {
		t.Errorf("%q", have)
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"a b":                    {"a", "b"},
		` "a b"  c`:              {"a b", "c"},
		`A=$'b c' "D=e \" f" ''`: {"A=b c", `D=e " f`, ""},
		`"cut off`:               {"cut off"},
		`end\`:                   {"end"},
	} {
		if have := words(text); !slices.Equal(have, want) {
			t.Errorf("%q: %q, want %q", text, have, want)
		}
	}
}

// TestWishes: what is kept and may be why an agent does not start is named, what describes it is not.
func TestWishes(t *testing.T) {
	o := overridden(layout.AgentV1.Service(),
		"[Service]\nLimitAS=4M\nEnvironment=A=b\n[Unit]\nAfter=x.service\nDescription=mine",
		"[Service]\nUser=games\nLimitCORE=0")
	o.AllHave = []string{"SUBSTRATE_HOME=/x", "SUBSTRATE_AGENT_TCP_PORT=1"}
	if wishes := o.Wishes(); len(wishes) != 1 || !strings.HasSuffix(wishes[0].Text, "a.conf: LimitAS=4M") {
		t.Errorf("%+v", wishes)
	}
	if have := o.Inherited(); !slices.Equal(have, o.AllHave[1:]) {
		t.Errorf("%q", have)
	}
}

func TestParseOverrides(t *testing.T) {
	const place = "/etc/systemd/system/substrate-world-agent."
	text := strings.Replace(recorded(t, "observation.txt"), "unit.DropInPaths=\n",
		`unit.DropInPaths="/usr/lib/my own.conf" `+place+"service.d/b.conf\n", 1)
	text = strings.Replace(text, "root-fs=rw\n", "root-fs=ro\ntext=# "+place+"service\ntext=[Unit]\ntext=\n"+
		"text=# /usr/lib/my own.conf\ntext=[Service]\ntext=User=x=|y\ntext=# "+place+"service.d/b.conf\n"+
		"text=# "+place+"socket\ntext=[Socket]\nfile-sets=/etc/a.env|SUBSTRATE_X=1|2\nall-have=SUBSTRATE_Y=1\n"+
		"stranger=other.socket|1\nstranger=other.socket|1\nstranger=|77\nunwanted=/x\n", 1)
	o, err := ParseObservation(Reply{Stdout: []byte(text)}, layout.AgentV1, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []DropIn{{"/usr/lib/my own.conf", []string{"# /usr/lib/my own.conf", "[Service]", "User=x=|y"}},
		{place + "service.d/b.conf", []string{"# " + place + "service.d/b.conf"}}}
	if have := o.Units[layout.AgentV1.Service()].DropIns; !o.ReadOnlyRoot || !reflect.DeepEqual(have, want) {
		t.Errorf("%q", have)
	}
	if !reflect.DeepEqual(o.Strangers, []Stranger{{"other.socket", 1}, {"", 77}}) ||
		!reflect.DeepEqual(o.FileVariables, []Variable{{"/etc/a.env", "SUBSTRATE_X=1|2"}}) || len(o.AllHave) != 1 {
		t.Errorf("%+v", o)
	}
	for _, line := range []string{"stranger=a b.socket|1", "stranger=x|", "stranger=$(reboot)|1", "stranger=x|many",
		"all-have=", "unwanted=", "file-sets=/etc/a|"} {
		if _, err := ParseObservation(Reply{Stdout: []byte(strings.Replace(text, "unwanted=/x", line, 1))}, layout.AgentV1,
			2); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}

// FuzzSettings: a drop-in can hold anything.
func FuzzSettings(f *testing.F) {
	for _, seed := range []string{
		"[Service]\nEnvironment=A=b \"C=d e\"\nEnvironment=\n", "[Socket]\nListenStream=/run/x\\\n  y\n", "=", "[", "a=b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		effective, _ := inForce(settings(strings.Split(text, "\n"), "/etc/x.conf"))
		for _, s := range effective {
			_, _ = s.list(), words(s.value)
			if strings.Contains(s.key, "\n") {
				t.Errorf("%q has the key %q", text, s.key)
			}
		}
	})
}
