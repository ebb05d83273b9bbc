package lima

import "testing"

// TestPhaseOf: lines as Lima 2.1.4 wrote them at a first start with QEMU.
func TestPhaseOf(t *testing.T) {
	var last Phase
	for _, line := range []struct {
		message string
		want    Phase
	}{
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
	} {
		got := PhaseOf(line.message)
		if got != line.want {
			t.Errorf("%s: %q, want %q", line.message, got, line.want)
		}
		if last.After(got) && got != "" {
			t.Errorf("%q comes after %q", last, got)
		}
		if got != "" {
			last = got
		}
	}
	if !PhaseDriver.After("") || PhaseDriver.After(PhaseDriver) || !PhasePort.After(PhaseKernel) {
		t.Error("the order of phases is another one")
	}
}
