package provision_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// prerequisites are the checks of spec, as List makes them from what the Setup hands over.
func prerequisites(t *testing.T, spec provision.Spec,
	run func(context.Context, lima.Command) (lima.Result, error)) (got checks.Target, err error) {
	t.Helper()
	spec.LimaHome, spec.StateDir = filepath.Join(t.TempDir(), "lima"), filepath.Join(t.TempDir(), "state")
	if spec.Project == "" {
		spec.Project = t.TempDir()
	}
	setup := provision.Setup{Spec: spec, Events: func(event provision.Event) {
		t.Errorf("an event of observing: %+v",
			event)
	}, Edges: func(provision.Spec) provision.Edges {
		return provision.Edges{
			Lima: limactl(run), Now: time.Now, Guest: func(*limatype.Instance) guest.Client { return nil },
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
		return lima.Result{Stdout: []byte(
			`{"name":"substrate","hostname":"lima-substrate","status":"","dir":"/nowhere/substrate","vmType":"","arch":"","config":null}` + "\n")}, nil
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
