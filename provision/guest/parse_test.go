package guest

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// testdata/observation.txt and verified.txt were printed by the scripts of package embed in a Debian 12 guest of Lima
// 2.1.4 with a finished world; names of the host were changed.
func recorded(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestUntouched: of a new guest only that is reported which takes no time, and what is assumed asks for no repair.
func TestUntouched(t *testing.T) {
	text := "worldsetup-observe 1\nuntouched=yes\nuser=sam\naccount-groups=sam " +
		"substrate\nlinger=no\nhome=/home/sam.guest\nsession-groups=sam substrate\n" +
		"group=substrate:x:999:sam\nmissing=jq\nend\n"
	o, err := ParseObservation(Reply{Stdout: []byte(text)}, layout.AgentV1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Untouched || o.User != "sam" || o.Home != "/home/sam.guest" || o.Group.GID != 999 ||
		!reflect.DeepEqual(o.Missing, []string{"jq"}) {
		t.Errorf("%+v", o)
	}
	if unit := o.Units[layout.AgentV1.Socket()]; !o.Sudo || o.DiskAvailable < 1<<40 || o.ClockAhead != 0 ||
		unit.Load != "not-found" || unit.Active != "inactive" {
		t.Errorf("%+v", o)
	}
	for _, line := range []string{"untouched=yes\n", "linger=no\n", "home=/home/sam.guest\n"} {
		if _, err := ParseObservation(Reply{Stdout: []byte(strings.Replace(text, line, "", 1))}, layout.AgentV1,
			0); err == nil {
			t.Errorf("without %q it was taken", line)
		}
	}
}

func TestParseObservation(t *testing.T) {
	text := recorded(t, "observation.txt")
	_, clock, _ := strings.Cut(text, "\ntime=")
	seconds, _, _ := strings.Cut(clock, ".")
	guestTime, err := time.ParseDuration(seconds + "s")
	if err != nil {
		t.Fatal(err)
	}
	sent := time.Unix(0, 0).Add(guestTime).Add(-time.Second)
	o, err := ParseObservation(Reply{Stdout: []byte(text), Sent: sent, Received: sent.Add(2 * time.Second)},
		layout.AgentV1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if o.ClockAhead < 0 || o.ClockAhead >= time.Second { // the fraction of the recorded second
		t.Errorf("the clock is ahead by %v", o.ClockAhead)
	}
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0) }
	for i := range o.Mounts {
		for j := range o.Mounts[i].Entries {
			entry := &o.Mounts[i].Entries[j]
			if entry.Name != ".profile" && entry.Name != "a.txt" {
				entry.ModTime = time.Time{} // two are enough
			}
		}
	}
	file := func(mode, owner, group string, size int64, sum string) File {
		return File{Type: "regular file", Mode: mode, Owner: owner, Group: group, Size: size, SHA256: sum}
	}
	unit := func(name string) Unit {
		return Unit{
			Load: "loaded", Active: "active", Sub: "running", FileState: "enabled", Result: "success",
			FragmentPath: "/etc/systemd/system/" + name,
		}
	}
	o.ClockAhead = 0
	if o.ClockError != time.Second {
		t.Errorf("the clock is right within %v", o.ClockError)
	}
	if socket := o.Files[SocketPath].Inode; socket == 0 || !o.Listening[socket] || len(o.Listening) != 1 {
		t.Errorf("file %d, listeners %v", socket, o.Listening)
	}
	o.ClockError, o.Listening = 0, nil
	for path, file := range o.Files {
		file.Inode = 0
		o.Files[path] = file
	}
	want := &Observation{Layout: layout.AgentV1,
		User: "ada", Home: "/home/ada.guest", SessionGroups: []string{"ada", "substrate"},
		AccountGroups: []string{"ada", "substrate"},
		Group:         &Group{GID: 996, Members: []string{"ada"}}, Sudo: true,
		Files: map[string]File{
			layout.AgentV1.Agent(): file("755", "root", "root", 3436,
				"9d3a3ca7c4c4ced6675722e1988ee0d7f74588da3fff2708cb30ab68fe008860"),
			layout.AgentV1.ServicePath(): file("644", "root", "root", 1011,
				"268cf2851ca6225c4d67ca08ea8c193830732afaf4d978c92dcf5bb5e077c264"),
			layout.AgentV1.SocketPath(): file("644", "root", "root", 261,
				"1494a4b6433d416c29aab76048e303d3a0e28c3e151c0cd65a3499f9782a1f1e"),
			MarkerPath: file("644", "root", "root", 17, layout.AgentV1.MarkerSum()),
			SocketPath: {Type: "socket", Mode: "660", Owner: "root", Group: "substrate"},
			StatePath: {Type: "directory", Mode: "750", Owner: "root",
				Group: "substrate", Size: 4096},
			RuntimePath:                  {Type: "directory", Mode: "750", Owner: "root", Group: "substrate", Size: 40},
			"/":                          {Type: "directory", Mode: "755", Owner: "root", Group: "root", Size: 4096},
			"/run":                       {Type: "directory", Mode: "755", Owner: "root", Group: "root", Size: 840},
			"/home/ada.guest/.substrate": {Type: "directory", Mode: "755", Owner: "ada", Group: "ada", Size: 4096},
		},
		Marker: layout.AgentV1.Marker, Linger: true, Runs: RunsInstalled,
		Units: map[string]Unit{layout.AgentV1.Service(): unit(layout.AgentV1.Service()),
			layout.AgentV1.Socket(): unit(layout.AgentV1.Socket())},
		Mounts: []Mount{
			{FSType: "fuse.sshfs", ReadOnly: true, Entries: []Entry{
				{Name: ".cache", Type: 'd', Size: 4096}, {Name: ".bashrc", Type: 'f', Size: 3526},
				{Name: ".lima", Type: 'd', Size: 4096},
				{Name: ".bash_logout", Type: 'f', Size: 220},
				{Name: ".profile", Type: 'f', Size: 914, ModTime: at(1795429061)},
				{Name: "notes.yaml", Type: 'f', Size: 1474}, {Name: ".local", Type: 'd', Size: 4096},
				{Name: "proj", Type: 'd', Size: 4096},
			}},
			{FSType: "fuse.sshfs", Entries: []Entry{{Name: "a.txt", Type: 'f', Size: 3, ModTime: at(1795427553)}}},
		},
		DiskUsed: 3, DiskAvailable: 19219576 << 10,
		Rooms: map[string]Room{"/": {19219576 << 10, 1250000}},
	}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("\nhave %+v\nwant %+v", o, want)
	}
}

func TestParseObservationOfABareGuest(t *testing.T) {
	o, err := ParseObservation(Reply{Stdout: []byte(`worldsetup-observe 1
unit.Id=substrate-world-agent.socket
unit.LoadState=not-found
unit.ActiveState=inactive
linger=no
missing=jq
unit.
missing=nft
unit.NRestarts=0
unit.Id=substrate-world-agent.service
unit.LoadState=not-found
unit.ActiveState=inactive
user=o'brien
home=/home/o'brien.guest
session-groups=o'brien
account-groups=o'brien docker
group=
sudo=no
mount=0|
mount=1|virtiofs rw,relatime
answers=1|no
entry=1|f|0|1.5|a|b=c
df=/dev/vda1 100 50 50 50% 9 10% /
time=1.000000000
end
`)}, layout.AgentV1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if o.Group != nil || o.Sudo || o.Linger || o.Marker != "" || len(o.Files) != 0 || o.User != "o'brien" {
		t.Errorf("%+v", o)
	}
	if !reflect.DeepEqual(o.Missing, []string{"jq", "nft"}) ||
		!reflect.DeepEqual(o.AccountGroups, []string{"o'brien", "docker"}) {
		t.Errorf("missing %q, groups %q", o.Missing, o.AccountGroups)
	}
	want := []Mount{{}, {FSType: "virtiofs", Dead: true,
		Entries: []Entry{{Name: "a|b=c", Type: 'f', ModTime: time.Unix(1, 0)}}}}
	if !reflect.DeepEqual(o.Mounts, want) {
		t.Errorf("mounts %+v", o.Mounts)
	}
}

func TestParseObservationRefusesWhatIsMalformed(t *testing.T) {
	whole := recorded(t, "observation.txt")
	if _, err := ParseObservation(Reply{Stdout: []byte(whole)}, layout.AgentV1, 2); err != nil {
		t.Fatal(err)
	}
	// A line in the place of the one that begins with the key; an empty one takes it out.
	for _, c := range []struct{ key, line string }{
		{"worldsetup-observe", "worldsetup-observe 2"}, {"worldsetup-observe", ""}, {"end", ""}, {"end", "end of it"},
		{"user=", ""}, {"user=", "user="}, {"user=", "user"}, {"home=", ""}, {"home=", "home="},
		{"session-groups=", ""}, {"account-groups=", ""}, {"group=", ""}, {"group=", "group=substrate:x:996"},
		{"group=", "group=substrate:x:many:ada"},
		{"sudo=", ""}, {"sudo=", "sudo="}, {"sudo=", "sudo=maybe"}, {"linger=", ""},
		{"linger=", "linger=1"},
		{"stat=", "stat=regular file|755|root|root|3436"},
		{"stat=", "stat=regular file|755|root|root|big|/usr/local/bin/substrate-world-agent"},
		{"sha256=", "sha256=abc  /usr/local/bin/substrate-world-agent"}, {"sha256=", "sha256=9d3a3ca7"},
		{"sha256=", "sha256=9d3a3ca7c4c4ced6675722e1988ee0d7f74588da3fff2708cb30ab68fe008860  /somewhere"},
		{"sha256=", "sha256=9D3A3CA7C4C4CED6675722E1988EE0D7F74588DA3FFF2708CB30AB68FE008860  " +
			"/usr/local/bin/substrate-world-agent"},
		{"unit.Id=", ""}, {"unit.LoadState=", ""}, {"unit.ActiveState=", ""}, {"unit.Id=", "unit.Id=ssh.service"},
		{"unit.NRestarts=", "unit.NRestarts=some"}, {"unit.\n", ""}, {"unit.\n", "unit"},
		{"mount=0", ""}, {"mount=0", "mount=2|9p ro"}, {"mount=0", "mount=-1|9p ro"},
		{"mount=0", "mount=x|9p ro"}, {"mount=0", "mount="},
		{"entry=0", "entry=7|f|1|1.0|name"}, {"entry=0", "entry=0|f|1|1.0"}, {"entry=0", "entry=0|file|1|1.0|name"},
		{"entry=0", "entry=0|f|one|1.0|name"}, {"entry=0", "entry=0|f|1|now|name"}, {"entry=0", "entry=x|f|1|1.0|name"},
		{"df=", ""}, {"df=", "df=/dev/vda 1 2"}, {"df=", "df=/dev/vda 1 2 many 3% 1 1% /"},
		{"df=", "df=/dev/vda 1 2 3 half% 1 1% /"}, {"df=", "df=/dev/vda 1 2 3 4% many 1% /"},
		{"df=", "df=tmpfs 1 2 3 4% 5 6% /run"},
		{"time=", ""}, {"time=", "time=noon"}, {"time=", "time=nan"}, {"time=", "time=inf"},
		{"entry=0", "entry=0|f|1|nan|name"},
		{"entry=0", "entry=0|f|-1|1.0|name"}, {"entry=0", "entry=0|f|1|1.0|"}, {"linger=", "linger=yes\nmissing="},
		{"mount=0", "mount=0|\nmount=0|"},
		{"sudo=", "sudo=yes\nstat=regular file|644|root|root|17|/etc/substrate-lima-layout"},
		{"linger=", "linger=yes\nunit.Id=ssh.service\nunit.LoadState=loaded\nunit.ActiveState=active\nunit."},
		{"linger=", "linger=yes\nlinger=yes"}, {"user=", "user=ada\nuser=eve"},
		{"linger=", "linger=yes\nkernel=6"}, {"linger=", "linger=yes\nbash: warning: cannot set locale"},
		{"linger=", "linger=yes\npin=/etc/passwd|1.1.1.1"}, {"linger=", "linger=yes\npin=/etc/resolv.conf|x;y"},
		{"linger=", "linger=yes\nbroker=ssh.service|SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT"},
		{"linger=", "linger=yes\nbroker=substrate-world-agent.service|PATH"}, {"linger=", "linger=yes\nresolver="},
		{"linger=", "linger=yes\n"}, {"linger=", "linger=yes\npython="},
		{"linger=", "linger=yes\nmarker=zz"}, {"linger=", "linger=yes\nmarker=" + strings.Repeat("61 ", MaxMarker+1)},
	} {
		start := strings.Index(whole, c.key)
		length := strings.Index(whole[start:], "\n") + 1
		line := c.line
		if line != "" {
			line += "\n"
		}
		broken := whole[:start] + line + whole[start+length:]
		if o, err := ParseObservation(Reply{Stdout: []byte(broken)}, layout.AgentV1, 2); err == nil {
			t.Errorf("%q in the place of %q was taken: %+v", c.line, whole[start:start+length], o)
		}
	}
	for cut := range len(whole) - len("\n") { // an end without its newline is still one
		if _, err := ParseObservation(Reply{Stdout: []byte(whole[:cut])}, layout.AgentV1, 2); err == nil {
			t.Errorf("cut off after %q it was taken", whole[max(0, cut-20):cut])
		}
	}
	if _, err := ParseObservation(Reply{Stdout: []byte(whole)}, layout.AgentV1, 3); err == nil {
		t.Error("a mount point that no one named is missed")
	}
}

func TestTheClockIsComparedWithTheMiddleOfTheRoundTrip(t *testing.T) {
	whole := recorded(t, "observation.txt")
	start := strings.Index(whole, "time=")
	length := strings.Index(whole[start:], "\n")
	sent := time.Unix(1000, 0)
	for stamp, want := range map[string]time.Duration{
		"1001.500000000": 500 * time.Millisecond, "1001.0": 0, "991.000000000": -10 * time.Second,
		"1795430118.501767940": 1795429117501768 * time.Microsecond,
	} {
		text := whole[:start] + "time=" + stamp + whole[start+length:]
		o, err := ParseObservation(Reply{Stdout: []byte(text), Sent: sent, Received: sent.Add(2 * time.Second)},
			layout.AgentV1, 2)
		if err != nil {
			t.Fatal(err)
		}
		if off := o.ClockAhead - want; off.Abs() > time.Microsecond {
			t.Errorf("%s: ahead by %v, want %v", stamp, o.ClockAhead, want)
		}
	}
}

func FuzzParseObservation(f *testing.F) {
	f.Add(recorded(f, "observation.txt"), 2)
	f.Add("worldsetup-observe 1\nend\n", 0)
	f.Add("worldsetup-observe 1\nunit.\nunit.=\nmount=0|\nentry=0|f|1|inf|x\ntime=nan\nend", 1)
	f.Fuzz(func(t *testing.T, text string, mounts int) {
		o, err := ParseObservation(Reply{Stdout: []byte(text)}, layout.AgentV1, mounts&7)
		if (o == nil) == (err == nil) {
			t.Errorf("%v, %v", o, err)
		}
	})
}

// A kernel that does not show sockets' files leaves that open, and nothing else.
func TestParseObservationOfAKernelWithoutSocketFiles(t *testing.T) {
	text := strings.Replace(recorded(t, "observation.txt"), " <-> ino:", " <-> ", 1)
	o, err := ParseObservation(Reply{Stdout: []byte(text)}, layout.AgentV1, 2)
	if err != nil || o.Listening != nil || o.Runs != RunsInstalled {
		t.Errorf("%v, %+v", err, o)
	}
}

// Anyone who cannot enter /run cannot ask systemd; everyone else must have asked.
func TestParseWithoutUnits(t *testing.T) {
	var kept []string
	for line := range strings.Lines(recorded(t, "observation.txt")) {
		if !strings.HasPrefix(line, "unit.") {
			kept = append(kept, line)
		}
	}
	text := strings.Join(kept, "")
	if _, err := ParseObservation(Reply{Stdout: []byte(text)}, layout.AgentV1, 2); err == nil {
		t.Error("units are missing, and no one minds")
	}
	closed := strings.Replace(text, "stat=directory|755|root|root|840|1|/run",
		"stat=directory|700|root|root|840|1|/run", 1)
	if o, err := ParseObservation(Reply{Stdout: []byte(closed)}, layout.AgentV1, 2); err != nil || o.Files["/run"].Open() {
		t.Errorf("%v", err)
	}
}

// What the system's own tools have left is read by its names, and bounded.
func TestParseOfTools(t *testing.T) {
	lines := strings.Repeat("pin=/etc/dnsmasq.d/substrate.conf|1.1.1.1#53\n", 2*maxOfTools) + "resolver=off\n" +
		"broker=substrate-world-service.service|SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT\n"
	text := strings.Replace(recorded(t, "observation.txt"), "linger=", lines+"linger=", 1)
	o, err := ParseObservation(Reply{Stdout: []byte(text)}, layout.AgentV1, 2)
	if err != nil || len(o.Pins[PinFiles[0]]) != maxOfTools || o.Resolver != ResolverOff ||
		!slices.Equal(o.Broker[layout.ServiceV1.Service()], layout.BrokerVariables[:1]) {
		t.Errorf("%v, %+v", err, o)
	}
}

func TestParseMounts(t *testing.T) {
	text := "worldsetup-observe 1\nmount=0|fuse.sshfs ro,nosuid\nentry=0|f|3|1700000000.5|a=b|c\n" +
		"mount=1|\nmount=2|9p rw\nanswers=0|yes\nend\n"
	refused := strings.Replace(text, "answers=0|yes", "answers=0|refused", 1)
	if mounts, err := ParseMounts(Reply{Stdout: []byte(refused)}, 3); err != nil || !mounts[0].Refused || mounts[0].Dead {
		t.Errorf("refused: %+v, %v", mounts, err)
	}
	mounts, err := ParseMounts(Reply{Stdout: []byte(text)}, 3)
	want := []Mount{{FSType: "fuse.sshfs", ReadOnly: true,
		Entries: []Entry{{Name: "a=b|c", Type: 'f', Size: 3,
			ModTime: time.Unix(1700000000, 0)}}}, {}, {FSType: "9p", Silent: true}}
	if err != nil || !reflect.DeepEqual(mounts, want) {
		t.Errorf("%+v, %v", mounts, err)
	}
	for name, damaged := range map[string]string{
		"cut off":            strings.TrimSuffix(text, "end\n"),
		"another version":    strings.Replace(text, "observe 1", "observe 2", 1),
		"a mount not seen":   strings.Replace(text, "mount=1|\n", "", 1),
		"a mount twice":      strings.Replace(text, "mount=1|", "mount=0|", 1),
		"a mount too many":   strings.Replace(text, "mount=1|", "mount=3|", 1),
		"answers twice":      strings.Replace(text, "answers=0|yes", "answers=0|yes\nanswers=0|yes", 1),
		"no answer at all":   strings.Replace(text, "answers=0|yes", "answers=0", 1),
		"answers of no one":  strings.Replace(text, "answers=0|yes", "answers=3|yes", 1),
		"something else":     strings.Replace(text, "mount=1|", "user=sam\nmount=1|", 1),
		"an entry in pieces": strings.Replace(text, "|f|3|", "|f|", 1),
	} {
		if mounts, err := ParseMounts(Reply{Stdout: []byte(damaged)}, 3); err == nil {
			t.Errorf("%s: %+v", name, mounts)
		}
	}
}

// TestParseMarker: only a whole line of a name's characters names a layout. All else is text, as it was written.
func TestParseMarker(t *testing.T) {
	for content, name := range map[string]string{
		"tcp-v0\n": "tcp-v0", "socket-parity-v2\n": "socket-parity-v2", "v2.1_beta\n": "v2.1_beta",
		strings.Repeat("a", MaxMarker-2) + "\n": strings.Repeat("a", MaxMarker-2),

		"": "", "\n": "", "tcp-v0": "", "tcp-v0\r\n": "", "tcp-v0 \n": "", " tcp-v0\n": "", "tcp-v0\n\n": "",
		"tcp-v0\ntcp-v1\n": "", "\ufefftcp-v0\n": "", "tcp\x00-v0\n": "", "\x1b[2Jtcp-v0\n": "", "-rf\n": "",
		strings.Repeat("a", MaxMarker): "", strings.Repeat("a", MaxMarker-1) + "\n": "",
	} {
		text := content
		if name != "" {
			text = ""
		}
		gotName, gotText, err := parseMarker(fmt.Sprintf("% x", content))
		if gotName != name || gotText != text || err != nil {
			t.Errorf("%q: name %q, text %q, %v", content, gotName, gotText, err)
		}
	}
}

// What sudo reports was recorded with the sudo of Debian 13 and the sudo-rs of sid.
func TestSudoRefusal(t *testing.T) {
	for output, want := range map[string]SudoRefusal{
		"":                             SudoWantsPassword,
		"sudo: a password is required": SudoWantsPassword,
		"sudo: interactive authentication is required":                                           SudoWantsPassword,
		"sudo: I'm sorry ada. I'm afraid I can't do that":                                        SudoWantsPassword,
		"sudo: account validation failure, is your account locked? sudo: a password is required": SudoAccount,
		"sudo: Account validation failure, is your account locked?":                              SudoAccount,
		"sudo: PAM error: Authentication token manipulation error":                               SudoAccount,
		"sudo: sorry, you must have a tty to run sudo":                                           SudoWantsTerminal,
		"sudo: /etc/sudoers is world writable":                                                   SudoFiles,
		"sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set":                 SudoFiles,
		"sudo: /etc/sudoers is owned by uid 1001, should be 0":                                   SudoFiles,
		"sudo: /etc/sudoers.d/lima is world writable sudo: a password is required":               SudoFiles,
		"observe: 291: sudo: not found":                                                          SudoMissing,
	} {
		if got := (&Observation{SudoOutput: output}).SudoRefusal(); got != want {
			t.Errorf("%q: got %q, want %q", output, got, want)
		}
	}
	if got := (&Observation{Sudo: true}).SudoRefusal(); got != SudoWorks {
		t.Errorf("a sudo that works: got %q", got)
	}
}

// Only the build script's last lines report what was built.
func TestParseBuilt(t *testing.T) {
	sum := strings.Repeat("0", 64)
	for _, line := range []string{"built 5 " + sum + " relative/path", "built 5 0 /a", "built", "Compiling a"} {
		if built, found := parseBuilt(line); found {
			t.Errorf("%q: %+v", line, built)
		}
	}
	if built, found := parseBuilt("built 5 " + sum + " /home/u/a file"); !found ||
		built != (Built{"a file", "/home/u/a file", sum}) {
		t.Errorf("%+v", built)
	}
}
