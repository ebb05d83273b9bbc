//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/e2e/results"
	"github.com/atomize-hq/worldsetup/internal/devhost"
	"github.com/atomize-hq/worldsetup/internal/scenario"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestLimaCalls makes the calls of limactl that boot no VM, through our own client and by the program, on each Lima
// that can be built and each that the suite plays on. It judges what these return: fields, kinds of errors and plans,
// not Lima's prose.
func TestLimaCalls(t *testing.T) {
	if suite.rigs[0].bed == nil && testing.Short() {
		t.Skip("no VM boots for it: the test bed's suite makes the same calls")
	}
	versions := devhost.LimaVersions()
	for _, rig := range suite.rigs {
		if !slices.Contains(versions, rig.host.Version) {
			versions = append(versions, rig.host.Version)
		}
	}
	for _, version := range versions {
		rig := rigWithLima(t, version)
		t.Run("lima-"+version, func(t *testing.T) {
			besides(t)
			for _, part := range []struct {
				name  string
				calls []limaCall
			}{
				{"life of a stopped VM", lifeCalls}, {"beside a VM", besideCalls()},
				{"in the place of a VM", placeCalls},
			} {
				t.Run(part.name, func(t *testing.T) {
					c := newCaller(t, rig, version)
					for _, call := range part.calls {
						t.Run(call.name, func(t *testing.T) { c.play(t, call) })
					}
				})
			}
		})
	}
}

// rigWithLima is a rig with this Lima; which guest it has makes no difference when nothing is booted.
func rigWithLima(t *testing.T, version string) *rig {
	t.Helper()
	for _, rig := range suite.rigs {
		if strings.HasSuffix(rig.name, " lima-"+version) {
			return rig
		}
	}
	other := suite.rigs[0].host
	host, err := devhost.Prepare(t.Context(), devhost.Options{Source: other.Source, Lima: version, Log: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	host.QEMU = other.QEMU
	return &rig{name: "lima-" + version, host: host, profile: suite.rigs[0].profile, bed: suite.rigs[0].bed}
}

// limaCall is a call, or some that belong together, and what must come of it.
type limaCall struct {
	name  string
	check func(c *caller) error
	// known and knownOn are as in [scenario.Scenario].
	known   string
	knownOn []string
}

// play makes a call and wants what must come of it, or a failure when it is known to fail.
func (c *caller) play(t *testing.T, call limaCall) {
	c.t = t
	s := scenario.Scenario{Name: call.name, Known: call.known, KnownOn: call.knownOn}
	rig := "lima-" + c.version
	err := call.check(c)
	line := results.Line{Rig: rig, Scenario: s.Name, Table: "Lima without a boot", Passed: err == nil}
	switch known := s.KnownToFail(rig); {
	case known && err == nil:
		line.Known = s.Known
		t.Errorf("it is marked as known to fail (%s), and passes: take the mark away", s.Known)
	case known:
		line.Known = s.Known
		t.Logf("known to fail, %s: %v", s.Known, err)
	case err != nil:
		t.Error(err)
	}
	record(t, line)
}

// caller makes calls in a Lima home of its own.
type caller struct {
	limaHome
	t       *testing.T // of the call
	version string     // of Lima
	env     []string   // of limactl and of the program, beside the usual
	client  lima.Client
	wanted  lima.Wanted
	profile []byte // of the rig, with what is wanted
	project string
	lines   []string // what the last call of the client printed
}

func newCaller(t *testing.T, rig *rig, version string) *caller {
	t.Helper()
	c := &caller{limaHome: rig.newHome(t), t: t, version: version}
	c.client = lima.Client{Runner: c}
	c.project = filepath.Join(c.files(), `pro 'j"ect {{ü`)
	c.write(t, filepath.Join(c.project, "read.me"), "hello\n")
	c.wanted = lima.Wanted{
		CPUs: 2, Memory: 2 << 30, Disk: 20 << 30, Home: c.userHome(), Project: c.project,
	}
	text, err := os.ReadFile(rig.profile)
	if err != nil {
		t.Fatal(err)
	}
	if c.profile, err = c.wanted.Edit(text, ""); err != nil {
		t.Fatal(err)
	}
	return c
}

// Run implements [lima.Runner] with limactl as the ordinary user.
func (c *caller) Run(ctx context.Context, command lima.Command) (lima.Result, error) {
	cmd := c.command(ctx, c.rig.host.Lima, command.Args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(command.Stdin), &stdout, &stderr
	cmd.WaitDelay = 10 * time.Second    // when it leaves something running that holds the pipe
	for _, file := range command.Args { // what the client made for limactl to read belongs to this process
		if strings.HasPrefix(file, c.files()) {
			if err := os.Chown(file, int(c.rig.host.User.UID), int(c.rig.host.User.GID)); err != nil {
				return lima.Result{}, err
			}
		}
	}
	err := cmd.Run()
	c.t.Logf("limactl %s: %v\n%s", strings.Join(command.Args, " "), err, stderr.Bytes())
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		return lima.Result{}, err
	}
	if command.Line != nil {
		for line := range strings.Lines(stderr.String()) {
			command.Line(strings.TrimSuffix(line, "\n"))
		}
	}
	return lima.Result{Stdout: stdout.Bytes(), Stderr: stderr.String(), ExitCode: cmd.ProcessState.ExitCode()}, nil
}

// command has the caller's own environment as well.
func (c *caller) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := c.limaHome.command(ctx, name, args...)
	cmd.Env = append(cmd.Env, c.env...)
	return cmd
}

// line keeps what limactl prints.
func (c *caller) line(text string) { c.lines = append(c.lines, text) }

func (c *caller) create() error {
	c.lines = nil
	return c.client.Create(c.t.Context(), vm, c.profile, c.line)
}

// script runs a shell script as the ordinary user, in Lima's home.
func (c *caller) script(text string) error {
	cmd := c.command(c.t.Context(), "sh", "-ec", text)
	cmd.Dir = c.dir
	return failed(finish(c.t, cmd))
}

// wantVM wants the client to find the VM as it was made, stopped.
func (c *caller) wantVM(name string) error {
	all, err := c.client.Find(c.t.Context(), name)
	only, onlyErr := c.client.FindOnly(c.t.Context(), name)
	return errors.Join(c.isVM("Find", name, all, err), c.isVM("FindOnly", name, only, onlyErr))
}

func (c *caller) isVM(question, name string, have *limatype.Instance, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", question, err)
	case have == nil:
		return fmt.Errorf("%s finds no VM %s", question, name)
	case have.Config == nil:
		return fmt.Errorf("%s: the VM has no configuration: %+v", question, have)
	}
	same := func(what string, have, want any) error {
		if !reflect.DeepEqual(have, want) {
			return fmt.Errorf("%s: %s is %v, want %v", question, what, have, want)
		}
		return nil
	}
	editable, replace := c.wanted.Differences(have)
	text, err := os.ReadFile(filepath.Join(have.Dir, filenames.LimaYAML))
	return errors.Join(
		same("the name", have.Name, name), same("the state", have.Status, limatype.StatusStopped),
		same("the directory", have.Dir, filepath.Join(c.dir, name)), same("the type", have.VMType, limatype.QEMU),
		same("the number of CPUs", have.CPUs, c.wanted.CPUs), same("the memory", have.Memory, c.wanted.Memory),
		same("the disk", have.Disk, c.wanted.Disk), same("its Lima", have.LimaVersion, c.version),
		same("errors", len(have.Errors), 0), same("protection", have.Protected, false),
		same("its processes", []int{have.HostAgentPID, have.DriverPID}, []int{0, 0}),
		same("what an edit would change", editable, []string(nil)),
		same("what a replacement would change", replace, []string(nil)),
		err, same("how many signs of a world it has", len(lima.Signs(text)), 2),
	)
}

// wantNone wants the client to find no VM of that name.
func (c *caller) wantNone(name string) error {
	have, err := c.client.Find(c.t.Context(), name)
	if err == nil && have != nil {
		err = fmt.Errorf("there is a VM %s: %+v", name, have)
	}
	return err
}

// refused wants a call to have failed with limactl's own exit code, for a reason with these words.
func refused(what string, err error, words ...string) error {
	refusal, ok := errors.AsType[*lima.CommandError](err)
	if !ok {
		return fmt.Errorf("%s: the error is %v, want one of limactl's", what, err)
	}
	if refusal.ExitCode < 1 || refusal.Detail() == "" {
		return fmt.Errorf("%s: the error reports too little: %+v", what, refusal)
	}
	for _, word := range words {
		if !strings.Contains(refusal.Detail(), word) {
			return fmt.Errorf("%s: the error %q doesn't hold %q", what, refusal.Detail(), word)
		}
	}
	return nil
}

// planned is what the program plans.
func (c *caller) planned() (steps []provision.StepID, failure *provision.Error) {
	var plan provision.Plan
	failure = c.report(&plan, "plan", "--json", "--agent", "builtin", "--profile", c.rig.profile, c.project)
	for _, step := range plan.Steps {
		steps = append(steps, step.ID)
	}
	return steps, failure
}

// report runs a command of the program that prints one object: the report or, when there is none, the last event.
func (c *caller) report(into any, args ...string) *provision.Error {
	r := finish(c.t, c.command(c.t.Context(), suite.binary, args...))
	var event provision.Event
	if err := json.Unmarshal([]byte(r.stdout), &event); err == nil && event.Result != nil {
		return event.Result.Error
	}
	if err := json.Unmarshal([]byte(r.stdout), into); err != nil {
		what := "no report was printed: " + err.Error()
		return &provision.Error{Kind: provision.KindInternal, What: what, Why: r.stdout + r.stderr}
	}
	return nil
}

// wantPlan wants the program to plan steps that begin like this.
func (c *caller) wantPlan(want ...provision.StepID) error {
	steps, failure := c.planned()
	if failure != nil {
		return fmt.Errorf("the plan: %s: %s (%s)", failure.Kind, failure.What, failure.Why)
	}
	if len(steps) < len(want) || !slices.Equal(steps[:len(want)], want) {
		return fmt.Errorf("the plan is %v, want it to begin with %v", steps, want)
	}
	return nil
}

// wantStopped wants the program to report a VM that is stopped.
func (c *caller) wantStopped() error {
	var health provision.Health
	if failure := c.report(&health, "status", "--json", "--profile", c.rig.profile, c.project); failure != nil {
		return fmt.Errorf("the status: %s: %s (%s)", failure.Kind, failure.What, failure.Why)
	}
	at := slices.IndexFunc(health.Items, func(item provision.Item) bool { return item.ID == "instance" })
	if health.Ready || at < 0 || !strings.EqualFold(health.Items[at].Found, limatype.StatusStopped) {
		return fmt.Errorf("the status: ready is %v, the items are %+v", health.Ready, health.Items)
	}
	return nil
}

// lifeCalls are a VM's life, in this order.
var lifeCalls = []limaCall{
	{name: "version", check: func(c *caller) error {
		version, err := c.client.Version(c.t.Context())
		if err == nil && version.String() != c.version {
			err = fmt.Errorf("it is %s, want %s", version, c.version)
		}
		return err
	}},
	{name: "list of an empty home", check: func(c *caller) error {
		return errors.Join(c.wantNone(vm), c.wantPlan(provision.StepCreate, provision.StepStart))
	}},
	{name: "validate a profile", check: func(c *caller) error {
		err := c.client.Validate(c.t.Context(), c.files(), c.profile)
		if left, _ := filepath.Glob(filepath.Join(c.files(), lima.ProfilePrefix+"*")); len(left) > 0 {
			return errors.Join(err, fmt.Errorf("left %v", left))
		}
		return err
	}},
	{name: "validate with a key that Lima doesn't know", check: func(c *caller) error {
		return c.client.Validate(c.t.Context(), c.files(), append(slices.Clone(c.profile), "ofLima9: 1\n"...))
	}},
	{name: "validate a profile that can't be", check: func(c *caller) error {
		validate := func(text string) error { return c.client.Validate(c.t.Context(), c.files(), []byte(text)) }
		return errors.Join(
			refused("no image", validate("images: []\n"), "images"),
			refused("an unknown mount type", validate(string(c.profile)+"\nmountType: nfs\n"), "mountType"),
			refused("no YAML", validate("images: [\n")),
			refused("nothing", validate("")),
		)
	}},
	{name: "create what can't be", check: func(c *caller) error {
		create := func(name, text string) error { return c.client.Create(c.t.Context(), name, []byte(text), c.line) }
		return errors.Join(
			refused("no image", create(vm, "images: []\n"), "images"),
			refused("no YAML", create(vm, "images: [\n")),
			refused("no VM's name", create("not a name", string(c.profile)), "not a name"),
			c.wantNone(vm), c.wantNone("not a name"),
		)
	}},
	{name: "create", check: func(c *caller) error {
		if err := c.create(); err != nil {
			return err
		}
		for _, line := range c.lines {
			if lima.ParseLogLine(line).Level == "" {
				return fmt.Errorf("it printed a line that is no entry of its log: %q", line)
			}
		}
		if len(c.lines) == 0 {
			return errors.New("it printed nothing")
		}
		return errors.Join(c.wantVM(vm), c.wantStopped(), c.wantPlan(provision.StepStart))
	}},
	{name: "create a second time", check: func(c *caller) error {
		return errors.Join(refused("create", c.create(), "exists"), c.wantVM(vm))
	}},
	{name: "edit", check: func(c *caller) error {
		instance, err := c.client.FindOnly(c.t.Context(), vm)
		if err != nil {
			return err
		}
		c.wanted.CPUs, c.wanted.Memory, c.wanted.Disk = 3, 3<<30+1<<20, 21<<30
		if editable, replace := c.wanted.Differences(instance); len(editable) != 3 || len(replace) > 0 {
			return fmt.Errorf("before the edit it differs by %v and %v", editable, replace)
		}
		path := filepath.Join(instance.Dir, "lima.yaml")
		for range 2 { // the second time it changes nothing
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			edited, err := c.wanted.Edit(text, instance.Dir)
			if err := errors.Join(err, lima.WriteConfig(instance.Dir, edited)); err != nil {
				return err
			}
		}
		return c.wantVM(vm)
	}},
	{name: "protect and unprotect", check: func(c *caller) error {
		err := c.client.Protect(c.t.Context(), vm, c.line)
		instance, findErr := c.client.Find(c.t.Context(), vm)
		if findErr != nil || instance == nil || !instance.Protected {
			return errors.Join(err, findErr, fmt.Errorf("it isn't protected: %+v", instance))
		}
		return errors.Join(err,
			refused("delete", c.client.Delete(c.t.Context(), vm, c.line), "protected"),
			c.client.Unprotect(c.t.Context(), vm, c.line), c.wantVM(vm),
		)
	}},
	{name: "rename and back", check: func(c *caller) error {
		return errors.Join(
			failed(c.limactl(c.t, "rename", vm, "other")), c.wantNone(vm), c.wantVM("other"),
			failed(c.limactl(c.t, "rename", "other", vm)), c.wantNone("other"), c.wantVM(vm),
		)
	}},
	{name: "shell into a stopped VM", check: func(c *caller) error {
		result, err := c.client.Shell(c.t.Context(), vm, "true")
		if strings.HasPrefix(c.version, "2.0.") { // it does nothing then, and reports nothing
			if err == nil && (result.ExitCode != 0 || len(result.Stdout) > 0) {
				err = fmt.Errorf("it ended with %+v", result)
			}
			return errors.Join(err, c.wantVM(vm))
		}
		if err == nil && (result.ExitCode == 0 || result.Stderr == "") {
			err = fmt.Errorf("it ended with %+v", result)
		}
		return errors.Join(err, c.wantVM(vm))
	}},
	{name: "stop a stopped VM", check: func(c *caller) error {
		return errors.Join(
			refused("stop", c.client.Stop(c.t.Context(), vm, false, c.line), limatype.StatusStopped),
			c.client.Stop(c.t.Context(), vm, true, c.line), c.wantVM(vm),
		)
	}},
	{name: "start with no QEMU", check: func(c *caller) error {
		return c.startsNot("/nonexistent/qemu", provision.KindPrerequisite, "/nonexistent/qemu")
	}},
	{name: "start with a QEMU that fails", check: func(c *caller) error {
		qemu := filepath.Join(c.files(), "qemu")
		// Lima doesn't always log what is said right before the end.
		c.write(c.t, qemu, `#!/bin/sh
echo "qemu: 'virtio-vga' is not a valid device model name" >&2
case $* in *-pidfile*)
    for _ in $(seq 300); do
        if grep -q "not a valid device" '`+filepath.Join(c.dir, vm, filenames.HostAgentStderrLog)+`'; then break; fi
        sleep 0.1
    done
esac
exit 1
`)
		err := os.Chmod(qemu, 0o755)
		return errors.Join(err, c.startsNot(qemu, provision.KindProvisioning, "not a valid device model name"))
	}},
	{name: "stop and delete what isn't there", check: func(c *caller) error {
		return errors.Join(
			refused("stop", c.client.Stop(c.t.Context(), "other", false, c.line), "other"),
			c.client.Delete(c.t.Context(), "other", c.line), c.wantVM(vm),
		)
	}},
	{name: "delete", check: func(c *caller) error {
		err := c.client.Delete(c.t.Context(), vm, c.line)
		if exists(filepath.Join(c.dir, vm)) {
			err = errors.Join(err, errors.New("its directory is still there"))
		}
		return errors.Join(err, c.wantNone(vm), c.wantPlan(provision.StepCreate, provision.StepStart))
	}},
}

// startsNot starts the VM with a QEMU that can't run it, and wants the reason to be given.
func (c *caller) startsNot(qemu string, kind provision.Kind, reason string) error {
	for _, variable := range c.rig.host.Env() { // Lima's name for QEMU, and QEMU's first arguments
		name, value, _ := strings.Cut(variable, "=")
		_, arguments, _ := strings.Cut(value, " ")
		c.env = append(c.env, name+"="+qemu+" "+arguments)
	}
	if c.env == nil {
		c.t.Skip("with KVM Lima gets no QEMU")
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	errs := []error{refused("start", c.client.Start(ctx, vm, c.line))}

	r := parseRun(c.t, finish(c.t, c.command(c.t.Context(), suite.binary,
		"--non-interactive", "--json", "--timeout", "1m", "--agent", "builtin", "--profile", c.rig.profile, c.project)))
	failure := r.outcome().Error
	switch {
	case failure == nil:
		errs = append(errs, errors.New("the program reports no error"))
	case failure.Kind != kind || failure.Next == "" || !strings.Contains(failure.What+"\n"+failure.Why, reason):
		errs = append(errs, fmt.Errorf("the program's error is %s: %s (%s), want one of kind %s that holds %q",
			failure.Kind, failure.What, failure.Why, kind, reason))
	}
	c.env = nil
	return errors.Join(append(errs, c.client.Stop(c.t.Context(), vm, true, c.line), c.wantVM(vm))...)
}

// besideCalls are calls with something beside the VM that is none. It must not hide the VM.
func besideCalls() []limaCall {
	calls := []limaCall{{name: "create the VM", check: func(c *caller) error { return c.create() }}}
	add := func(name, script string) {
		calls = append(calls, limaCall{name: "beside " + name,
			check: func(c *caller) error {
				err := errors.Join(c.script(script), c.wantVMOrRefusal(), c.wantStopped(),
					c.wantPlan(provision.StepStart))
				return errors.Join(err, c.script("chmod -fR u+rwX stray* || :\nrm -rf stray* .stray _stray"),
					c.wantVM(vm))
			}})
	}
	add("an empty directory", "mkdir stray")
	add("a directory with a disk", "mkdir stray; echo 1 >stray/disk")
	add("a lima.yaml that is no YAML", "mkdir stray; printf '{ no\nYAML: at: all\n' >stray/lima.yaml")
	add("an empty lima.yaml", "mkdir stray; : >stray/lima.yaml")
	add("a lima.yaml that can't be read", "mkdir stray; : >stray/lima.yaml; chmod 0 stray/lima.yaml")
	add("a directory that can't be read", "mkdir stray; : >stray/lima.yaml; chmod 0 stray")
	add("a name that no VM can have", "mkdir 'stray name'")
	add("a VM's files under a name that no VM can have", "cp -R substrate 'stray name'")
	add("a file", "echo 1 >stray")
	add("a link to the VM", "ln -s substrate stray")
	add("a link to nothing", "ln -s /nonexistent stray")
	add("hidden directories", "mkdir .stray _stray")
	add("another VM", "cp -R substrate stray")
	return calls
}

// wantVMOrRefusal wants the client to find the VM. Lima may refuse a list of all, and that must not be misread.
func (c *caller) wantVMOrRefusal() error {
	all, err := c.client.Find(c.t.Context(), vm)
	if _, ok := errors.AsType[*lima.CommandError](err); !ok {
		err = c.isVM("Find", vm, all, err)
	} else {
		err = nil
	}
	only, onlyErr := c.client.FindOnly(c.t.Context(), vm)
	return errors.Join(err, c.isVM("FindOnly", vm, only, onlyErr))
}

// placeCalls are calls with something in the place of a VM that isn't there.
var placeCalls = []limaCall{
	inPlace("an empty directory in its place", "mkdir substrate", func(c *caller) error {
		return c.wantPlan(provision.StepRollbackEmpty)
	}),
	inPlace("a directory with a disk in its place", "mkdir substrate; echo 1 >substrate/disk", func(c *caller) error {
		steps, failure := c.planned()
		dir := filepath.Join(c.dir, vm)
		if failure == nil || failure.Kind != provision.KindUnhealthy || !strings.Contains(failure.What, dir) {
			return fmt.Errorf("the plan is %v, the error %+v", steps, failure)
		}
		return nil
	}),
	inPlace("what a killed replacement left", "mkdir substrate.ws-tmp; cd substrate.ws-tmp; "+
		"echo 1 >disk; echo '{}' >worldsetup-unproven", func(c *caller) error {
		return c.wantPlan(provision.StepRollbackRemove)
	}),
	inPlace("what another program left at such a name", "mkdir substrate.ws-tmp; echo 1 >substrate.ws-tmp/disk",
		func(c *caller) error {
			return c.wantPlan(provision.StepCreate, provision.StepStart)
		}),
	inPlace("no VM, and an empty directory of another name", "mkdir stray", func(c *caller) error {
		return c.wantPlan(provision.StepCreate, provision.StepStart)
	}),
}

// inPlace makes a call after a script that leaves something in Lima's home, and cleans up.
func inPlace(name, script string, check func(c *caller) error) limaCall {
	return limaCall{name: name, check: func(c *caller) error {
		return errors.Join(c.script(script), check(c), c.script("rm -rf substrate* stray"))
	}}
}
