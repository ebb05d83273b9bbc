package upstream

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// serviceText is a service unit as the system writes it, of a unit and a title.
const serviceText = serviceHead + `CapabilityBoundingSet=` + capabilities + `
AmbientCapabilities=` + capabilities + `

[Install]
WantedBy=multi-user.target
`

const capabilities = "CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_SYS_ADMIN CAP_SYS_CHROOT CAP_DAC_OVERRIDE CAP_CHOWN " +
	"CAP_SYS_PTRACE"

const serviceHead = `[Unit]
Description=%[2]s
After=network-online.target
Wants=network-online.target

[Service]
Type=simple
ExecStart=/usr/local/bin/%[1]s
Restart=always
RestartSec=5
Environment=RUST_LOG=info
Environment=SUBSTRATE_AGENT_TCP_PORT=61337
Environment=SUBSTRATE_WORLD_SOCKET=/run/substrate.sock
Environment=SUBSTRATE_HOME=${SUBSTRATE_GUEST_HOME}
${netfilter_env}
Group=substrate
UMask=0027
RuntimeDirectory=substrate
RuntimeDirectoryMode=0750
StateDirectory=substrate
StateDirectoryMode=0750
WorkingDirectory=/var/lib/substrate
StandardOutput=journal
StandardError=journal
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=/var/lib/substrate ${SUBSTRATE_GUEST_HOME} /run /run/substrate /sys/fs/cgroup /tmp
`

const socketText = `[Unit]
PartOf=%[1]s.service

[Socket]
ListenStream=/run/substrate.sock
SocketMode=0660
SocketUser=root
SocketGroup=substrate
DirectoryMode=0750
RemoveOnStop=yes
Service=%[1]s.service

[Install]
WantedBy=sockets.target
`

// madeUp returns the files of a small checkout of a generation, whose names are as the system has them.
func madeUp(marker, unit, title, crate string) map[string]string {
	service, socket := fmt.Sprintf(serviceText, unit, title), fmt.Sprintf(socketText, unit)
	search := func(function, name string) string {
		return function + "() {\n  for f in \\\n    \"${base}/bin/linux/" + name + "\" \"${base}/bin/" + name +
			"-linux\" \\\n    \"${base}/target/aarch64-unknown-linux-gnu/${BUILD_PROFILE}/" + name + "\"; do :; done\n}\n"
	}
	warm := "VM=\"${LIMA_VM_NAME:-substrate}\"\nLAYOUT_SENTINEL=\"/etc/substrate-lima-layout\"\nLAYOUT_VERSION=\"" +
		marker +
		"\"\ncase $1 in\n  --check-only) ;;\nesac\n" + search("host_agent_candidate", crate) +
		search("host_cli_candidate", "substrate") + search("host_gateway_candidate", "substrate-gateway") +
		"cargo build --bin substrate --locked\nsudo install -Dm0755 a/substrate /usr/local/bin/substrate\n" +
		"sudo tee /usr/local/bin/world\ncargo build -p " + crate + "\nsudo install -Dm0755 a/b /usr/local/bin/" + unit +
		"\ncargo build -p substrate-gateway\nsudo install -Dm0755 a/g /usr/local/bin/substrate-gateway\n" +
		"cat <<UNIT | sudo tee /etc/systemd/system/" + unit + ".service >/dev/null\n" + service + "UNIT\n\n" +
		"cat <<'UNIT' | sudo tee /etc/systemd/system/" + unit + ".socket >/dev/null\n" + socket + "UNIT\n" +
		"sudo install -d -m0755 \"${SUBSTRATE_GUEST_HOME}\"\nsudo install -d -m0750 /var/lib/substrate || true\n"
	return map[string]string{
		warmScript: warm,
		doctorScript: "LAYOUT_EXPECTED=\"" + marker + "\"\nsudo test -S /run/substrate.sock\n" +
			"curl http://localhost/v1/capabilities >x\n[[ \"$m\" == \"root:substrate 660\" ]]\nsystemctl is-active " + unit +
			" >x\nwhich nft\n",
		profileFile: "mounts:\n- location: $HOME\n  writable: false\n- location: $PROJECT\n  " +
			"mountPoint: /src\n  writable: true\n",
		"crates/" + crate + "/Cargo.toml":      "[package]\nname = \"" + crate + "\"\n",
		"crates/" + crate + "/src/handlers.rs": "json!({ \"backend\": \"" + crate + "\" })\n",
	}
}

func agentV1() map[string]string {
	return madeUp("socket-parity-v1", "substrate-world-agent", "Substrate World Agent", "world-agent")
}

func serviceV1() map[string]string {
	return madeUp("socket-parity-v1", "substrate-world-service", "Substrate World Service", "world-service")
}

func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReport: a checkout that is as a generation says agrees with it, every change shows up, and so does what is gone.
func TestReport(t *testing.T) {
	change := func(files map[string]string, file, old, new string) map[string]string {
		if !strings.Contains(files[file], old) {
			t.Fatalf("%s has no %q", file, old)
		}
		files[file] = strings.ReplaceAll(files[file], old, new)
		return files
	}
	without := func(files map[string]string, gone string) map[string]string {
		maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(name, gone) })
		return files
	}
	for name, test := range map[string]struct {
		files map[string]string
		code  int
		says  []string
	}{
		"agent-v1":   {agentV1(), Agrees, []string{"agent-v1", " 0 differences", "on purpose", "PartOf"}},
		"service-v1": {serviceV1(), Agrees, []string{"service-v1", " 0 differences"}},
		"another marker": {
			change(serviceV1(), warmScript, "socket-parity-v1", "socket-parity-v9"), Differs,
			[]string{"service-v1", "only there: marker: socket-parity-v9", "only here: marker: socket-parity-v1"},
		},
		"another setting": {
			change(agentV1(), warmScript, "UMask=0027", "UMask=0077"), Differs,
			[]string{"only there: settings of the service unit: [Service] UMask=0077", "[Service] UMask=0027"},
		},
		"a setting more": {
			change(agentV1(), warmScript, "RemoveOnStop=yes", "RemoveOnStop=yes\nBacklog=5"), Differs,
			[]string{"only there: settings of the socket unit: [Socket] Backlog=5"},
		},
		"another place": {
			change(agentV1(), warmScript, "bin/world-agent-linux", "out/world-agent"), Differs,
			[]string{"only there: files of the agent: out/world-agent"},
		},
		"another backend": {
			change(agentV1(), "crates/world-agent/src/handlers.rs", "\"world-agent\"", "\"world\""), Differs,
			[]string{"only there: backend: world ", "only here: backend: world-agent"},
		},
		"nothing mounted": {
			change(agentV1(), profileFile, agentV1()[profileFile], "mounts: []\n"), Differs,
			[]string{"only here: mounts: $HOME, read-only"},
		},
		"a new variable": {
			change(agentV1(), warmScript, "LIMA_VM_NAME:-", "LIMA_WORLD:-"), Differs, []string{"variables: LIMA_WORLD"},
		},
		"a new program": {
			change(agentV1(), warmScript, "sudo tee /usr/local/bin/world", "sudo tee /usr/local/bin/broker"), Differs,
			[]string{"only there: programs in the guest: /usr/local/bin/broker", "only here: programs in the guest: " +
				"/usr/local/bin/world"},
		},
		"another probe": {
			change(agentV1(), doctorScript, "/v1/capabilities", "/v2/hello"), Differs, []string{"only there: probes: /v2/hello"},
		},
		"no doctor": {without(agentV1(), doctorScript), Missing, []string{"not found: " + doctorScript}},
		"no agent": {without(agentV1(), "crates"), Missing,
			[]string{"not found: package of the agent", "not found: backend"}},
		"no units": {
			change(agentV1(), warmScript, "cat <<", "cat 0<<"), Missing,
			[]string{"not found: units", "not found: settings of the service unit"},
		},
		"no mounts, and a difference": {
			change(change(agentV1(), profileFile, "mounts", "mount"), doctorScript, "660", "666"), Missing,
			[]string{"not found: mounts", "only there: owner and mode of the socket: root:substrate 666"},
		},
		"nothing": {nil, Missing, []string{"not found: " + warmScript}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if code := Report(&out, write(t, test.files), ""); code != test.code {
				t.Errorf("it ends with %d, want %d", code, test.code)
			}
			for _, text := range test.says {
				if !strings.Contains(out.String(), text) {
					t.Errorf("it doesn't say %q", text)
				}
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}

// TestReportOfANamedGeneration compares with the one that was named, and refuses others.
func TestReportOfANamedGeneration(t *testing.T) {
	var out bytes.Buffer
	if code := Report(&out, write(t, serviceV1()), "agent-v1"); code != Differs ||
		!strings.Contains(out.String(), "only there: service unit: substrate-world-service") {
		t.Errorf("%d: %s", code, &out)
	}
	if code := Report(&out, t.TempDir(), "agent-v9"); code != Missing ||
		!strings.Contains(out.String(), "no generation \"agent-v9\"; there are "+strings.Join(layout.Names(), ", ")) {
		t.Errorf("%d: %s", code, &out)
	}
}

// TestTemplates: where a project brings templates of the units, these count, and the script's text does not.
func TestTemplates(t *testing.T) {
	files := serviceV1()
	service := strings.Replace(fmt.Sprintf(serviceText, "substrate-world-service", "Substrate World Service"),
		"${netfilter_env}", "${WORLD_NETFILTER_ENV}", 1)
	files[unitsDir+"/substrate-world-service.service.tmpl"] = strings.Replace(service, "UMask=0027", "UMask=0007", 1)
	files[unitsDir+"/substrate-world-service.socket"] = fmt.Sprintf(socketText, "substrate-world-service")
	c := read(write(t, files))
	differences := counted(compare(c, layout.ServiceV1))
	if len(c.missing) > 0 || len(differences) != 2 || differences[0].value != "[Service] UMask=0007" ||
		differences[0].where != unitsDir+"/substrate-world-service.service.tmpl" {
		t.Errorf("missing %q, differences %v", c.missing, differences)
	}
}

// TestLinksLeadNowhere: a checkout can't have a file outside it read.
func TestLinksLeadNowhere(t *testing.T) {
	dir, other := write(t, agentV1()), write(t, agentV1())
	for _, file := range []string{doctorScript, profileFile} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(other, doctorScript), filepath.Join(dir, doctorScript)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, profileFile)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := Report(&out, dir, ""); code != Missing || !strings.Contains(out.String(), "not found: "+doctorScript) ||
		!strings.Contains(out.String(), "not found: "+profileFile) {
		t.Errorf("%d: %s", code, &out)
	}
}
