//go:build e2e

package e2e

import (
	"debug/macho"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/atomize-hq/worldsetup/provision"
)

// macDescription is a Mac as worldsetup sees it: recorded answers of its programs, composed of several Macs' since
// no one has published all of one. Of several that know a command the last counts.
type macDescription struct {
	name, arch string
	rosetta    bool // it is installed
	recordings []string
}

var macs = []macDescription{
	{"Apple silicon", "arm64", true, []string{"sonoma-14.2.1-m1", "sequoia-15.0.1", "shell-native", "hypervisor",
		"memory-apple-silicon", "homebrew-apple-silicon", "lima-entitled", "not-quarantined"}},
	{"Intel", "amd64", false, []string{"sonoma-14.2.1-m1", "tahoe-26.4", "intel", "hypervisor", "memory-intel",
		"homebrew-intel", "lima-entitled", "not-quarantined"}},
}

// mac is a world on a Mac: the programs that worldsetup asks answer as recorded, limactl has the VMs of a Mac, and
// worldsetup itself was built to take its machine for one.
type mac struct {
	*world
	described  macDescription
	unanswered string // the file of commands that no recording has
	root       string // the directory of files that this machine lacks of a Mac, or has otherwise
}

// macBuild is worldsetup as tests build it for a Mac, and the limactl of one. Both are made once.
var macBuild struct {
	once            sync.Once
	binary, limactl string
	coverage        string // the directory of what the program executed
	err             error
}

func prepareMac(t *testing.T, rig *rig) {
	t.Helper()
	macBuild.once.Do(func() {
		if macBuild.limactl, macBuild.err = rig.bed.MacLima(t.Context()); macBuild.err != nil {
			return
		}
		macBuild.binary = filepath.Join(suite.files, "worldsetup-mac")
		build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "asmac", "-cover", "-o",
			macBuild.binary,
			"./cmd/worldsetup")
		build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			macBuild.err = fmt.Errorf("build worldsetup as for a Mac: %w\n%s", err, out)
			return
		}
		macBuild.coverage = filepath.Join(suite.files, "mac-coverage")
		macBuild.err = errors.Join(os.Mkdir(macBuild.coverage, 0o700),
			os.Chown(macBuild.coverage, int(rig.host.User.UID), int(rig.host.User.GID)))
	})
	if macBuild.err != nil {
		t.Fatal(macBuild.err)
	}
}

// newMac is a Mac without a world, on which more is recorded than described.
func newMac(t *testing.T, on *rig, described macDescription, more ...string) *mac {
	t.Helper()
	prepareMac(t, on)
	host := *on.host // whose user finds other programs
	mine := &rig{name: on.name, host: &host, bed: on.bed}
	m := &mac{world: &world{limaHome: mine.newHome(t)}, described: described}
	bin := filepath.Join(m.files(), "bin")
	if err := errors.Join(os.Mkdir(bin, 0o755), on.bed.MacTools(t.Context(), bin),
		os.Symlink(macBuild.limactl, filepath.Join(bin, "limactl"))); err != nil {
		t.Fatal(err)
	}
	host.Lima = filepath.Join(bin, "limactl")
	m.unanswered = filepath.Join(m.files(), "unanswered")
	source, err := filepath.Abs("../checks/testdata/macs")
	if err != nil {
		t.Fatal(err)
	}
	var recordings []string
	for _, name := range slices.Concat(described.recordings, more) {
		text, err := os.ReadFile(filepath.Join(source, name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(m.files(), name+".txtar") // the user may not be able to read the source
		m.write(t, path, string(text))
		recordings = append(recordings, path)
	}
	m.env = append(m.env, "ASMAC_ARCH="+described.arch, "ASMAC_RECORDINGS="+strings.Join(recordings, ":"),
		"ASMAC_UNANSWERED="+m.unanswered, "ASMAC_VM="+on.bed.QEMU(), "GOCOVERDIR="+macBuild.coverage)
	if described.rosetta {
		m.env = append(m.env, "ASMAC_ROSETTA=1")
	}
	m.root = filepath.Join(m.files(), "root")
	m.env = append(m.env, "ASMAC_ROOT="+m.root)
	m.write(t, filepath.Join(m.root, macBuild.limactl), machO(described.arch))
	if described.rosetta {
		m.write(t, filepath.Join(m.root, rosettaFile), "")
	}
	profile, err := os.ReadFile(on.profile)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^(firmware:|mountType:).*\n(  .*\n)*`).ReplaceAllString(string(profile), "")
	if described.arch == "arm64" {
		text = strings.ReplaceAll(text, "arch: x86_64", "arch: aarch64")
	} else {
		text = strings.ReplaceAll(text, "arch: aarch64", "arch: x86_64")
	}
	mine.profile = filepath.Join(m.files(), "mac.yaml")
	m.write(t, mine.profile, text)
	m.project = filepath.Join(m.files(), "project")
	m.write(t, filepath.Join(m.project, "docs", "read.me"), "hello\n")
	t.Cleanup(func() {
		if text, err := os.ReadFile(m.unanswered); err == nil {
			t.Errorf("no recording has the answer to:\n%s", text)
		}
	})
	return m
}

// worldsetup runs the program that takes its machine for a Mac.
func (m *mac) worldsetup(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, m.command(t.Context(), macBuild.binary, args...))
}

func (m *mac) setup(t *testing.T, args ...string) run {
	t.Helper()
	return parseRun(t, m.worldsetup(t, append([]string{"--non-interactive", "--json", "--agent", "builtin", "--profile",
		m.rig.profile, m.project}, args...)...))
}

// TestMac is worldsetup on Macs: all of the program but the system calls that docs/tested-on.md lists.
func TestMac(t *testing.T) {
	rigs := suite.rigs
	if len(rigs) == 0 || rigs[0].bed == nil {
		t.Skip("played on the test bed only: a Mac's limactl starts a container there")
	}
	t.Parallel()
	t.Cleanup(func() { keepMacCoverage(t) })
	for i, described := range macs {
		rig := rigs[i%len(rigs)]
		t.Run(described.name, func(t *testing.T) {
			besides(t)
			t.Run("life of a world", func(t *testing.T) { testMacLife(t, newMac(t, rig, described)) })
			t.Run("refusals", func(t *testing.T) { testMacRefusals(t, rig, described) })
		})
	}
}

// keepMacCoverage writes what the program executed beside the results, for docs/tested-on.md.
func keepMacCoverage(t *testing.T) {
	if *resultsFile == "" || macBuild.coverage == "" {
		return
	}
	profile := *resultsFile + ".mac.cover"
	if out, err := exec.Command("go", "tool", "covdata", "textfmt", "-i", macBuild.coverage, "-o", profile).
		CombinedOutput(); err != nil {
		t.Errorf("go tool covdata: %v\n%s", err, out)
	}
}

func testMacLife(t *testing.T, m *mac) {
	m.testPlan(t)
	m.testWizard(t)
	m.testNoAnswer(t)
	r := m.setup(t)
	r.wantReady(t)
	if steps := r.steps(); !slices.Contains(steps, provision.StepStart) || steps[len(steps)-1] != provision.StepMarker {
		t.Errorf("a first run took the steps %v", steps)
	}
	m.wantVZ(t)
	testReachable(t, m.world)

	r = m.setup(t)
	r.wantReady(t)
	if plan := r.firstPlan(t); !plan.Empty() || r.outcome().Changed {
		t.Errorf("a rerun planned %+v", plan)
	}
	if r := m.worldsetup(t, "status"); r.code != 0 || !strings.Contains(r.stdout, "ready") {
		t.Errorf("status: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}

	// Lima 2.2 lists a directory without a configuration as broken.
	stray := filepath.Join(m.dir, "aaa", "left")
	m.write(t, stray, "")
	if r := m.setup(t); r.code != 0 || r.outcome().Changed {
		t.Errorf("beside a stray directory: exit code %d, error %+v", r.code, r.outcome().Error)
	}
	if err := os.RemoveAll(filepath.Dir(stray)); err != nil {
		t.Fatal(err)
	}

	// Two faults: one of the layout, and a Mac that was switched off.
	m.world.root(t, "chmod 0666 /run/substrate.sock && systemctl disable --now substrate-world-agent.socket")
	if r := m.worldsetup(t, "status"); r.code == 0 {
		t.Errorf("status takes a damaged world for ready\n%s", r.stdout)
	}
	m.setup(t).wantReady(t)
	testContract(t, m.world)
	m.testPowerCut(t)
	m.testStubbornAgent(t)
	m.testFrozenHostAgent(t)
	m.killHostAgent(t)
	if r := m.worldsetup(t, "status"); r.code == 0 {
		t.Errorf("status takes a VM that was killed for ready\n%s", r.stdout)
	}
	r = m.setup(t)
	r.wantReady(t)
	if !slices.Contains(r.steps(), provision.StepStart) {
		t.Errorf("a VM that was killed took the steps %v", r.steps())
	}
	m.wantVZ(t)

	m.testSlowStart(t)
	m.testRosettaLost(t)

	m.becomeOld(t)
	r = m.setup(t, "--disk", "5GiB") // smaller than it is
	if r.code != 4 || len(r.steps()) > 0 {
		t.Errorf("without consent: exit code %d, steps %v", r.code, r.steps())
	}
	m.setup(t, "--disk", "5GiB", "--replace", vm).wantReady(t)
	m.wantOld(t, false)
	m.wantVMs(t, vm)
	m.wantVZ(t)
	testReachable(t, m.world)
	if r := m.worldsetup(t, "remove", "--all"); r.code != 4 ||
		!strings.Contains(r.stdout+r.stderr, "packages of Homebrew") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if r := m.worldsetup(t, "remove", "--remove", vm); r.code != 0 {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	m.wantVMs(t)
}

// testPlan: a plan creates a VM of the type vz, unless another one is asked for.
func (m *mac) testPlan(t *testing.T) {
	for _, args := range [][]string{nil, {"--vm-type", "qemu"}} {
		r := m.worldsetup(t, append([]string{"plan", "--json", "--agent", "builtin", "--profile", m.rig.profile, m.project},
			args...)...)
		var plan provision.Plan
		if err := json.Unmarshal([]byte(r.stdout), &plan); r.code != 0 || err != nil || len(plan.Steps) == 0 ||
			plan.Steps[0].ID != provision.StepCreate {
			t.Errorf("%q: exit code %d, %v\n%s%s", args, r.code, err, r.stdout, r.stderr)
		}
	}
}

// testWizard: the wizard begins, knows the Mac, and leaves without having changed anything.
func (m *mac) testWizard(t *testing.T) {
	t.Helper()
	cmd := m.command(t.Context(), macBuild.binary, "--agent", "builtin", "--profile", m.rig.profile, m.project)
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	cmd.SysProcAttr.Setpgid = false // it gets a session of its own
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	shown, part := "", make([]byte, 1<<16)
	for !strings.Contains(shown, "macOS ") {
		n, err := screen.Read(part)
		if err != nil {
			t.Fatalf("the wizard ended (%v): %s", err, shown)
		}
		shown += string(part[:n])
	}
	_, _ = screen.Write([]byte{3}) // Ctrl-C
	go func() { _, _ = io.Copy(io.Discard, screen) }()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("the wizard ended with %v", err)
	}
	if out := m.limactl(t, "list", "--quiet"); strings.TrimSpace(out.stdout) != "" {
		t.Errorf("there is a VM: %s", out.stdout)
	}
}

// testNoAnswer: the VM runs and does not answer, of which a Mac's Lima reports nothing: no event, no console. A run
// that is ended then leaves nothing running.
func (m *mac) testNoAnswer(t *testing.T) {
	t.Helper()
	silent := filepath.Join(m.files(), "silent")
	m.write(t, silent, "")
	cmd := m.command(t.Context(), macBuild.binary, "--non-interactive", "--json", "--agent", "builtin", "--profile",
		m.rig.profile, m.project)
	cmd.Env = append(cmd.Env, "ASMAC_NEVER_SSH="+silent)
	events := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		for {
			log, _ := os.ReadFile(filepath.Join(m.dir, vm, "ha.stderr.log"))
			if strings.Contains(string(log), "[VZ] - vm state change: running") {
				break
			}
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		text, _ := os.ReadFile(filepath.Join(m.dir, vm, "ha.stdout.log"))
		events <- string(text)
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}()
	r := parseRun(t, finish(t, cmd))
	close(ended)
	if failure := r.outcome().Error; r.code != 130 || failure == nil || failure.Kind != provision.KindInterrupted {
		t.Fatalf("exit code %d, error %+v", r.code, failure)
	}
	if text := <-events; text != "" {
		t.Errorf("the host agent reported before ssh answered: %s", text)
	}
	if console, err := os.ReadFile(filepath.Join(m.dir, vm, "serialv.log")); err != nil || len(console) > 0 {
		t.Errorf("the console has %q, %v", console, err)
	}
	if out, err := exec.Command("pgrep", "-a", "-u", m.rig.host.User.Name, "-f", "limactl.*"+m.dir).Output(); err == nil {
		t.Errorf("still there: %s", out)
	}
	if err := os.Remove(silent); err != nil {
		t.Fatal(err)
	}
}

// testPowerCut: a shutdown that takes too long is a power cut, which Lima reports as a success; a rerun starts the VM.
func (m *mac) testPowerCut(t *testing.T) {
	t.Helper()
	environment := m.env
	m.limactl(t, "stop", "--force", vm)
	m.env = append(slices.Clip(environment), "ASMAC_STOP=1ns")
	m.setup(t).wantReady(t)
	if r := m.limactl(t, "stop", vm); r.code != 0 {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	m.env = environment
	log, err := os.ReadFile(filepath.Join(m.dir, vm, "ha.stderr.log"))
	if err != nil || !strings.Contains(string(log), "vz timeout while waiting for stop status") {
		t.Errorf("the host agent does not name the power cut, %v", err)
	}
	m.setup(t).wantReady(t)
}

// testRosettaLost: a VM with Rosetta, on a Mac that has lost it, would open a dialog and end in emergency mode. One
// that is stopped is not started, and it is taken out of one that runs. VMs that are made afterwards have none.
func (m *mac) testRosettaLost(t *testing.T) {
	t.Helper()
	if !m.described.rosetta {
		return
	}
	installed := m.env
	has := func(rosetta bool) {
		if m.env = installed; !rosetta {
			m.env = slices.DeleteFunc(slices.Clone(installed), func(e string) bool { return e == "ASMAC_ROSETTA=1" })
			if err := os.Remove(filepath.Join(m.root, rosettaFile)); err != nil {
				t.Fatal(err)
			}
			return
		}
		m.write(t, filepath.Join(m.root, rosettaFile), "")
	}
	m.limactl(t, "stop", vm)
	has(false)
	r := m.setup(t)
	if failure := r.outcome().Error; r.code == 0 || len(r.steps()) > 0 || failure == nil ||
		!strings.Contains(failure.Next, "softwareupdate --install-rosetta") {
		t.Errorf("a stopped VM: exit code %d, steps %v, error %+v", r.code, r.steps(), failure)
	}
	has(true)
	m.setup(t).wantReady(t)
	// As cloud-init writes it on vz; a container has no such file system, and would not boot with it.
	m.world.root(t, `printf 'vz-rosetta\t/mnt/lima-rosetta\tvirtiofs\tdefaults,comment=cloudconfig\t0\t0\n' >>/etc/fstab`)
	has(false)
	r = m.setup(t)
	r.wantReady(t)
	if steps := r.steps(); !slices.Equal(steps, []provision.StepID{provision.StepRosetta}) {
		t.Errorf("without Rosetta, the run took the steps %v", steps)
	}
	if fstab := m.world.root(t, "cat /etc/fstab"); strings.Contains(fstab, "vz-rosetta") {
		t.Errorf("the guest still mounts it at each boot:\n%s", fstab)
	}
	m.described.rosetta = false
	m.limactl(t, "stop", vm)
	m.setup(t).wantReady(t)
	m.wantVZ(t)
}

// killHostAgent kills the process that is the VM on a Mac.
func (m *mac) killHostAgent(t *testing.T) {
	t.Helper()
	driver, err := os.ReadFile(filepath.Join(m.dir, vm, "vz.pid"))
	agent, agentErr := os.ReadFile(filepath.Join(m.dir, vm, "ha.pid"))
	pid, numberErr := strconv.Atoi(strings.TrimSpace(string(driver)))
	if err := errors.Join(err, agentErr, numberErr); err != nil || string(agent) != string(driver) {
		t.Fatalf("the VM is the process %q and its host agent %q: %v", driver, agent, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	guest := filepath.Join(m.dir, vm, "qemu.pid") // the container ends with it
	for text, err := os.ReadFile(guest); err == nil; text, err = os.ReadFile(guest) {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the VM goes on without its host agent")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// wantVZ wants a VM of the type vz, as Lima lists it, with one console, and with Rosetta where the Mac has it.
func (m *mac) wantVZ(t *testing.T) {
	t.Helper()
	arch := map[string]string{"arm64": "aarch64", "amd64": "x86_64"}[m.described.arch]
	want := "vz " + arch + " Running\n"
	if r := m.limactl(t, "list", "--format", "{{.VMType}} {{.Arch}} {{.Status}}"); r.stdout != want {
		t.Errorf("limactl lists %q, want %q\n%s", r.stdout, want, r.stderr)
	}
	logs, _ := filepath.Glob(filepath.Join(m.dir, vm, "serial*.log"))
	if len(logs) != 1 || filepath.Base(logs[0]) != "serialv.log" {
		t.Errorf("the consoles are %q", logs)
	}
	text, err := os.ReadFile(filepath.Join(m.dir, vm, "lima.yaml"))
	rosetta := regexp.MustCompile(`rosetta:\s+enabled: true`).Match(text)
	if err != nil || !strings.Contains(string(text), "vmType: vz") || rosetta != m.described.rosetta {
		t.Errorf("lima.yaml lacks vz, or has Rosetta on: %v, %v\n%s", rosetta, err, text)
	}
}

// rosettaFile is the part of Rosetta that guests run: a Mac has it once Rosetta was installed.
const rosettaFile = "/Library/Apple/usr/libexec/oah/RosettaLinux/rosetta"

// machO is the beginning of a Mac's program for a processor: mach_header_64 of mach-o/loader.h.
func machO(arch string) string {
	cpu := macho.CpuAmd64
	if arch == "arm64" {
		cpu = macho.CpuArm64
	}
	header := make([]byte, 0, 32)
	for _, field := range []uint32{macho.Magic64, uint32(cpu), 0, uint32(macho.TypeExec), 0, 0, 0, 0} {
		header = binary.LittleEndian.AppendUint32(header, field)
	}
	return string(header)
}

// testMacRefusals: what no world can be made with is reported before anything is done, with its cause and what to do.
func testMacRefusals(t *testing.T, rig *rig, described macDescription) {
	apple := described.arch == "arm64"
	for _, test := range []struct {
		name      string
		on        bool // such a Mac exists
		recorded  []string
		prepare   func(t *testing.T, m *mac)
		args      []string
		code      int
		kind      provision.Kind
		why, next string
	}{
		{name: "macOS is too old", on: true, recorded: []string{"catalina-10.15.5"}, code: 3,
			kind: provision.KindPrerequisite,
			why:  "macOS 10.15.5 is too old", next: "Software Update"},
		{name: "a program for Intel", on: !apple, recorded: []string{"shell-rosetta"}, code: 3,
			kind: provision.KindPrerequisite,
			why:  "worldsetup runs under Rosetta", next: "arch -arm64"},
		{name: "a Mac that is a VM", on: apple, recorded: []string{"vz-guest", "in-a-vm"}, code: 3,
			kind: provision.KindPrerequisite,
			why:  "this Mac can't run VMs", next: "kern.hv_support"},
		{name: "limactl signed again", on: true, recorded: []string{"signature-without-entitlements"}, code: 3,
			kind: provision.KindPrerequisite, why: "limactl may not create VMs", next: "install Lima again"},
		{name: "limactl in quarantine", on: true, recorded: []string{"quarantined"}, code: 3,
			kind: provision.KindPrerequisite,
			why:  "macOS holds limactl in quarantine", next: "xattr -d com.apple.quarantine"},
		{name: "limactl for another processor", on: true, code: 3, kind: provision.KindPrerequisite,
			prepare: func(t *testing.T, m *mac) {
				other := map[string]string{"arm64": "amd64", "amd64": "arm64"}[m.described.arch]
				m.write(t, filepath.Join(m.root, macBuild.limactl), machO(other))
			}, why: "Lima is for", next: "install"},
		{name: "more memory than there is", on: true, args: []string{"--memory", "512GiB"}, code: 3,
			kind: provision.KindPrerequisite, why: "less memory than the VM", next: "--memory"},
		{name: "9p", on: true, args: []string{"--mount-type", "9p"}, why: "9p"},
	} {
		if !test.on {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			m := newMac(t, rig, described, test.recorded...)
			if test.prepare != nil {
				test.prepare(t, m)
			}
			r := m.setup(t, test.args...)
			failure := r.outcome().Error
			if failure == nil || r.code == 0 || test.code != 0 && (r.code != test.code || failure.Kind != test.kind) {
				t.Fatalf("exit code %d, error %+v", r.code, failure)
			}
			if text := failure.What + "\n" + failure.Why; !strings.Contains(text, test.why) ||
				!strings.Contains(failure.Next, test.next) || failure.Next == "" {
				t.Errorf("what: %s\nwhy: %s\nnext: %s\nwant %q and %q", failure.What, failure.Why, failure.Next, test.why,
					test.next)
			}
			if out := m.limactl(t, "list", "--quiet"); strings.TrimSpace(out.stdout) != "" {
				t.Errorf("there is a VM: %s", out.stdout)
			}
		})
	}
}
