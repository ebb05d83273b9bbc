package fake

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

func TestFaultsOfLimactl(t *testing.T) {
	w := newWorld(t, Options{})
	client := lima.Client{Runner: w}
	ctx := t.Context()
	text, _ := profile(t)

	w.Faults = Faults{NotInstalled: true}
	_, err := client.Version(ctx)
	if _, ok := errors.AsType[*lima.NotInstalledError](err); !ok {
		t.Errorf("not installed: %v", err)
	}
	w.Faults = Faults{Garbage: true}
	if version, err := client.Version(ctx); err == nil {
		t.Errorf("garbage was read as the version %v", version)
	}
	if _, err := client.Find(ctx, vmName); err == nil {
		t.Error("garbage was read as a list")
	}
	w.Faults = Faults{Kill: map[string]bool{"list": true}}
	_, err = client.Find(ctx, vmName)
	if killed, ok := errors.AsType[*lima.CommandError](err); !ok || killed.ExitCode != 137 {
		t.Errorf("killed: %v", err)
	}
	w.Faults = Faults{Fail: map[string]string{"create": "no such host"}}
	refused(t, client.Create(ctx, vmName, text, nil), "no such host")
	if left := find(t, w); left.Status != limatype.StatusStopped {
		t.Errorf("a failed download leaves %s", left.Status)
	}
	w.Faults = Faults{Fail: map[string]string{"start": "qemu is missing"}}
	refused(t, client.Start(ctx, vmName, nil), "qemu is missing")
	w.Faults = Faults{}
	must(t, client.Start(ctx, vmName, nil))
}

func TestAHangingCallEndsWithItsContext(t *testing.T) {
	w := newWorld(t, Options{})
	w.Faults = Faults{Hang: map[string]bool{"list": true}}
	cause := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, cause)
	defer cancel()
	if _, err := (lima.Client{Runner: w}).Find(ctx, vmName); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	patient := newWorld(t, Options{Patience: time.Millisecond})
	patient.Faults = Faults{Hang: map[string]bool{"list": true}}
	if _, err := (lima.Client{Runner: patient}).Find(t.Context(), vmName); !errors.Is(err, errHang) {
		t.Errorf("got %v", err)
	}
}

func TestGivingUpOnAStartLeavesTheVMRunning(t *testing.T) {
	for _, fault := range []string{"start", "start-late"} {
		w := newWorld(t, Options{})
		client := lima.Client{Runner: w}
		text, _ := profile(t)
		must(t, client.Create(t.Context(), vmName, text, nil))
		w.Faults = Faults{Hang: map[string]bool{fault: true}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- client.Start(ctx, vmName, nil) }()
		for find(t, w).Status != limatype.StatusRunning {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", fault, err)
		}
		if status := find(t, w).Status; status != limatype.StatusRunning {
			t.Errorf("%s: left %s", fault, status)
		}
		must(t, w.Guest(&limatype.Instance{Name: vmName}).Enter(t.Context()))
	}
}
