package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/demo"
	"github.com/atomize-hq/worldsetup/provision"
)

// The whole way of a first-time user.
func TestWizardFirstRun(t *testing.T) {
	c := start(t, 80, 24, nil, "demo", "--speed", "1000")
	c.see("SIMULATION", "Nothing has been changed yet", "create the VM", "~/project", "enter start")
	c.press("?")
	c.see("check again", "page down")
	c.press("?x")
	c.see("enter start")
	c.press("\r")
	c.see("SIMULATION", "Ready · verified", "/run/substrate.sock", "root in the guest")
	c.press("q")
	code, text := c.end()
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"SIMULATION", "✓ substrate: ready", "PROBE: it answers", "next, with a real VM, type:"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the scrollback:\n%s", want, text)
		}
	}
}

func TestWizardResized(t *testing.T) {
	c := start(t, 80, 24, nil, "demo", "--speed", "1000")
	c.see("enter start", "write the layout marker")
	c.resize(30, 8)
	c.see("SIMULATION", "too small: 30x8")
	c.resize(120, 40)
	c.see("11 write the layout marker", "enter start")
	c.press("q")
	c.end()
}

func TestWizardReplacement(t *testing.T) {
	c := start(t, 80, 24, nil, "demo", "--speed", "1000", "--scenario", "replace")
	c.see("must be replaced", "its disk has 20", "Nothing has been changed")
	c.press("\rxsub\r")
	c.see("sub is not the name of the VM", "Nothing has been changed")
	c.press("\x1b")
	c.see("x replace it")
	c.press("q")
	if code, text := c.end(); code != 4 || !strings.Contains(text, "error: SIMULATION: ") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

func TestWizardReplaces(t *testing.T) {
	c := start(t, 80, 50, nil, "demo", "--speed", "1000", "--scenario", "replace")
	c.see("! deleted: the disk of the VM", "rename the old VM to its backup", "x replace it")
	c.press("x")
	c.see("type the VM's name", "Kept")
	c.press("substrate\r")
	c.see("Ready · verified")
	c.press("q")
	if code, text := c.end(); code != 0 {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// Each scenario shows what it is for, on one screen of 80x24, without scrolling.
func TestWizardScenarios(t *testing.T) {
	shown := map[string]struct{ keys, see string }{
		"first-run": {"", "11 write the layout marker"}, "healthy": {"", "Checks ✓"},
		"repair": {"", "enter repair it"}, "replace": {"", "15 remove the old VM"}, "kept": {"", "Checks ✓"},
		"foreign": {"", "12 write the layout marker"}, "not-ready": {"", "mallory can reach the socket"},
		"upgrade": {"", "enter update it"}, "no-agent": {"", "--agent builtin"},
		"busy": {"", "another run of worldsetup is at work"}, "watch": {"w", "mode 0666"},
		"failure": {"", "enter start"}, "prerequisites": {"", "f fix c change"}, // "ovmf fix" is there before
	}
	for _, scenario := range demo.Scenarios {
		if _, ok := shown[scenario.Name]; !ok {
			t.Errorf("the scenario %s is not shown", scenario.Name)
		}
	}
	for scenario, test := range shown {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			c := start(t, 80, 24, nil, "demo", "--speed", "60", "--scenario", scenario)
			if test.keys != "" {
				c.see("Ready · verified")
				c.press(test.keys)
			}
			c.see(test.see)
			if screen := c.picture(); strings.Contains(screen, "↑/↓") {
				t.Errorf("it has to be scrolled:\n%s", screen)
			}
			c.press("q")
			c.end()
		})
	}
}

// What is chosen on the plan's screen is what is planned for.
func TestWizardChoices(t *testing.T) {
	c := start(t, 80, 50, nil, "demo", "--speed", "1000")
	c.see("c change")
	c.press("c\t\t\x1b[D")
	c.see("custom")
	c.press("\t999\r")
	c.see("invalid CPU count 999", "Fix the fields marked")
	c.press("\x7f\x7f\x7f2\r")
	c.see("Nothing has been changed yet", "enter start")
	c.press("\r")
	c.see("Ready · verified")
	c.press("q")
	c.end()
}

func TestWizardSmallTerminal(t *testing.T) {
	c := start(t, 40, 12, nil, "demo", "--speed", "1000", "--scenario", "healthy")
	c.see("SIMULATION", "Ready · verified")
	c.press("q")
	if code, _ := c.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestWizardConsentRefused(t *testing.T) {
	c := start(t, 80, 24, nil, "demo", "--speed", "1000")
	c.see("enter start")
	c.press("q")
	if code, text := c.end(); code != 130 || !strings.Contains(text, "Stopped. Nothing was changed.") ||
		strings.Contains(text, "error:") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

func TestWizardFailureAndRetry(t *testing.T) {
	c := start(t, 120, 40, nil, "demo", "--speed", "1000", "--scenario", "failure")
	c.see("enter start")
	c.press("\r")
	c.see("Run ✗", "Temporary failure resolving", "r try again")
	c.press("r")
	c.see("enter start")
	c.press("\r")
	c.see("Ready · verified")
	c.press("q")
	if code, _ := c.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Slow enough to be stopped in the middle; what waits ends with its context.
func TestWizardStopped(t *testing.T) {
	c := start(t, 100, 30, nil, "demo", "--speed", "0.01")
	c.see("SIMULATION", "changing nothing")
	c.press("\x03")
	if code, text := c.end(); code != 130 || !strings.Contains(text, "next: ") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

func TestWizardSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		for _, speed := range []string{"1000", "0.01"} { // idle, and at work
			t.Run(signal.String()+" at speed "+speed, func(t *testing.T) {
				c := start(t, 100, 30, nil, "demo", "--speed", speed)
				c.see(map[string]string{"1000": "enter start", "0.01": "changing nothing"}[speed])
				if err := c.command.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				if code, text := c.end(); code != 130 || !strings.Contains(text, "was received") {
					t.Errorf("exit code %d\n%s", code, text)
				}
			})
		}
	}
}

// Without a terminal there is no user to ask: the current work ends, and nothing stays behind.
func TestWizardTerminalClosed(t *testing.T) {
	deaf := func(command *exec.Cmd) { // as nohup does it
		command.Args = append([]string{"sh", "-c", `trap '' HUP; exec "$0" "$@"`, command.Path}, command.Args[1:]...)
		command.Path = "/bin/sh"
	}
	t.Run("with a signal", func(t *testing.T) { closeTerminal(t, nil) })
	t.Run("without", func(t *testing.T) { closeTerminal(t, deaf) })
}

func closeTerminal(t *testing.T, change func(*exec.Cmd)) {
	c := start(t, 80, 24, change, "demo", "--speed", "0.01")
	c.see("changing nothing")
	if err := c.device.Close(); err != nil {
		t.Fatal(err)
	}
	_ = c.command.Wait()
	if code := c.command.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	if left, err := os.ReadDir(c.temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// The result goes where standard output goes; the wizard stays on the terminal.
func TestWizardWithStandardOutputElsewhere(t *testing.T) {
	var out bytes.Buffer
	c := start(t, 80, 24, func(command *exec.Cmd) { command.Stdout = &out }, "demo", "--speed", "1000", "--scenario",
		"repair")
	c.see("install the agent", "enter repair it")
	c.press("\r")
	c.see("Ready · verified")
	c.press("q")
	code, text := c.end()
	if code != 0 || !strings.Contains(out.String(), "✓ substrate: ready") ||
		strings.Contains(out.String(), "\x1b") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	if strings.Contains(text, "substrate: ready · running") {
		t.Errorf("the result is on the terminal:\n%s", text)
	}
}

// A kept VM is restored, and a world is deleted, after its name was typed.
func TestWizardRestoresAndRemoves(t *testing.T) {
	c := start(t, 120, 50, nil, "demo", "--speed", "1000", "--scenario", "kept")
	c.see("Ready · verified", "m manage")
	c.press("m")
	c.see("B restore", "D remove")
	c.press("B")
	c.see("Restore the kept VM", "Deleted")
	c.press("substrate\r")
	c.see("Ready · verified", "m manage")
	c.press("mD")
	c.see("Remove the world in the VM substrate?", "Deleted")
	c.press("other\r")
	c.see("other is not the name of the VM")
	c.press("substrate\r")
	c.see("the world in the VM substrate is gone")
	c.press("q")
	if code, text := c.end(); code != 0 ||
		!strings.Contains(text, "removed: the world in the VM substrate was deleted") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// Prompts in lines ask the same as the wizard.
func TestAskedInLines(t *testing.T) {
	for name, test := range map[string]struct {
		scenario string
		talk     []string // what is seen, what is typed, and so on
		code     int
		text     string
	}{
		"no":      {"first-run", []string{"go ahead? [y/N", "\r"}, 130, "Stopped. Nothing was changed."},
		"the end": {"first-run", []string{"go ahead? [y/N", "\x04"}, 130, "Stopped. Nothing was changed."},
		"ctrl-c":  {"first-run", []string{"go ahead? [y/N", "\x03"}, 130, "Stopped. Nothing was changed."},
		"not fixed": {"prerequisites", []string{"apt-get install -y qemu-system-x86", "", "run it? [y/N]", "n\r"}, 3,
			"Stopped. Nothing was changed."},
		"fixed": {"prerequisites", []string{"run it? [y/N]", "yes\r", "go ahead? [y/N", "y\r"}, 0, "steps done"},
		"not named": {"replace", []string{"will be deleted: the disk", "", "type the name of the VM, substrate",
			"other\r"}, 4, "Stopped. Nothing was changed."},
		"named": {"replace", []string{"type the name of the VM, substrate", "substrate\r"}, 0, "steps done"},
		"not adopted": {"foreign", []string{
			"the VM substrate is not a world", "", "will be changed: its configuration", "",
			"type the name of the VM, substrate, to turn it into a world", "y\r",
		}, 2, "Stopped. Nothing was changed."},
		"adopted":    {"foreign", []string{"to turn it into a world", "substrate\r"}, 0, "steps done"},
		"nothing to": {"healthy", nil, 0, "ready: nothing to change"},
		"choices": {"first-run", []string{
			"go ahead? [y/N, or c", "c\r", "project directory [", "/no/such\r", "not possible",
			"", "project directory [",
			"\r", "agent: a file", "\r",
			"CPUs []", "2\r", "memory", "\r", "disk", "\r", "go ahead? [y/N", "y\r",
		}, 0, "steps done"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, 120, 60, nil, "demo", "--speed", "1000", "--plain", "--scenario", test.scenario)
			for i := 0; i < len(test.talk); i += 2 {
				c.see(test.talk[i])
				c.press(test.talk[i+1])
			}
			code, text := c.end()
			if code != test.code || !strings.Contains(text, test.text) {
				t.Errorf("exit code %d\n%s", code, text)
			}
			if code != 0 && (strings.Contains(text, "error:") || strings.Contains(text, "✗ not ready")) {
				t.Errorf("a no is not an error:\n%s", text)
			}
			if n := strings.Count(text, "executable file not found"); n > 1 && name == "not fixed" {
				t.Errorf("an error was shown twice:\n%s", text)
			}
		})
	}
}

// A signal does not wait for an answer.
func TestSignalWhileAsked(t *testing.T) {
	c := start(t, 120, 60, nil, "demo", "--speed", "1000", "--plain")
	c.see("go ahead? [y/N")
	if err := c.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, text := c.end(); code != 130 || !strings.Contains(text, "SIGTERM was received") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

func TestNeverAsked(t *testing.T) {
	c := start(t, 120, 60, nil, "demo", "--speed", "1000", "--non-interactive")
	if code, text := c.end(); code != 0 || strings.Contains(text, "[y/N") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// --color counts in the wizard, too, and more than NO_COLOR.
func TestWizardColors(t *testing.T) {
	coloured := regexp.MustCompile(`\x1b\[(?:[0-9;]*;)?(?:3[0-8]|9[0-7])[;m]`)
	for name, test := range map[string]struct {
		environment string
		args        []string
		want        bool
	}{
		"auto": {"", nil, true}, "never": {"", []string{"--color=never"}, false}, "NO_COLOR": {"NO_COLOR=1", nil, false},
		"always": {"NO_COLOR=1", []string{"--color=always"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, 80, 24, func(command *exec.Cmd) { command.Env = append(command.Env, test.environment) },
				append([]string{"demo", "--speed", "1000"}, test.args...)...)
			c.see("enter start")
			c.press("q")
			c.end()
			wizard, _, _ := strings.Cut(c.raw.String(), "\x1b[?1049l")
			if got := coloured.MatchString(wizard); got != test.want {
				t.Errorf("in colour: %v\n%q", got, wizard)
			}
		})
	}
}

// A tool that is missing is installed from within the wizard, with its command shown first.
func TestWizardFix(t *testing.T) {
	c := start(t, 80, 24, nil, "demo", "--speed", "1000", "--scenario", "prerequisites")
	c.see("QEMU is not installed", "waits for QEMU", "f fix")
	c.press("f")
	c.see("$ sudo apt-get install -y qemu-system-x86", "enter/n no")
	c.press("y")
	c.see("enter start")
	c.press("q")
	c.end()
}

// Who asks for lines gets lines, on a terminal, too.
func TestNoWizard(t *testing.T) {
	for name, test := range map[string]struct {
		environment string
		args        []string
	}{
		"--plain": {"", []string{"--plain"}}, "dumb": {"TERM=dumb", nil}, "no TERM": {"TERM=", nil},
		"accessible": {"ACCESSIBLE=1", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, 80, 24, func(command *exec.Cmd) { command.Env = append(command.Env, test.environment) },
				append([]string{"demo", "--speed", "1000"}, test.args...)...)
			c.see("go ahead? [y/N")
			c.press("y\r")
			code, text := c.end()
			if code != 0 || !strings.Contains(text, "steps done") {
				t.Errorf("exit code %d\n%s", code, text)
			}
			if strings.Contains(c.raw.String(), "\x1b") {
				t.Errorf("an escape byte: %q", c.raw.String())
			}
		})
	}
}

// A problem is shown once on a terminal; scripts that read standard error alone still get the error.
func TestChecksAreShownOnce(t *testing.T) {
	bare := func(command *exec.Cmd) { command.Env = append(command.Env, "PATH=/nonexistent") }
	c := start(t, 120, 40, bare, "check", "limactl")
	code, text := c.end()
	if n := strings.Count(text, "Lima is not installed"); code != 3 || n != 1 {
		t.Errorf("exit code %d, shown %d times:\n%s", code, n, text)
	}
	c = start(t, 120, 40, bare, "--check-only", "--agent", "builtin")
	code, text = c.end()
	if strings.Contains(text, "error:") || code != 0 || !strings.Contains(text, "not ready") ||
		!strings.Contains(text, "check-only: the exit code is 0") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	var errors bytes.Buffer
	c = start(t, 120, 40, func(command *exec.Cmd) { bare(command); command.Stderr = &errors }, "check", "limactl")
	if code, _ := c.end(); code != 3 || !strings.Contains(errors.String(), "Lima is not installed") {
		t.Errorf("exit code %d: %s", code, errors.String())
	}
}

// The demo has the events of a run as well, each in a line, and standard output holds nothing else.
func TestDemoInJSON(t *testing.T) {
	var out bytes.Buffer
	_, text := start(t, 80, 24, func(command *exec.Cmd) { command.Stdout = &out }, "demo", "--json", "--speed", "1000",
		"--scenario", "repair").end()
	var last provision.Event
	for line := range strings.Lines(out.String()) {
		last = provision.Event{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	}
	if last.Type != provision.EventFinished || !last.Result.Ready || !strings.Contains(text, demoBanner) {
		t.Errorf("it ends with %+v, and says %q", last, text)
	}
}
