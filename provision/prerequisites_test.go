package provision_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// prerequisites are the checks of spec, as List makes them from what the Setup hands over.
func prerequisites(t *testing.T, spec provision.Spec,
	run func(context.Context, lima.Command) (lima.Result, error)) (got checks.Target, err error) {
	t.Helper()
	spec.LimaHome = cmp.Or(spec.LimaHome, filepath.Join(t.TempDir(), "lima"))
	spec.StateDir = filepath.Join(t.TempDir(), "state")
	if spec.Project == "" {
		spec.Project = t.TempDir()
	}
	setup := provision.Setup{Spec: spec, Events: func(event provision.Event) {
		t.Errorf("an event of observing: %+v",
			event)
	}, Edges: func(provision.Spec) provision.Edges {
		return provision.Edges{
			Lima: limactl(run), Now: time.Now, Guest: func(*limatype.Instance, layout.Layout) guest.Client { return nil },
			Checks: func(target checks.Target) []checks.Check { got = target; return checks.List(target) },
		}
	}}
	_, err = setup.Checks(t.Context())
	return got, err
}

type limactl func(context.Context, lima.Command) (lima.Result, error)

func (f limactl) Run(ctx context.Context, command lima.Command) (lima.Result, error) {
	return f(ctx, command)
}

func noVMs(context.Context, lima.Command) (lima.Result, error) { return lima.Result{}, nil }

func TestChecksOfANewVM(t *testing.T) {
	target, err := prerequisites(t, provision.Spec{Agent: provision.AgentBuiltin}, noVMs)
	if err != nil {
		t.Fatal(err)
	}
	if !target.Starts || target.Memory != provision.DefaultMemory || target.Space.Disk != provision.DefaultDisk ||
		len(target.Images) < 2 {
		t.Errorf("%+v", target)
	}
	for _, image := range target.Images {
		if !strings.HasPrefix(image, "https://cloud-images.ubuntu.com/") {
			t.Errorf("image %q", image)
		}
	}
}

// TestChecksOfAnUnreadableVM: Lima shows neither type nor processor of a VM whose configuration it cannot read. What is
// wrong with that is for the plan to report, and nothing of this machine's.
func TestChecksOfAnUnreadableVM(t *testing.T) {
	target, err := prerequisites(t, provision.Spec{}, func(context.Context, lima.Command) (lima.Result, error) {
		return lima.Result{Stdout: []byte(`{"name":"substrate","hostname":"lima-substrate","status":"",` +
			`"dir":"/nowhere/substrate","vmType":"","arch":"","config":null}` + "\n")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := prerequisites(t, provision.Spec{Agent: provision.AgentBuiltin}, noVMs)
	if err != nil {
		t.Fatal(err)
	}
	if target.VM.Instance == nil || target.VMType != fresh.VMType || target.Arch != fresh.Arch {
		t.Errorf("observed for a VM of type %q and processor %q: %+v", target.VMType, target.Arch, target.VM)
	}
}

// TestChecksOfAProfile: what decides about the firmware and the guest's user is merged as Lima merges it.
func TestChecksOfAProfile(t *testing.T) {
	for _, test := range []struct {
		profile, override, standard string
		want                        checks.Firmware
		home                        string
		containers                  bool
	}{
		{profile: "firmware: {legacyBIOS: true}\n", want: checks.Firmware{LegacyBIOS: true}, containers: true},
		{profile: "containerd: {system: false, user: false}\n", override: "containerd: {user: true}\n", containers: true},
		{profile: "containerd: {user: false}\n"},
		{profile: "containerd: {system: true, user: false}\n", containers: true},
		{profile: "cpus: 1\n", standard: "containerd: {user: false}\n"},
		{profile: "firmware: {legacyBIOS: true}\n", override: "firmware: {legacyBIOS: false}\n", containers: true},
		{profile: "cpus: 1\n", standard: "firmware: {legacyBIOS: true}\n", want: checks.Firmware{LegacyBIOS: true},
			containers: true},
		{profile: "cpus: 1\n", override: "user: {home: \"/home/{{.User}}.x\"}\n", home: "/home/{{.User}}.x",
			containers: true},
	} {
		dir := t.TempDir()
		spec := provision.Spec{Agent: provision.AgentBuiltin, Profile: filepath.Join(dir, "p.yaml"), LimaHome: dir,
			VMType: limatype.QEMU}
		if err := os.Mkdir(filepath.Join(dir, "_config"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"p.yaml": test.profile, "_config/override.yaml": test.override,
			"_config/default.yaml": test.standard} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		target, err := prerequisites(t, spec, noVMs)
		if err != nil || target.Firmware != test.want || target.GuestHome != test.home {
			t.Errorf("%+v: %+v, %q, %v", test, target.Firmware, target.GuestHome, err)
		}
		if target.Containers.Wanted != test.containers {
			t.Errorf("%+v: %+v", test, target.Containers)
		}
	}
}

func TestChecksWithoutLima(t *testing.T) {
	target, err := prerequisites(t, provision.Spec{}, func(context.Context, lima.Command) (lima.Result, error) {
		return lima.Result{}, &lima.NotInstalledError{Name: "limactl", Err: errors.New("not in PATH")}
	})
	if err != nil {
		t.Fatal(err)
	}
	if target.VM.Trouble == nil || !strings.Contains(target.VM.Trouble.Why, "not in PATH") {
		t.Errorf("trouble %+v", target.VM.Trouble)
	}
	if target.Agents.None == nil {
		t.Error("without Lima there is no VM, and an agent is needed")
	}
}

func TestChecksOfAWrongAgent(t *testing.T) {
	_, err := prerequisites(t, provision.Spec{Agent: filepath.Join(t.TempDir(), "none")}, noVMs)
	if failure := provision.AsError(err); failure == nil || failure.Kind != provision.KindUsage {
		t.Errorf("%v, want a usage error for a file that is not there", err)
	}
}

// TestWhatAMachineLacks ends neither a status nor a plan: the state of the VM does not depend on it.
func TestWhatAMachineLacks(t *testing.T) {
	b := newBench(t)
	setup := b.setup()
	edges := setup.Edges
	setup.Edges = func(spec provision.Spec) provision.Edges {
		with := edges(spec)
		with.Checks = func(target checks.Target) []checks.Check {
			return []checks.Check{checks.Limactl(target.Lima), {ID: "network", Title: "network",
				Probe: func(context.Context) checks.Result {
					return checks.Result{Finding: provision.Finding{Outcome: provision.Failed, Found: "offline", Next: "connect"}}
				}}}
		}
		return with
	}
	health, err := setup.Status(t.Context())
	if health.Instance != "absent" {
		t.Errorf("the VM is %s", health.Instance)
	}
	wantKind(t, err, provision.KindUnhealthy, "absent")
	if len(health.Lacks) != 1 || health.Lacks[0].Next != "connect" || len(provision.AsError(err).Lacks) != 1 {
		t.Errorf("it lacks %+v, and %+v", health.Lacks, err)
	}
	plan, err := setup.Plan(t.Context())
	if !slices.ContainsFunc(plan.Steps, func(step provision.Step) bool { return step.ID == provision.StepCreate }) {
		t.Errorf("%+v", plan)
	}
	wantKind(t, err, provision.KindPrerequisite, "offline")
	_, err = setup.Run(t.Context())
	wantKind(t, err, provision.KindPrerequisite, "offline")
}

// TestAnUnreadableList is the first error, before whatever depends on it.
func TestAnUnreadableList(t *testing.T) {
	for name, list := range map[string]lima.Result{
		"no JSON":  {Stdout: []byte("panic: no VMs\n")},
		"an error": {ExitCode: 1, Stderr: "level=fatal msg=\"must not run on NFS dir\"\n"},
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "lima", "substrate"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"lima.yaml", "disk"} {
			if err := os.WriteFile(filepath.Join(dir, "lima", "substrate", file), []byte("cpus: 1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		answer := func(_ context.Context, command lima.Command) (lima.Result, error) {
			if command.Args[0] == "--version" {
				return lima.Result{Stdout: []byte("limactl version 2.0.3\n")}, nil
			}
			return list, nil
		}
		setup := provision.Setup{
			Spec: provision.Spec{Project: t.TempDir(), LimaHome: filepath.Join(dir, "lima"),
				StateDir: filepath.Join(dir, "state"), Image: "https://no.such.host.invalid/image"},
			Edges: func(provision.Spec) provision.Edges {
				return provision.Edges{Lima: limactl(answer), Now: time.Now,
					Guest: func(*limatype.Instance, layout.Layout) guest.Client { return nil },
					Checks: func(target checks.Target) []checks.Check {
						return slices.DeleteFunc(checks.List(target), func(check checks.Check) bool {
							return check.ID != "limactl" && check.ID != "vm" && check.ID != "name-resolution"
						})
					}}
			},
		}
		_, status := setup.Status(t.Context())
		_, plan := setup.Plan(t.Context())
		_, run := setup.Run(t.Context())
		for _, err := range []error{status, plan, run} {
			t.Log(name)
			wantKind(t, err, provision.KindPrerequisite, "can't list its VMs")
		}
	}
}

// TestStatusAnswers whatever this machine lacks: the VM's state first, then all of what is missing.
func TestStatusAnswers(t *testing.T) {
	missing := func(context.Context, lima.Command) (lima.Result, error) {
		return lima.Result{}, &lima.NotInstalledError{Name: "limactl", Err: errors.New("not in PATH")}
	}
	broken := func(context.Context, lima.Command) (lima.Result, error) {
		return lima.Result{ExitCode: 1, Stderr: "level=fatal msg=oh"}, nil
	}
	babble := func(_ context.Context, command lima.Command) (lima.Result, error) {
		if command.Args[0] == "--version" {
			return lima.Result{Stdout: []byte("limactl version 2.0.3\n")}, nil
		}
		return lima.Result{Stdout: []byte("a warning\n")}, nil
	}
	for _, test := range []struct {
		name      string
		limactl   limactl
		there     bool // there is a directory of the VM
		instance  string
		kind      provision.Kind
		plan      provision.Kind // of the error of a plan
		planned   bool
		lacks     []string // in this order, others after them
		directory string
	}{
		{"no limactl, no VM", missing, false, "absent", provision.KindUnhealthy, provision.KindPrerequisite, true,
			[]string{"limactl", "offline", "slow"}, ""},
		{"a limactl that fails, no VM", broken, false, "absent", provision.KindUnhealthy, provision.KindPrerequisite, true,
			[]string{"limactl", "offline", "slow"}, ""},
		{"no list, no VM", babble, false, "absent", provision.KindUnhealthy, provision.KindPrerequisite, true,
			[]string{"vm", "offline", "slow"}, ""},
		{"no limactl", missing, true, "unknown", provision.KindPrerequisite, provision.KindPrerequisite, false,
			[]string{"limactl", "offline", "slow"}, ""},
		{"no list", babble, true, "unknown", provision.KindPrerequisite, provision.KindPrerequisite, false,
			[]string{"vm", "offline", "slow"}, ""},
		{"no VM, at the root", noVMs, false, "absent", provision.KindUnhealthy, provision.KindUsage, false,
			[]string{"limactl", "offline", "slow", "project"}, "/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "lima")
			if test.there {
				if err := os.MkdirAll(filepath.Join(home, "substrate", "x"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if test.directory != "" {
				t.Chdir(test.directory)
			} else {
				t.Chdir(t.TempDir())
			}
			setup := provision.Setup{
				Spec: provision.Spec{LimaHome: home, StateDir: t.TempDir(), Agent: provision.AgentBuiltin},
				Edges: func(provision.Spec) provision.Edges {
					return provision.Edges{Lima: test.limactl, Now: time.Now,
						Guest:  func(*limatype.Instance, layout.Layout) guest.Client { return nil },
						Checks: lackingChecks}
				},
			}
			health, err := setup.Status(t.Context())
			wantKind(t, err, test.kind)
			var lacks []string
			for _, one := range health.Lacks {
				lacks = append(lacks, one.ID)
			}
			if health.Instance != test.instance || !slices.Equal(lacks, test.lacks) {
				t.Errorf("the VM is %s; it lacks %v, want %v", health.Instance, lacks, test.lacks)
			}
			if got := provision.AsError(err).Lacks; len(got) != len(lacks) {
				t.Errorf("the error has %+v", got)
			}
			plan, err := setup.Plan(t.Context())
			if plan.Blocked != nil {
				err = plan.Err()
			}
			wantKind(t, err, test.plan)
			if planned := len(plan.Steps) > 0; planned != test.planned {
				t.Errorf("planned: %v: %+v", planned, plan)
			}
		})
	}
}

// lackingChecks are those about Lima and the project, after two that fail.
func lackingChecks(target checks.Target) []checks.Check {
	fails := func(context.Context) checks.Result {
		return checks.Result{Finding: provision.Finding{Outcome: provision.Failed, Found: "no", Next: "do"}}
	}
	list := []checks.Check{{ID: "offline", Title: "network", Probe: fails}, {ID: "slow", Title: "KVM", Probe: fails}}
	for _, check := range checks.List(target) {
		if check.ID == "limactl" || check.ID == "vm" || check.ID == "project" {
			check.Requires = slices.DeleteFunc(check.Requires, func(id string) bool { return id == "host-user" })
			list = append(list, check)
		}
	}
	return list
}

// TestAProjectThatIsGone ends no status: the VM is there all the same.
func TestAProjectThatIsGone(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	if err := os.RemoveAll(b.spec.Project); err != nil {
		t.Fatal(err)
	}
	b.spec.Project = ""
	health, err := b.setup().Status(t.Context())
	if health.Instance != "running" || health.Drift.Blocked == nil || len(health.Items) < 10 {
		t.Errorf("%+v", health)
	}
	wantKind(t, err, provision.KindUnhealthy)
	plan, err := b.setup().Plan(t.Context())
	if err != nil {
		t.Error(err)
	}
	wantKind(t, plan.Err(), provision.KindUsage, "no such file")
	wantKind(t, b.run(t), provision.KindUsage, "no such file")
}

// TestTheLogHoldsNoSecrets of an address that events show.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	b := newBench(t)
	b.spec.VM = provision.DefaultVM
	b.mustRun(t)
	b.spec.Image = "https://ada:x/S3cretPw@images.example/i.img" // the VM was not made from it
	wantKind(t, b.run(t), provision.KindReplacement, "not made from the image")
	text, err := os.ReadFile(provision.LogPath(b.spec))
	if err != nil || !strings.Contains(string(text), "***@images.example") || strings.Contains(string(text), "S3cretPw") {
		t.Errorf("%v: %s", err, text)
	}
}
