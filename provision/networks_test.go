package provision_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// networkMessages are limactl's, of 2.1.4 and 2.2.0, which quote differently, and a part of the advice.
var networkMessages = []struct{ message, next string }{
	{"cannot parse `/h/_config/networks.yaml`: [3:1] unexpected key name", "networks.yaml.broken"},
	{"networks.yaml: `/opt/socket_vmnet/bin/socket_vmnet` (`paths.socketVMNet`) has to be installed", "brew install"},
	{`daemon "socket_vmnet" needs to be installed`, "brew install socket_vmnet"},
	{"daemon `socket_vmnet` (path=`/opt/socket_vmnet/bin/socket_vmnet`) is not available", "brew install"},
	{`networks.yaml field "paths.socketVMNet" error: file "/opt/homebrew/Cellar/socket_vmnet/1.2.1/bin/socket_vmnet" ` +
		`is not owned by "root" (uid: 0), but by uid 501`, "sudo install -o root"},
	{"networks.yaml field `paths.varRun` error: dir `/tmp/run` is a symlink", "paths.varRun"},
	{"networks.yaml field `paths.sudoers` error: file `/etc/sudoers.d/lima` is world-writable", "paths.sudoers"},
	{`can't read "/private/etc/sudoers.d/lima": open /private/etc/sudoers.d/lima: no such file or directory: ` +
		`(Hint: run …)`, "limactl sudoers >"},
	{"sudoers file `/private/etc/sudoers.d/lima` is out of sync and must be regenerated (Hint: run …)",
		"limactl sudoers >"},
	{"failed to run [sudo --user root --group wheel --non-interactive /bin/mkdir -m 775 -p /private/var/run/lima]: " +
		"stdout=``, stderr=`sudo: a password is required\\n`: exit status 1", "limactl sudoers >"},
	{"passwordLessSudo error: failed to run [sudo --user root --group wheel --non-interactive true]: exit status 1",
		"paths.sudoers"},
	{"`/private/var/run/lima` doesn't seem to be writable by the daemon (gid:1) group", "sudo chgrp daemon"},
	{"invalid group `admin bad`: identifier must match", "correct it"},
	{"network `office` is not defined", "limactl network list"},
	{"socket_vmnet daemon for `shared` network failed to start after 5 attempts: daemon exited before writing its " +
		"PID file: exit status 1 (stderr: start(): vmnet_return_t VMNET_FAILURE)", "socket_vmnet.stderr.log"},
	{`failed to start usernet "user-v2": context deadline exceeded`, "ls -R"},
}

// TestNetworks: what limactl says of its networks, after whatever it has done to a VM, comes with a reason and with
// what to type. A rerun goes on once it is repaired.
func TestNetworks(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.stop(t)
	for _, test := range networkMessages {
		message := test.message
		b.Faults.Fail = map[string]string{"start": message}
		err := b.run(t)
		wantKind(t, err, provision.KindProvisioning, test.next)
		failure := provision.AsError(err)
		if !strings.Contains(failure.Why, "\n") || !strings.HasSuffix(failure.Next, "then run worldsetup again") {
			t.Errorf("%s: %+v", message, failure)
		}
		for _, part := range plaintext.Advice(failure.Next) {
			if strings.Contains(part.Command, " %") || strings.Contains(part.Command, "; ") {
				t.Errorf("not to be typed: %q", part.Command)
			}
		}
		if strings.Contains(failure.Next, "_config") && !strings.Contains(failure.Next,
			filepath.Join(b.spec.LimaHome, "_config", "networks.yaml")) {
			t.Errorf("%q names another file", failure.Next)
		}
	}
	b.Faults.Fail = nil
	b.mustRun(t)
}
