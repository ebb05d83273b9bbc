package lima

import "testing"

// TestPhaseOf: lines as Lima 2.1.4 wrote them at a first start with QEMU.
func TestPhaseOf(t *testing.T) {
	inOrder(t, []message{
		{`Starting the instance "ra" with internal VM driver "qemu"`, PhaseDriver},
		{"hostagent socket created at /home/ada/.lima/ra/ha.sock", ""},
		{"Starting QEMU (hint: to watch the boot progress, see `/home/ada/.lima/ra/serial*.log`)", PhaseDriver},
		{"SSH Local Port: 34857", ""},
		{`Waiting for the essential requirement 1 of 4: "ssh"`, PhaseUp},
		{"The essential requirement 1 of 4 is satisfied", PhaseSSH},
		{`Waiting for the essential requirement 2 of 4: "user session is ready for ssh"`, PhaseSession},
		{"The essential requirement 2 of 4 is satisfied", ""},
		{`Mounting "/home/ada" on "/home/ada"`, PhaseMounts},
		{"Waiting for the guest agent to be running", ""},
		{`Waiting for the final requirement 1 of 1: "boot scripts must have finished"`, PhaseScripts},
		{"READY. Run `limactl shell ra` to open the shell.", ""},
	})
	if !PhaseDriver.After("") || PhaseDriver.After(PhaseDriver) || !PhasePort.After(PhaseKernel) {
		t.Error("the order of phases is another one")
	}
}

// TestPhasesOnVZ: the lines of Lima 2.2.0's driver vz, in the order in which its source writes them (pkg/driver/vz,
// pkg/hostagent): the guest's ssh server is waited for before the first requirement, and before the port is told.
// Guests whose sshd listens on vsock and those whose does not have a line each.
func TestPhasesOnVZ(t *testing.T) {
	for _, port := range []string{
		"Detected SSH server is listening on the vsock port; changed 127.0.0.1:60022 to proxy for the vsock port",
		"SSH server does not seem to be running on vsock port, using usernet forwarder",
	} {
		inOrder(t, []message{
			{"Starting the instance `ra` with internal VM driver `vz`", PhaseDriver},
			{"hostagent socket created at /Users/ada/.lima/ra/ha.sock", ""},
			{"Starting VZ (hint: to watch the boot progress, see `/Users/ada/.lima/ra/serial*.log`)", PhaseDriver},
			{"[VZ] - vm state change: running", PhaseUp},
			{port, PhasePort},
			{"SSH Local Port: 60022", ""},
			{"Waiting for the essential requirement 1 of 2: `ssh`", PhaseUp}, // known already
			{"The essential requirement 1 of 2 is satisfied", PhaseSSH},
			{"Waiting for the essential requirement 2 of 2: `user session is ready for ssh`", PhaseSession},
			{"Waiting for the final requirement 1 of 1: `boot scripts must have finished`", PhaseScripts},
		})
	}
	if got := PhaseOf("ssh.overVsock is false, skipping detection of SSH server on vsock port"); got != "" {
		t.Errorf("without a wait for the port: %q", got)
	}
	for line, want := range map[string]bool{
		"[VZ] - vm state change: stopped": true, "[VZ] - vm state change: running": false, "stopped": false,
	} {
		if StoppedBooting(line) != want {
			t.Errorf("%q ends a boot: %v", line, !want)
		}
	}
}

type message struct {
	message string
	want    Phase
}

// inOrder checks the phases of lines, of which none is before the one before it, but for the first requirement.
func inOrder(t *testing.T, lines []message) {
	t.Helper()
	var last Phase
	for _, line := range lines {
		got := PhaseOf(line.message)
		if got != line.want {
			t.Errorf("%s: %q, want %q", line.message, got, line.want)
		}
		if last.After(got) && got != "" && got != PhaseUp {
			t.Errorf("%q comes after %q", last, got)
		}
		if got != "" {
			last = got
		}
	}
}
