package unittext

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// directive is an assignment in a unit.
type directive struct {
	section, name, value string
	line                 int // its first
}

func (d directive) String() string { return d.name + "=" + d.value }

// parse returns the assignments of a unit's text, as systemd reads them.
func parse(text string) (all []directive) {
	section, joined, begun, number := "", "", 0, 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, ";") {
			continue // also between joined lines
		}
		if joined == "" {
			begun = number
		}
		if before, goesOn := strings.CutSuffix(line, `\`); goesOn {
			joined += before + " "
			continue
		}
		line, joined = strings.TrimSpace(joined+line), ""
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.Trim(line, "[]")
		} else if name, value, found := strings.Cut(line, "="); found {
			all = append(all, directive{section, strings.TrimSpace(name), strings.TrimSpace(value), begun})
		}
	}
	return all
}

// rule is a part of the contract. Values are as systemd takes them.
type rule struct {
	name   string // SECTION.DIRECTIVE
	want   []string
	needed bool // it must be there
	why    string
}

// rules returns the contract of a layout: of the service, and of the socket.
func (t *Templates) rules() (service, socket []rule) {
	const one = "the agent's clients know no other socket"
	no := []string{"no", "false", "off", "0", "n", "f"}
	service = []rule{
		{"Service.ExecStart", []string{t.of.Agent()}, true, "that is where worldsetup installs the agent"},
		{"Service.Sockets", []string{t.of.Socket()}, false, "no other socket starts the agent"},
		{"Install.WantedBy", []string{"multi-user.target"}, true, "the agent starts with the guest"},
	}
	socket = []rule{
		{"Socket.ListenStream", []string{layout.AgentSocket}, true, one},
		{"Socket.SocketUser", []string{"root"}, false, "the socket is root's"},
		{"Socket.SocketGroup", []string{"substrate"}, true, "its members, and no others, reach the agent"},
		{"Socket.SocketMode", []string{"0660", "660"}, true, "other users must not reach the agent"},
		{"Socket.Service", []string{t.of.Service()}, false, "the socket starts the agent"},
		{"Socket.Accept", no, false, "the agent takes the whole socket"},
		{"Install.WantedBy", []string{"sockets.target"}, true, "the socket listens from the guest's start on"},
	}
	for _, name := range []string{"ListenDatagram", "ListenSequentialPacket", "ListenFIFO", "ListenSpecial",
		"ListenNetlink", "ListenMessageQueue", "ListenUSBFunction"} {
		socket = append(socket, rule{"Socket." + name, nil, false, one})
	}
	return service, socket
}

// check returns why the units break the contract; nil when they keep it.
func (t *Templates) check(units Units) error {
	service, socket := t.rules()
	if err := t.Service.check(units.Service, service); err != nil {
		return err
	}
	for number, line := range strings.Split(t.Service.Text, "\n") {
		if alone := strings.TrimSpace(line); strings.Contains(line, netfilterVariable) &&
			alone != "${"+netfilterVariable+"}" &&
			alone != "$"+netfilterVariable && !strings.HasPrefix(alone, "#") {
			return t.Service.refuse(number+1, netfilterVariable+" stands for a whole line, and is a part of this one",
				"give it a line of its own")
		}
	}
	for _, d := range parse(units.Service) {
		if d.section+"."+d.name == "Service.Environment" && strings.Contains(d.value, "SUBSTRATE_AGENT_TCP_PORT") {
			return t.Service.refuse(d.line, "SUBSTRATE_AGENT_TCP_PORT has the agent listen at a port of the guest, which Lima "+
				"forwards to this machine: all its users would reach the agent", "remove it")
		}
		if text := strings.Trim(d.value, `"'`); d.name == "Environment" &&
			strings.HasPrefix(text, "SUBSTRATE_WORLD_SOCKET=") &&
			text != "SUBSTRATE_WORLD_SOCKET="+layout.AgentSocket {
			return t.Service.refuse(d.line, "the agent listens at "+layout.AgentSocket,
				"write Environment=SUBSTRATE_WORLD_SOCKET="+layout.AgentSocket)
		}
	}
	return t.Socket.check(units.Socket, socket)
}

// check returns why a unit breaks the rules.
func (t Template) check(text string, rules []rule) error {
	if at := strings.IndexFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\t' ||
			r == 0x7f
	}); at >= 0 {
		return t.refuse(1+strings.Count(text[:at], "\n"), fmt.Sprintf("it holds the control character %q", text[at]),
			"remove it")
	}
	if !utf8.ValidString(text) {
		return t.refuse(0, "it is not UTF-8", "write it as UTF-8")
	}
	found := parse(text)
	for _, rule := range rules {
		var lines []directive
		for _, d := range found {
			switch {
			case d.section+"."+d.name != rule.name:
			case d.value == "":
				lines = nil // a reset
			default:
				lines = append(lines, d)
			}
		}
		for _, d := range lines {
			if !slices.Contains(rule.want, d.value) || len(lines) > 1 {
				next := "remove it"
				if len(rule.want) > 0 {
					_, name, _ := strings.Cut(rule.name, ".")
					next = fmt.Sprintf("write %s=%s, once", name, rule.want[0])
				}
				return t.refuse(d.line, fmt.Sprintf("%s breaks the contract of the world: %s", d, rule.why), next)
			}
		}
		if len(lines) == 0 && rule.needed {
			section, name, _ := strings.Cut(rule.name, ".")
			return t.refuse(0, fmt.Sprintf("[%s] has no %s=%s: %s", section, name, rule.want[0], rule.why), "add that line")
		}
	}
	return nil
}

// refuse returns the error of a line; of the whole file with 0.
func (t Template) refuse(line int, why, next string) *finding.Error {
	place := t.Path
	if line > 0 {
		place = fmt.Sprintf("%s:%d", t.Path, line)
	}
	return refusal(place, why, next)
}

// differences are directives that worldsetup's own units don't have, with what they lead to.
var differences = map[string]string{
	"socket.Unit.PartOf": "`systemctl stop` of the service takes the socket away as well, and nothing starts the agent " +
		"again until `worldsetup`, or `systemctl start` of the socket",
	"socket.Unit.BindsTo": "whatever ends the service ends the socket, and nothing starts the agent again",
	"socket.Unit.Requires": "a stop of what it requires takes the socket away, and nothing starts the " +
		"agent again",
	"service.Service.User":          "the agent is not root, and can't isolate what it runs",
	"service.Service.ExecStop":      "it runs a command of its own when the agent stops",
	"socket.Socket.Symlinks":        "there is a second way to the socket",
	"service.Install.Alias":         "the unit has a second name",
	"service.Install.Also":          "another unit is started with the guest",
	"socket.Install.Also":           "another unit is started with the guest",
	"service.Unit.OnFailure":        "another unit is started when the agent fails",
	"socket.Socket.ExecStartPre":    "it runs a command of its own, as root, before the socket listens",
	"service.Service.ExecStartPre":  "it runs a command of its own, as root, before the agent",
	"service.Service.ExecStartPost": "it runs a command of its own, as root, after the agent",
}

// usual are the values of directives without which the agent works less well.
var usual = map[string]struct{ value, without string }{
	"service.Service.Type":            {"simple", "systemd waits for what the agent does not do"},
	"service.Service.Restart":         {"always", "an agent that ends stays away until the next connection"},
	"service.Service.Group":           {"substrate", "what the agent makes is not of the group that may use it"},
	"service.Service.NoNewPrivileges": {"yes", "programs that the agent runs can gain rights"},
	"service.Service.ProtectSystem":   {"strict", "the agent can change the guest's system"},
	"socket.Socket.RemoveOnStop":      {"yes", "a stopped socket leaves a file at which no one listens"},
}

// Warnings returns what worldsetup would do differently, with the consequences.
func (t *Templates) Warnings(units Units) (warnings []string) {
	for _, one := range []struct {
		Template
		kind, text string
	}{{t.Service, "service", units.Service}, {t.Socket, "socket", units.Socket}} {
		seen := map[string]string{}
		file := filepath.Base(one.Path)
		for _, d := range parse(one.text) {
			key := one.kind + "." + d.section + "." + d.name
			if seen[key] = d.value; differences[key] != "" && d.value != "" {
				warnings = append(warnings, fmt.Sprintf("%s:%d: %s: %s", file, d.line, d, differences[key]))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(usual)) {
			kind, name, _ := strings.Cut(key, ".")
			value := seen[key]
			if kind != one.kind || value == usual[key].value || value == "true" && usual[key].value == "yes" {
				continue
			}
			_, name, _ = strings.Cut(name, ".")
			warnings = append(warnings, fmt.Sprintf("%s: no %s=%s: %s", file, name, usual[key].value, usual[key].without))
		}
		if asDoctorReads(one.text) != one.text {
			warnings = append(warnings, file+": it begins with an empty line, has a line that begins with `# /`, or ends "+
				"without a newline: the system's doctor will always call the loaded unit different")
		}
	}
	return warnings
}

// asDoctorReads returns a unit's text as the system's doctor gets it from `systemctl cat`.
func asDoctorReads(text string) string {
	var read strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "# /") || line == "" && read.Len() == 0 {
			continue
		}
		read.WriteString(line + "\n")
	}
	return read.String()
}
