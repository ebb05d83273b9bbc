package scenario

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// This file is what VMs look like that the system's own tools made. Its wording is ours; what the scripts do is theirs.

// WarmScript returns a provision script that does at each boot what that of lima-warm.sh does: it fixes the name
// servers, and writes both units of a generation, with what that generation wants in them.
func WarmScript(of layout.Layout) string {
	return fmt.Sprintf(`#!/bin/sh
set -eu
# names come from outside
mkdir -p /etc/dnsmasq.d /run/substrate
systemctl disable --now systemd-resolved >/dev/null 2>&1 || :
printf 'no-resolv\nserver=1.1.1.1\nserver=1.0.0.1\n' >/etc/dnsmasq.d/substrate.conf
cat >%s <<'UNIT'
[Unit]
Description=%s of a profile
After=network-online.target

[Service]
ExecStart=%s
Environment=RUST_LOG=info
Group=substrate
RuntimeDirectory=substrate

[Install]
WantedBy=multi-user.target
UNIT
cat >"%s" <<'UNIT'
[Unit]
PartOf=%s

[Socket]
ListenStream=/run/substrate.sock
SocketMode=0660
SocketGroup=substrate
RemoveOnStop=yes
Service=%[5]s

[Install]
WantedBy=sockets.target
UNIT
systemctl daemon-reload
`, of.ServicePath(), of.Title, of.Agent(), of.SocketPath(), of.Service())
}

// OwnScript is a provision script of a user's, which speaks of units and writes none.
const OwnScript = `#!/bin/sh
# the unit is /etc/systemd/system/substrate-world-agent.service
mkdir -p /etc/systemd/system/substrate-world-agent.service.d
printf '[Service]\nEnvironment=EDITOR=vi\n' >/etc/systemd/system/substrate-world-agent.service.d/own.conf
systemctl daemon-reload
echo booted >>/var/log/own
`

// WarmProfile adds to a Lima profile what lima-warm.sh has in its own: the project at /src, or nothing that is mounted,
// the script of a generation and, before and after that, scripts of a user's. home and project are directories of this
// machine.
func WarmProfile(profile, home, project string, of layout.Layout) string {
	var text strings.Builder
	text.WriteString(strings.TrimRight(profile, "\n"))
	if of.Mounts() {
		fmt.Fprintf(&text, "\nmounts:\n- location: %q\n  writable: false\n", home)
		fmt.Fprintf(&text, "- location: %q\n  writable: true\n  mountPoint: /src\n", project)
	} else {
		text.WriteString("\nmounts: []\n")
	}
	text.WriteString("provision:\n")
	for _, script := range []string{OwnScript, WarmScript(of), "echo 'after it' >>/var/log/own\n"} {
		text.WriteString("- mode: system\n  script: |\n")
		for line := range strings.Lines(script) {
			text.WriteString(strings.TrimRight("    "+line, " "))
		}
	}
	text.WriteString("# the end\n")
	return text.String()
}

// WithWarmScript adds the script to the text of a lima.yaml, in which provision is a list at the top.
func WithWarmScript(text string) string {
	entry := "provision:\n- mode: system\n  script: |\n"
	for line := range strings.Lines(WarmScript(layout.AgentV1)) {
		entry += "    " + line
	}
	return strings.Replace(text, "provision:\n", entry, 1)
}

// WarmInside returns what lima-warm.sh does in the guest of a VM that it has made, as a script that sudo runs. The
// agent lies at /tmp/agent, and in a generation that has a copy of the project, that lies at /tmp/project.
func WarmInside(of layout.Layout, project string) string {
	inside := fmt.Sprintf(`set -- "$SUDO_USER" "$(getent passwd "$SUDO_USER" | cut -d: -f6)"
install -m 0755 /tmp/agent %[5]s
getent group substrate >/dev/null || groupadd --system substrate
usermod -aG substrate "$1"
install -d -m 0755 "$2/.substrate"
install -d -m 0750 /var/lib/substrate
install -d -m 0750 -o root -g substrate /run/substrate
sed -i '/^ExecStart=/a Environment=SUBSTRATE_AGENT_TCP_PORT=61337' %[1]s
sed -i '/^ExecStart=/a Environment=SUBSTRATE_WORLD_SOCKET=/run/substrate.sock' %[1]s
systemctl daemon-reload
systemctl enable --quiet %[2]s %[3]s
systemctl stop %[2]s %[3]s >/dev/null 2>&1 || :
rm -f /run/substrate.sock
systemctl start %[3]s
echo %[4]s >/etc/substrate-lima-layout
`, of.ServicePath(), of.Service(), of.Socket(), of.Marker, of.Agent())
	if of.Mounts() {
		return inside
	}
	return fmt.Sprintf(`getent group substrate >/dev/null || groupadd --system substrate
install -d -m 0750 -o root -g substrate /var/lib/substrate %[1]s
rm -rf %[2]s
mv /tmp/project %[2]s
printf 'project_path=%%s\nproject_basename=%%s\n' '%[4]s' '%[5]s' >%[3]s
chown -R "$SUDO_USER:substrate" %[2]s
chmod 0750 %[2]s
chmod 0640 %[3]s
`, of.Staging, of.Current(), of.Manifest(), project, filepath.Base(project)) + inside
}
