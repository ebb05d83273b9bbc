package sim

import (
	"errors"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

func TestTheNextConnectionStartsAStoppedService(t *testing.T) {
	w, vm := completed(t, Options{})
	must(t, vm.Root("systemctl stop substrate-world-agent.service"))
	o := observe(t, w, guest.Shared)
	if o.Units[guest.ServiceName].Active != "inactive" || o.Units[guest.SocketUnitName].Active != "active" {
		t.Errorf("units %+v", o.Units)
	}
	if _, found := o.Files[guest.RuntimePath]; found {
		t.Error("the runtime directory outlives the service")
	}
	if ok, why := prove(t, w, guest.Fresh)[guest.Self].Answered(); !ok {
		t.Error(why)
	}
	if o := observe(t, w, guest.Shared); o.Units[guest.ServiceName].Active != "active" || o.Files[guest.RuntimePath].Mode != "750" {
		t.Errorf("after a connection: %+v", o)
	}
}

func TestAnOutsiderDoesNotStartTheService(t *testing.T) {
	w, vm := completed(t, Options{})
	must(t, vm.Root("systemctl stop substrate-world-agent.service"))
	_, err := send(t.Context(), w, guest.Request{Route: guest.Fresh, Script: embed.Prove, Args: []string{guest.Outsider}})
	must(t, err)
	if o := observe(t, w, guest.Shared); o.Units[guest.ServiceName].Active != "inactive" {
		t.Error("it started")
	}
}

func TestStoppingTheSocketUnitRemovesTheSocket(t *testing.T) {
	w, vm := completed(t, Options{})
	must(t, vm.Root("systemctl stop substrate-world-agent.socket"))
	o := observe(t, w, guest.Shared)
	if _, found := o.Files[guest.SocketPath]; found || o.Units[guest.ServiceName].Active != "active" {
		t.Errorf("%+v", o)
	}
	// systemd refuses to start a socket unit under a running service.
	if err := vm.Root("systemctl start substrate-world-agent.socket"); err == nil {
		t.Error("it started under the service")
	}
	script(t, w, embed.Activate, "no", "30", "yes")
	if ok, why := prove(t, w, guest.Fresh)[guest.Self].Answered(); !ok {
		t.Error(why)
	}
}

// Measured on a real VM: with PartOf= on the socket unit, stopping the service took the socket with it.
func TestASocketUnitThatIsPartOfItsServiceStopsWithIt(t *testing.T) {
	w, vm := completed(t, Options{})
	service, err := embed.ServiceUnit("/home/sam.guest", false)
	must(t, err)
	socket := strings.Replace(embed.SocketUnit(), "[Socket]", "PartOf=substrate-world-agent.service\n\n[Socket]", 1)
	script(t, w, embed.Units, "yes", service, socket)
	must(t, vm.Root("systemctl stop substrate-world-agent.service"))
	if answer := prove(t, w, guest.Fresh)[guest.Self]; !answer.Refused() {
		t.Errorf("%+v", answer)
	}
}

func TestWhatSystemdSaysOfDamage(t *testing.T) {
	for name, c := range map[string]struct {
		damage string
		want   func(o *guest.Observation) bool
	}{
		"edited": {"printf '# x\\n' >>/etc/systemd/system/substrate-world-agent.service", func(o *guest.Observation) bool {
			return o.Units[guest.ServiceName].NeedsReload && o.Units[guest.ServiceName].Active == "active"
		}},
		"unit removed": {"rm -f /etc/systemd/system/substrate-world-agent.socket", func(o *guest.Observation) bool {
			return o.Units[guest.SocketUnitName].NeedsReload
		}},
		"unit removed and forgotten": {"rm -f /etc/systemd/system/substrate-world-agent.socket\nsystemctl daemon-reload", func(o *guest.Observation) bool {
			unit := o.Units[guest.SocketUnitName]
			return unit.Load == "not-found" && unit.Active == "active" && unit.FileState == ""
		}},
		"disabled": {"systemctl disable substrate-world-agent.socket", func(o *guest.Observation) bool {
			return o.Units[guest.SocketUnitName].FileState == "disabled" && o.Units[guest.SocketUnitName].Active == "active"
		}},
		"agent removed": {"rm -f /usr/local/bin/substrate-world-agent", func(o *guest.Observation) bool {
			return o.Units[guest.ServiceName].Active == "active" // what runs goes on
		}},
		"agent truncated": {"truncate -s 0 /usr/local/bin/substrate-world-agent", func(o *guest.Observation) bool {
			return o.Files[guest.AgentPath].Type == "regular empty file"
		}},
		"stranger's socket": {"rm -f /run/substrate.sock\nprintf 'x' >/run/substrate.sock", func(o *guest.Observation) bool {
			return o.Files[guest.SocketPath].Type == "regular file"
		}},
		"group deleted": {"groupdel substrate", func(o *guest.Observation) bool {
			return o.Files[guest.SocketPath].Group == "UNKNOWN" && o.Group == nil
		}},
		"linger off": {"loginctl disable-linger $1", func(o *guest.Observation) bool { return !o.Linger }},
		"mount lost": {"umount -l /src", func(o *guest.Observation) bool { return o.Mounts[1].FSType == "" }},
		"package removed": {"dpkg --remove --force-all curl", func(o *guest.Observation) bool {
			return o.Missing[len(o.Missing)-2] == "curl"
		}},
	} {
		w, vm := completed(t, Options{})
		must(t, vm.Root(c.damage))
		if o := observe(t, w, guest.Shared); !c.want(o) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

func TestAServiceThatCannotStartIsTriedAgain(t *testing.T) {
	for name, damage := range map[string]string{
		"no agent":               "rm -f /usr/local/bin/substrate-world-agent",
		"agent not executable":   "chmod 0644 /usr/local/bin/substrate-world-agent",
		"agent empty":            "truncate -s 0 /usr/local/bin/substrate-world-agent",
		"no directory of user's": "rmdir $2/.substrate",
		"no group":               "groupdel substrate",
	} {
		w, vm := completed(t, Options{})
		must(t, vm.Root(damage+"\nsystemctl stop substrate-world-agent.service"))
		answer := prove(t, w, guest.Fresh)[guest.Root]
		if answer.Exit != 28 {
			t.Errorf("%s: %+v", name, answer)
		}
		o := observe(t, w, guest.Shared)
		unit := o.Units[guest.ServiceName]
		if unit.Active != "activating" || unit.Sub != "auto-restart" || unit.Result != "exit-code" || unit.Restarts == 0 {
			t.Errorf("%s: %+v", name, unit)
		}
	}
}

func TestActivateRollsBack(t *testing.T) {
	for content, want := range map[string]struct {
		code   int
		stderr string
	}{
		"no program":     {3, "Main process exited, code=exited, status=1/FAILURE"},
		"it hangs":       {3, "did not answer GET /v1/capabilities with 200: curl: (28)"},
		"it fails":       {3, "with 200: 500"},
		"it closes them": {3, "with 200: curl: (52)"},
	} {
		w, vm := completed(t, Options{})
		must(t, install(t.Context(), w, []byte(content)))
		_, err := send(t.Context(), w, guest.Request{Route: guest.Shared, Script: embed.Activate, Args: []string{"yes", "30", "yes"}, Root: true})
		failure := (*guest.ScriptError)(nil)
		if !errors.As(err, &failure) || failure.ExitCode != want.code || !strings.Contains(failure.Stderr, want.stderr) ||
			!strings.Contains(failure.Stderr, "the previous agent was put back and answers") {
			t.Errorf("%s: %v", content, err)
		}
		if vm.guest.files[previousAgent] != nil || sum(vm.guest.files[guest.AgentPath].data) != sum(embed.ProbeAgent()) {
			t.Errorf("%s: the previous agent is not back", content)
		}
		if ok, why := prove(t, w, guest.Fresh)[guest.Self].Answered(); !ok {
			t.Errorf("%s: %s", content, why)
		}
	}
}

func TestActivateWithoutRollback(t *testing.T) {
	w, vm := completed(t, Options{})
	run := func() *guest.ScriptError {
		_, err := send(t.Context(), w, guest.Request{Route: guest.Shared, Script: embed.Activate, Args: []string{"no", "30", "yes"}, Root: true})
		failure := (*guest.ScriptError)(nil)
		errors.As(err, &failure)
		return failure
	}
	must(t, install(t.Context(), w, []byte("no program")))
	if failure := run(); failure == nil || failure.ExitCode != 1 {
		t.Errorf("%v", failure)
	}
	must(t, install(t.Context(), w, []byte("it answers")))
	if failure := run(); failure != nil {
		t.Error(failure)
	}
	must(t, vm.Root("rm /run/substrate.sock\nmkdir /run/substrate.sock"))
	if failure := run(); failure != nil || !vm.guest.is("/run/substrate.sock.set-aside", directory) {
		t.Errorf("with a directory in the way: %v", failure)
	}
	must(t, vm.Root("rm -f /etc/systemd/system/substrate-world-agent.service\nsystemctl daemon-reload"))
	if failure := run(); failure == nil || failure.ExitCode != 1 {
		t.Errorf("without a unit: %v", failure)
	}
}

func TestADamagedAgentIsNotInstalled(t *testing.T) {
	w, vm := completed(t, Options{})
	before := vm.Fingerprint()
	_, err := send(t.Context(), w, guest.Request{
		Route: guest.Shared, Script: embed.Agent, Args: []string{sum([]byte("whole"))}, Root: true, Stdin: strings.NewReader("ho"),
	})
	if failure := (*guest.ScriptError)(nil); !errors.As(err, &failure) || !strings.Contains(failure.Stderr, "arrived damaged") {
		t.Errorf("%v", err)
	}
	if vm.Fingerprint() != before {
		t.Error("something was changed")
	}
}

func TestWhatScriptsRunInto(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Conditions)
		script embed.Script
		args   []string
		want   string
	}{
		"offline":   {func(c *Conditions) { c.Offline = true }, embed.Packages, []string{"jq"}, "Temporary failure resolving"},
		"no linger": {func(c *Conditions) { c.NoLinger = true }, embed.Linger, []string{"sam"}, "Could not enable linger"},
		"disk full": {func(c *Conditions) { c.DiskUsed = 100 }, embed.Marker, []string{"x"}, "No space left on device"},
		"sudo":      {func(c *Conditions) { c.NoSudo = true }, embed.Marker, []string{"x"}, "a password is required"},
		"unknown":   {func(*Conditions) {}, embed.Packages, []string{"emacs"}, "Unable to locate package emacs"},
	} {
		w, vm := completed(t, Options{})
		vm.Change(c.change)
		_, err := send(t.Context(), w, guest.Request{Route: guest.Shared, Script: c.script, Args: c.args, Root: true})
		if failure := (*guest.ScriptError)(nil); !errors.As(err, &failure) || !strings.Contains(failure.Stderr, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w, vm := started(t, Options{Image: Image{NoApt: true}})
	_, err := send(t.Context(), w, guest.Request{Route: guest.Shared, Script: embed.Packages, Args: []string{"jq"}, Root: true})
	if err == nil || !strings.Contains(err.Error(), "has no apt-get") {
		t.Errorf("%v", err)
	}
	must(t, vm.Root("groupdel substrate"))
	_, err = send(t.Context(), w, guest.Request{Route: guest.Shared, Script: embed.Directories, Args: []string{"sam", "/home/sam.guest"}, Root: true})
	if err == nil || !strings.Contains(err.Error(), "invalid group") {
		t.Errorf("%v", err)
	}
	_, err = send(t.Context(), w, guest.Request{Route: guest.Shared, Script: embed.Marker, Args: []string{"x"}})
	if err == nil {
		t.Error("the marker was written without root")
	}
}

func TestPackagesInstallWhatIsMissing(t *testing.T) {
	w, _ := started(t, Options{})
	script(t, w, embed.Packages, "conntrack", "dnsmasq-base", "fuse-overlayfs", "jq")
	if o := observe(t, w, guest.Shared); len(o.Missing) != 0 {
		t.Errorf("missing %q", o.Missing)
	}
}

func TestDeletedVMsDoNotComeBack(t *testing.T) {
	w, _ := completed(t, Options{})
	client := lima.Client{Runner: w}
	must(t, client.Delete(t.Context(), vmName, nil))
	text, _ := profile(t)
	must(t, client.Create(t.Context(), vmName, text, nil))
	must(t, client.Start(t.Context(), vmName, nil))
	if o := observe(t, w, guest.Shared); o.Marker != "" {
		t.Error("the new VM has the old one's marker")
	}
}
