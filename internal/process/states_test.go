package process

import (
	"maps"
	"os/exec"
	"syscall"
	"testing"
)

// TestStates: both ways show a process that was stopped, and none that has ended.
func TestStates(t *testing.T) {
	cmd := exec.Command("cat")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it was not stopped: %v, %v", status, err)
	}
	const none = 1 << 30
	for name, states := range map[string]map[int]byte{
		"this system's": States(t.Context(), pid, none), "by ps": statesByPS(t.Context(), []int{pid, none}),
	} {
		if want := map[int]byte{pid: Stopped}; !maps.Equal(states, want) {
			t.Errorf("%s: %v, want %v", name, states, want)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	input.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestParseStates: as macOS prints them.
func TestParseStates(t *testing.T) {
	want := map[int]byte{1: 'S', 4711: Stopped, 815: Zombie}
	if got := parseStates("    1 Ss\n 4711 T+\n  815 Z\nno line\n\n"); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
