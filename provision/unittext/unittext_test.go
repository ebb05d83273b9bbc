package unittext

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

const service = `[Unit]
Description=An agent

[Service]
Type=simple
ExecStart=/usr/local/bin/substrate-world-service
Restart=always
Environment=SUBSTRATE_HOME=${SUBSTRATE_GUEST_HOME}
Environment="SUBSTRATE_LIMA_INSTANCE_NAME=${SUBSTRATE_LIMA_INSTANCE_NAME}"
${WORLD_NETFILTER_ENV}
Group=substrate
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=$SUBSTRATE_GUEST_HOME /tmp

[Install]
WantedBy=multi-user.target
`

const socket = `[Unit]
Description=Its socket
PartOf=substrate-world-service.service

[Socket]
ListenStream=/run/substrate.sock
SocketMode=0660
SocketUser=root
SocketGroup=substrate
RemoveOnStop=yes
Service=substrate-world-service.service

[Install]
WantedBy=sockets.target
`

// project makes a project with both templates.
func project(t *testing.T, service, socket string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "substrate-world-service.service.tmpl", service)
	put(t, dir, "substrate-world-service.socket", socket)
	return dir
}

func put(t *testing.T, project, name, text string) string {
	t.Helper()
	path := filepath.Join(project, "scripts/mac/lima/units", name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

func find(t *testing.T, project string) *Templates {
	t.Helper()
	found, err := Find(project, layout.StagedV2)
	if err != nil || found == nil {
		t.Fatalf("%v, %v", found, err)
	}
	return found
}

func TestRender(t *testing.T) {
	found := find(t, project(t, service, socket))
	for netfilter, line := range map[bool]string{false: "", true: "Environment=WORLD_NETFILTER_ENABLE=1"} {
		units, err := found.Render("/home/ada.guest", netfilter)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer("${SUBSTRATE_GUEST_HOME}", "/home/ada.guest/.substrate",
			"$SUBSTRATE_GUEST_HOME", "/home/ada.guest/.substrate", "${SUBSTRATE_LIMA_INSTANCE_NAME}", "",
			"${WORLD_NETFILTER_ENV}", line).Replace(service)
		if units.Service != want || units.Socket != socket {
			t.Errorf("netfilter %v:\n%s%s", netfilter, units.Service, units.Socket)
		}
		const empty = "SUBSTRATE_LIMA_INSTANCE_NAME (substrate-world-service.service.tmpl:9)"
		if len(units.Empty) != 1 || units.Empty[0] != empty {
			t.Errorf("left empty: %q", units.Empty)
		}
		warnings := found.Warnings(units)
		if len(warnings) != 1 || !strings.HasPrefix(warnings[0], "substrate-world-service.socket:3: PartOf=") ||
			!strings.Contains(warnings[0], "takes the socket away") {
			t.Errorf("warnings: %q", warnings)
		}
	}
	if _, err := found.Render("/home/a b", false); err == nil {
		t.Error("a home with a space was accepted")
	}
}

func TestFindNothing(t *testing.T) {
	dir := project(t, service, socket)
	if found, err := Find(dir, layout.ServiceV1); found != nil || err != nil {
		t.Errorf("of a generation without: %v, %v", found, err)
	}
	if found, err := Find(t.TempDir(), layout.StagedV2); found != nil || err != nil {
		t.Errorf("of a project without: %v, %v", found, err)
	}
}

// The digest is of both texts: what moves from one to the other is another one.
func TestDigest(t *testing.T) {
	one, same := find(t, project(t, service, socket)), find(t, project(t, service, socket))
	moved := find(t, project(t, service+"#", socket[1:]))
	if one.Digest != same.Digest || one.Digest == moved.Digest || !strings.HasPrefix(one.Digest, "sha256:") {
		t.Errorf("%s, %s, %s", one.Digest, same.Digest, moved.Digest)
	}
}

// Hostile files of a project are refused, and nothing outside of it is read.
func TestHostileFiles(t *testing.T) {
	const name = "substrate-world-service.socket"
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte(socket), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		make  func(path string) error
		words string
	}{
		"missing":         {func(string) error { return nil }, "it is missing"},
		"a directory":     {func(path string) error { return os.Mkdir(path, 0o755) }, "not a regular file"},
		"a FIFO":          {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "not a regular file"},
		"a link outside":  {func(path string) error { return os.Symlink(outside, path) }, "outside of the project"},
		"a dangling link": {func(path string) error { return os.Symlink("nowhere", path) }, "it is missing"},
		"too large": {func(path string) error {
			return os.WriteFile(path, []byte(socket+strings.Repeat("#", maxTemplate)), 0o600)
		}, "more than 16 KiB"},
	} {
		dir := project(t, service, socket)
		path := filepath.Join(dir, layout.UnitTemplates, name)
		if err := errors.Join(os.Remove(path), test.make(path)); err != nil {
			t.Fatal(err)
		}
		_, err := Find(dir, layout.StagedV2)
		failure, ok := errors.AsType[*finding.Error](err)
		if !ok || failure.Kind != finding.KindUsage || !strings.Contains(failure.Why, test.words) ||
			!strings.Contains(failure.What, path) {
			t.Errorf("%s: %+v", what, failure)
		}
	}
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "scripts/mac/lima"), 0o755),
		os.Symlink("/etc", filepath.Join(dir, layout.UnitTemplates))); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(dir, layout.StagedV2); err == nil || strings.Contains(err.Error(), "passwd") {
		t.Errorf("a link to /etc: %v", err)
	}
}

// What breaks the contract is refused, with the line and what to do.
func TestContract(t *testing.T) {
	for what, test := range map[string]struct{ from, to, place, why, next string }{
		"another program": {"ExecStart=/usr/local/bin/substrate-world-service", "ExecStart=/bin/sh -c id", "service.tmpl:6",
			"breaks the contract", "ExecStart=/usr/local/bin/substrate-world-service"},
		"a second program":   {"Restart=always", "ExecStart=/bin/id", "service.tmpl:6", "breaks", "once"},
		"its errors ignored": {"ExecStart=/", "ExecStart=-/", "service.tmpl:6", "breaks", "ExecStart=/usr"},
		"reset":              {"Restart=always", "ExecStart=", "service.tmpl", "no ExecStart=", "add that line"},
		"on the next line":   {"ExecStart=/usr", "ExecStart=\\\n/bin/id /usr", "service.tmpl:6", "breaks", "once"},
		"another section":    {"[Service]", "[service]", "service.tmpl", "has no ExecStart=", "add that line"},
		"other sockets": {"Type=simple", "Sockets=other.socket", "service.tmpl:5", "no other socket",
			"Sockets=substrate-"},
		"a port": {"Type=simple", "Environment=A=b SUBSTRATE_AGENT_TCP_PORT=61337", "service.tmpl:5", "all its users",
			"remove it"},
		"another path of the socket": {"Type=simple", "Environment=\"SUBSTRATE_WORLD_SOCKET=/tmp/s\"", "service.tmpl:5",
			"listens at /run", "Environment=SUBSTRATE_WORLD_SOCKET"},
		"a part of a line": {"${WORLD_NETFILTER_ENV}", "Environment=A=1 ${WORLD_NETFILTER_ENV}", "service.tmpl:10",
			"a whole line", "of its own"},
		"not enabled":       {"WantedBy=multi-user.target", "#", "service.tmpl", "no WantedBy=", "add"},
		"a NUL":             {"Type=simple", "Type=simple\x00", "service.tmpl:5", "control character", "remove"},
		"a carriage return": {"SocketMode=0660\n", "SocketMode=0660\r\n", "service.socket:7", "control character", "remove"},
		"no text":           {"Its socket", "\xff", "service.socket", "UTF-8", "UTF-8"},
		"open to all":       {"SocketMode=0660", "SocketMode=0666", "service.socket:7", "must not reach", "SocketMode=0660"},
		"of no mode":        {"SocketMode=0660", "", "service.socket", "no SocketMode=0660", "add"},
		"of others": {"SocketGroup=substrate", "SocketGroup=users", "service.socket:9", "its members",
			"SocketGroup=sub"},
		"of a user": {"SocketUser=root", "SocketUser=ada", "service.socket:8", "root's", "SocketUser=root"},
		"elsewhere": {"ListenStream=/run/substrate.sock", "ListenStream=/tmp/s", "service.socket:6", "breaks",
			"ListenStream=/run"},
		"a port as well":    {"RemoveOnStop=yes", "ListenStream=61337", "service.socket:6", "breaks", "once"},
		"datagrams as well": {"RemoveOnStop=yes", "ListenDatagram=/run/x", "service.socket:10", "no other", "remove"},
		"of another service": {"Service=substrate-world-service.service", "Service=x.service", "service.socket:11",
			"starts the agent",
			"Service=substrate"},
		"one process each": {"RemoveOnStop=yes", "Accept=yes", "service.socket:10", "whole socket", "Accept=no"},
		"a comment between": {"SocketMode=0660", "SocketMode=\\\n# no\n0666", "service.socket:7", "must not reach",
			"0660"},
		"not listening from boot on": {"sockets.target", "multi-user.target", "service.socket:14", "start on",
			"sockets.target"},
	} {
		replace := strings.NewReplacer(test.from, test.to).Replace
		found := find(t, project(t, replace(service), replace(socket)))
		_, err := found.Render("/home/ada", false)
		failure, ok := errors.AsType[*finding.Error](err)
		if !ok || !strings.Contains(failure.What, test.place+",") || !strings.Contains(failure.Why, test.why) ||
			!strings.Contains(failure.Next, test.next) {
			t.Errorf("%s: %+v", what, failure)
		}
	}
}

// What worldsetup would do differently is a warning.
func TestWarnings(t *testing.T) {
	for what, test := range map[string]struct{ from, to, words string }{
		"a user":        {"Type=simple", "Type=simple\nUser=ada", "is not root"},
		"no restart":    {"Restart=always", "Restart=no", "no Restart=always"},
		"a command":     {"Type=simple", "Type=simple\nExecStartPre=/bin/id", "service.tmpl:6: ExecStartPre=/bin/id"},
		"the doctor":    {"Type=simple", "Type=simple\n# /etc is read-only", "always call the loaded unit different"},
		"left in place": {"RemoveOnStop=yes", "", "no RemoveOnStop=yes"},
	} {
		replace := strings.NewReplacer(test.from, test.to).Replace
		found := find(t, project(t, replace(service), replace(socket)))
		units, err := found.Render("/home/ada", false)
		if text := strings.Join(found.Warnings(units), "\n"); err != nil || !strings.Contains(text, test.words) {
			t.Errorf("%s: %v:\n%s", what, err, text)
		}
	}
}

// FuzzRender: whatever a project brings, the renderer ends, keeps every line, and lets
// through only what keeps the contract.
func FuzzRender(f *testing.F) {
	f.Add(service, socket, false)
	f.Add(service, socket, true)
	f.Add("[Service]\nExecStart=\\\n;\n${${A}$B\\", "[Socket]\n$\n${", false)
	f.Fuzz(func(t *testing.T, service, socket string, netfilter bool) {
		found := &Templates{Service: Template{"/p/a.service.tmpl", service}, Socket: Template{"/p/a.socket", socket},
			of: layout.StagedV2}
		units, err := found.Render("/home/ada", netfilter)
		if err != nil {
			return
		}
		if strings.Count(units.Service, "\n") != strings.Count(service, "\n") {
			t.Errorf("%q became %q", service, units.Service)
		}
		for _, line := range []string{"ListenStream", "SocketMode", "SocketGroup"} {
			if !strings.Contains(units.Socket, line) {
				t.Errorf("%q has no %s", units.Socket, line)
			}
		}
		if !strings.Contains(units.Service, layout.StagedV2.Agent()) {
			t.Errorf("%q does not start the agent", units.Service)
		}
		found.Warnings(units)
	})
}
