package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

func TestAFreshGuest(t *testing.T) {
	w, _ := started(t, Options{})
	o := observe(t, w, guest.Shared)
	if o.User != "sam" || o.Home != "/home/sam.guest" || o.OS != "ubuntu 24.04" || !o.Sudo || !o.Linger {
		t.Errorf("%+v", o)
	}
	if len(o.Files) != len(above)+3 || // the home, and what lets ssh in
		o.Marker != "" || !slices.Equal(o.Missing, []string{"conntrack", "dnsmasq", "fuse-overlayfs", "jq"}) {
		t.Errorf("files %v, missing %q", o.Files, o.Missing)
	}
	if unit := o.Units[guest.ServiceName]; unit.Load != "not-found" || unit.Active != "inactive" || unit.FileState != "" {
		t.Errorf("service %+v", unit)
	}
	if o.Mounts[0].FSType != "" || o.Mounts[1].FSType != "fuse.sshfs" || o.Mounts[1].ReadOnly {
		t.Errorf("mounts %+v", o.Mounts)
	}
	if entries := o.Mounts[1].Entries; len(entries) != 1 || entries[0].Name != "a.txt" || entries[0].Type != 'f' || entries[0].Size != 3 {
		t.Errorf("entries %+v", entries)
	}
	if o.ClockAhead.Abs() > time.Second {
		t.Errorf("clock %v", o.ClockAhead)
	}
	for who, answer := range prove(t, w, guest.Fresh) {
		if !answer.Refused() {
			t.Errorf("%s: %+v", who, answer)
		}
	}
}

func TestACompletedWorldAnswersWhomItShould(t *testing.T) {
	w, vm := completed(t, Options{})
	o := observe(t, w, guest.Shared)
	want := map[string]string{
		guest.AgentPath: "regular file 755 root root", guest.ServicePath: "regular file 644 root root",
		guest.SocketUnitPath: "regular file 644 root root", guest.MarkerPath: "regular file 644 root root",
		guest.SocketPath: "socket 660 root substrate", guest.StatePath: "directory 750 root substrate",
		guest.RuntimePath: "directory 750 root substrate", o.Home + "/.substrate": "directory 755 sam sam",
		o.Home: "directory 755 sam sam", o.Home + "/.ssh": "directory 700 sam sam", o.Home + authorizedKeys: "regular file 600 sam sam",
	}
	for _, path := range above {
		want[path] = "directory 755 root root"
	}
	for path, f := range o.Files {
		if have := fmt.Sprint(f.Type, " ", f.Mode, " ", f.Owner, " ", f.Group); have != want[path] {
			t.Errorf("%s: %s, want %s", path, have, want[path])
		}
	}
	if len(o.Files) != len(want) || o.Files[guest.AgentPath].SHA256 != sum(embed.ProbeAgent()) || o.Marker != guest.LayoutVersion {
		t.Errorf("files %v", o.Files)
	}
	for _, unit := range o.Units {
		if unit.Load != "loaded" || unit.Active != "active" || unit.FileState != "enabled" || unit.NeedsReload {
			t.Errorf("unit %+v", unit)
		}
	}
	for _, route := range []guest.Route{guest.Shared, guest.Fresh, guest.Shell} {
		answers := prove(t, w, route)
		for _, who := range []string{guest.Self, guest.Root} {
			if ok, why := answers[who].Answered(); !ok {
				t.Errorf("%s as %s: %s", route, who, why)
			}
		}
		if !answers[guest.Outsider].Refused() {
			t.Errorf("%s: an outsider got %+v", route, answers[guest.Outsider])
		}
	}
	socket := lima.HostSocketPath(find(t, w))
	if status, body, err := get(socket, "/v1/capabilities"); err != nil || status != 200 || body != probeCapabilities {
		t.Errorf("host: %d %s %v", status, body, err)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("host socket: %v, %v", info, err)
	}
	if status, _, err := get(socket, "/v2"); err != nil || status != 404 {
		t.Errorf("unknown route: %d %v", status, err)
	}
	must(t, lima.Client{Runner: w}.Stop(t.Context(), vmName, false, nil))
	if _, err := os.Lstat(socket); err == nil {
		t.Error("the host socket outlives the VM")
	}
	must(t, lima.Client{Runner: w}.Start(t.Context(), vmName, nil))
	if status, _, err := get(socket, "/v1/doctor/world"); err != nil || status != 200 {
		t.Errorf("after a restart: %d %v", status, err)
	}
	_ = vm
}

// Trap 1 of a real VM: groups are given when a session starts.
func TestAGroupGivenLaterDoesNotReachTheSharedSession(t *testing.T) {
	w := newWorld(t, Options{})
	client := lima.Client{Runner: w}
	must(t, client.Create(t.Context(), vmName, []byte("images:\n- location: /image\n"), nil)) // no boot script
	must(t, client.Start(t.Context(), vmName, nil))
	script(t, w, embed.Group, "sam")
	shared, fresh := observe(t, w, guest.Shared), observe(t, w, guest.Fresh)
	if !slices.Contains(shared.AccountGroups, "substrate") || slices.Contains(shared.SessionGroups, "substrate") {
		t.Errorf("shared: account %q, session %q", shared.AccountGroups, shared.SessionGroups)
	}
	if !slices.Contains(fresh.SessionGroups, "substrate") {
		t.Errorf("fresh: session %q", fresh.SessionGroups)
	}
	must(t, client.Stop(t.Context(), vmName, false, nil))
	must(t, client.Start(t.Context(), vmName, nil))
	if shared := observe(t, w, guest.Shared); !slices.Contains(shared.SessionGroups, "substrate") {
		t.Errorf("after a restart: session %q", shared.SessionGroups)
	}
}

// Trap 2: ending the shared connection cures that, and takes mounts and forwarded sockets with it.
func TestEndingTheSharedConnectionLosesMountsAndForwards(t *testing.T) {
	w, vm := completed(t, Options{})
	vm.EndSharedConnection()
	if o := observe(t, w, guest.Shared); o.Mounts[1].FSType != "" {
		t.Errorf("still mounted: %+v", o.Mounts[1])
	}
	if _, _, err := get(lima.HostSocketPath(find(t, w)), "/v1/capabilities"); err == nil {
		t.Error("the host socket still answers")
	}
	control := filepath.Join(vm.dir, "ssh.sock")
	if _, err := os.Lstat(control); err == nil {
		t.Error("the control socket is still there")
	}
	prove(t, w, guest.Shell)
	if _, err := os.Lstat(control); err != nil {
		t.Error("limactl shell made no new connection")
	}
	if o := observe(t, w, guest.Shared); o.Mounts[1].FSType != "" {
		t.Error("the new connection mounted something")
	}
}

// Trap 3, and that Lima calls a start a success whose boot script failed.
func TestTheBootScriptGivesTheGroupInTime(t *testing.T) {
	w, vm := started(t, Options{})
	if o := observe(t, w, guest.Shared); !slices.Equal(o.SessionGroups, []string{"sam", "substrate"}) || o.Mounts[1].FSType == "" {
		t.Errorf("session %q, mounts %+v", o.SessionGroups, o.Mounts)
	}
	must(t, vm.Root("groupdel substrate"))
	if o := observe(t, w, guest.Shared); !slices.Equal(o.SessionGroups, []string{"sam", "996"}) || o.Group != nil {
		t.Errorf("session %q, group %v", o.SessionGroups, o.Group)
	}
	vm.Change(func(c *Conditions) { c.BootScriptFails = true })
	client := lima.Client{Runner: w}
	must(t, client.Stop(t.Context(), vmName, false, nil))
	must(t, client.Start(t.Context(), vmName, nil))
	if o := observe(t, w, guest.Shared); slices.Contains(o.SessionGroups, "substrate") {
		t.Errorf("session %q", o.SessionGroups)
	}
}

func TestAVMThatRunsAndLetsNobodyIn(t *testing.T) {
	w, vm := completed(t, Options{})
	vm.Change(func(c *Conditions) { c.Dead = true })
	if status := find(t, w).Status; status != limatype.StatusRunning {
		t.Errorf("Lima says %s", status)
	}
	cause := errors.New("enough")
	for _, route := range []guest.Route{guest.Shared, guest.Fresh, guest.Shell} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, cause)
		_, err := send(ctx, w, guest.Request{Route: route, Script: embed.Observe})
		cancel()
		if connection := (*guest.ConnectionError)(nil); !errors.As(err, &connection) || !errors.Is(err, cause) {
			t.Errorf("%s: %v", route, err)
		}
	}
	must(t, lima.Client{Runner: w}.Stop(t.Context(), vmName, true, nil))
	_, err := send(t.Context(), w, guest.Request{Route: guest.Fresh, Script: embed.Observe})
	if connection := (*guest.ConnectionError)(nil); !errors.As(err, &connection) || !strings.Contains(connection.Detail, "refused") {
		t.Errorf("stopped: %v", err)
	}
}

func TestAStaleSharedConnectionHangsAndAFreshOneDoesNot(t *testing.T) {
	w, vm := completed(t, Options{Patience: time.Millisecond})
	vm.StaleSharedConnection()
	if _, err := send(t.Context(), w, guest.Request{Route: guest.Shared, Script: embed.Observe}); !errors.Is(err, errHang) {
		t.Errorf("shared: %v", err)
	}
	if o := observe(t, w, guest.Fresh); o.Mounts[1].FSType == "" || len(o.Mounts[1].Entries) != 0 {
		t.Errorf("a dead mount is still one, and shows nothing: %+v", o.Mounts[1])
	}
	if _, _, err := get(lima.HostSocketPath(find(t, w)), "/v1/capabilities"); err == nil {
		t.Error("the host socket answers over a dead connection")
	}
}

func TestABrokenVM(t *testing.T) {
	w, vm := completed(t, Options{})
	vm.KillHostAgent()
	broken := find(t, w)
	if broken.Status != limatype.StatusBroken || broken.Config == nil {
		t.Errorf("%+v", broken)
	}
	client := lima.Client{Runner: w}
	refused(t, client.Start(t.Context(), vmName, nil), "errors inspecting instance")
	refused(t, client.Stop(t.Context(), vmName, false, nil), `got "Broken"`)
	must(t, client.Stop(t.Context(), vmName, true, nil))
	must(t, client.Start(t.Context(), vmName, nil))
	if ok, why := prove(t, w, guest.Fresh)[guest.Self].Answered(); !ok {
		t.Error(why)
	}
}

func TestAMountThatTheKernelCannotDoIsSilentlyMissing(t *testing.T) {
	w, _ := started(t, Options{Image: Image{MountTypes: []string{limatype.NINEP}}})
	if o := observe(t, w, guest.Shared); o.Mounts[1].FSType != "" {
		t.Errorf("%+v", o.Mounts[1])
	}
}

func TestForwardingOverAConnectionOfItsOwn(t *testing.T) {
	w, vm := completed(t, Options{})
	path := filepath.Join(vm.dir, "p.sock")
	var answered string
	forward := &guest.Forward{Path: path, Use: func(_ context.Context, path string) { _, answered, _ = get(path, "/v1/capabilities") }}
	reply, err := send(t.Context(), w, guest.Request{Route: guest.Fresh, Script: embed.Prove, Args: []string{guest.Self}, Forward: forward})
	must(t, err)
	if answered != probeCapabilities || !strings.HasSuffix(string(reply.Stdout), "end\n") {
		t.Errorf("answer %q, output %q", answered, reply.Stdout)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is left behind")
	}
	forward.Path = filepath.Join(vm.dir, "sock", "substrate.sock") // taken
	_, err = send(t.Context(), w, guest.Request{Route: guest.Fresh, Script: embed.Prove, Forward: forward})
	if connection := (*guest.ConnectionError)(nil); !errors.As(err, &connection) {
		t.Errorf("a path that is taken: %v", err)
	}
}

func TestScriptsThatAreNotKnownAreErrors(t *testing.T) {
	w, _ := started(t, Options{})
	for _, route := range []guest.Route{guest.Shared, guest.Shell} {
		for _, text := range []embed.Script{{Name: "reboot", Text: "reboot"}, {Name: embed.Observe.Name, Text: "another text"}} {
			_, err := send(t.Context(), w, guest.Request{Route: route, Script: text})
			if err == nil || !strings.Contains(err.Error(), "is not known") {
				t.Errorf("%s: %v", route, err)
			}
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	w, vm := completed(t, Options{})
	socket := lima.HostSocketPath(find(t, w))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() { observe(t, w, guest.Shared) })
		wait.Go(func() { prove(t, w, guest.Shell) })
		wait.Go(func() { find(t, w) })
		wait.Go(func() { _, _, _ = get(socket, "/v1/capabilities") }) // or the VM is down already
		wait.Go(func() { vm.Fingerprint() })
	}
	wait.Wait()
	wait.Go(func() { _ = lima.Client{Runner: w}.Stop(t.Context(), vmName, true, nil) })
	wait.Go(func() { _, _, _ = get(socket, "/v1/capabilities") })
	wait.Wait()
}
