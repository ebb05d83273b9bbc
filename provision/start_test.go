package provision_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestWhyTheVMDidNotStart: the reason is in the log of Lima's host agent, and the advice fits it.
func TestWhyTheVMDidNotStart(t *testing.T) {
	const qemu = `{"level":"debug","msg":"qemu[stderr]: qemu-system-x86_64: `
	for line, words := range map[string][]string{
		qemu + `-device virtio-vga: 'virtio-vga' is not a valid device model name"}`: {
			"'virtio-vga' is not a valid", "is incomplete"},
		qemu + `Failed to get \"write\" lock"}`:                                    {`Failed to get "write" lock`, "fuser"},
		qemu + `Could not set up host forwarding rule 'tcp:127.0.0.1:60022-:22'"}`: {"60022", "lsof"},
		qemu + `cannot set up guest memory 'pc.ram': Cannot allocate memory"}`:     {"pc.ram", "--memory"},
		qemu + `Could not access KVM kernel module: Permission denied"}`:           {"KVM", "worldsetup check"},
		`{"level":"fatal","msg":"could not find firmware for x86_64"}`:             {"firmware", "worldsetup check"},
		`{"level":"fatal","msg":"Error Domain=VZErrorDomain Code=2 Description=\"The process doesn’t have the ` +
			`“com.apple.security.virtualization” entitlement.\""}`: {"entitlement", "worldsetup check"},
		`{"level":"error","msg":"no known thing"}`: {"no known thing", "repair what"},
	} {
		for _, existing := range []bool{false, true} {
			b := newBench(t)
			if existing {
				b.mustRun(t)
				b.stop(t)
			}
			b.Faults.Fail = map[string]string{"start": "exiting, status={Running:false}"}
			b.Before = func(args []string) error {
				if slices.Contains(args, "start") {
					log := filepath.Join(b.VMDir("substrate"), "ha.stderr.log")
					return os.WriteFile(log, []byte(line+"\n"), 0o600)
				}
				return nil
			}
			err := b.run(t)
			wantKind(t, err, provision.KindProvisioning, append(words, "exiting, status", "ha.stderr.log")...)
			if strings.Contains(err.Error(), "--replace") {
				t.Errorf("a replacement is advised: %v", err)
			}
		}
	}
}

// process starts a process with these arguments, which ends with the test, and writes its number into a pid file of the
// VM.
func (b *bench) process(t *testing.T, file string, args ...string) *os.Process {
	t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-c", "read _", "program"}, args...)...)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { input.Close(); _ = cmd.Wait() })
	path := filepath.Join(b.VMDir("substrate"), file)
	if err := os.WriteFile(path, fmt.Appendln(nil, cmd.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	return cmd.Process
}

// TestStalePIDFiles: no run ends their processes; the plan says so, and the files are moved aside.
func TestStalePIDFiles(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	vm := b.VM("substrate")
	vm.KillDriver()
	b.process(t, "ha.pid")
	b.process(t, "qemu.pid", "-pidfile", "/of/another/vm/qemu.pid")
	vm.Break("host agent is running, and gives no answer")
	plan, err := b.setup().Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	step := plan.Steps[0]
	if step.ID != provision.StepStop || step.Interrupts || step.Disruption != provision.DisruptionRestart ||
		strings.Count(step.Reason, "is stale") != 2 || !strings.Contains(step.Reason, "left alone") {
		t.Errorf("the first step is %+v", step)
	}
	health, _ := b.setup().Status(t.Context())
	if !slices.ContainsFunc(health.Items, func(item provision.Item) bool {
		return item.ID == "instance" && strings.Contains(item.Found, "qemu.pid is stale")
	}) {
		t.Errorf("the report says %+v", health.Items)
	}
	b.mustRun(t)
	if left := lima.PIDFiles(b.VMDir("substrate")); len(left) > 0 {
		t.Errorf("left are %+v", left)
	}
}

// TestFrozenProcess: a VM that Lima calls broken is reported with the process that was stopped, and repaired.
func TestFrozenProcess(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	agent := b.process(t, "ha.pid", "--pidfile", filepath.Join(b.VMDir("substrate"), "ha.pid"))
	if err := agent.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Signal(syscall.SIGCONT) }) // or it would not end
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(agent.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it was not stopped: %v, %v", status, err)
	}
	b.VM("substrate").Break("failed to get Info")
	health, _ := b.setup().Status(t.Context())
	if !slices.ContainsFunc(health.Items, func(item provision.Item) bool {
		return item.ID == "instance" && item.Found == "broken; the process in ha.pid is stopped"
	}) {
		t.Errorf("the report says %+v", health.Items)
	}
	if err := agent.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
}
