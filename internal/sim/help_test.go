package sim

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const vmName = "substrate"

// newWorld returns a World whose home has a short path: it holds UNIX sockets.
func newWorld(t *testing.T, options Options) *World {
	t.Helper()
	home, err := os.MkdirTemp("", "sim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	options.LimaHome = home
	w := New(options)
	t.Cleanup(w.Close)
	return w
}

// profile is the built-in profile with what the world adds to it, and the project directory that it mounts.
func profile(t *testing.T) (text []byte, project string) {
	t.Helper()
	base, err := lima.ParseProfile(embed.Profile())
	if err != nil {
		t.Fatal(err)
	}
	project = t.TempDir()
	if err := os.WriteFile(filepath.Join(project, "a.txt"), []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	lima.Wanted{
		VMType: limatype.QEMU, Arch: limatype.X8664, MountType: limatype.REVSSHFS, CPUs: 4, Memory: 4 << 30, Disk: 20 << 30,
		Home: t.TempDir(), Project: project, ProjectMount: guest.ProjectMount,
	}.Apply(base)
	text, err = lima.MarshalProfile(base)
	if err != nil {
		t.Fatal(err)
	}
	return text, project
}

// started is a World with a running VM made from the profile.
func started(t *testing.T, options Options) (*World, *VM) {
	t.Helper()
	w := newWorld(t, options)
	text, _ := profile(t)
	client := lima.Client{Runner: w}
	must(t, client.Create(t.Context(), vmName, text, nil))
	must(t, client.Start(t.Context(), vmName, nil))
	return w, w.VM(vmName)
}

// completed is a World with a finished layout in its VM.
func completed(t *testing.T, options Options) (*World, *VM) {
	t.Helper()
	w, vm := started(t, options)
	o := observe(t, w, guest.Shared)
	service, err := embed.ServiceUnit(o.Home, false)
	must(t, err)
	script(t, w, embed.Group, o.User)
	script(t, w, embed.Directories, o.User, o.Home)
	must(t, install(t.Context(), w, embed.ProbeAgent()))
	script(t, w, embed.Units, "yes", service, embed.SocketUnit())
	script(t, w, embed.Activate, "no", "30", "yes")
	script(t, w, embed.Marker, guest.LayoutVersion)
	return w, vm
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, w *World) *limatype.Instance {
	t.Helper()
	instance, err := lima.Client{Runner: w}.Find(t.Context(), vmName)
	must(t, err)
	if instance == nil {
		t.Fatal("the VM is not listed")
	}
	return instance
}

func send(ctx context.Context, w *World, request guest.Request) (guest.Reply, error) {
	return w.Transport(&limatype.Instance{Name: vmName}).Exec(ctx, request)
}

// script runs a script as root over the shared connection.
func script(t *testing.T, w *World, text embed.Script, args ...string) {
	t.Helper()
	_, err := send(t.Context(), w, guest.Request{Route: guest.Shared, Script: text, Args: args, Root: true})
	must(t, err)
}

func install(ctx context.Context, w *World, agent []byte) error {
	_, err := send(ctx, w, guest.Request{Route: guest.Shared, Script: embed.Agent, Args: []string{sum(agent)}, Root: true, Stdin: bytes.NewReader(agent)})
	return err
}

func observe(t *testing.T, w *World, route guest.Route) *guest.Observation {
	t.Helper()
	reply, err := send(t.Context(), w, guest.Request{Route: route, Script: embed.Observe, Args: []string{"/nowhere", guest.ProjectMount}})
	must(t, err)
	o, err := guest.ParseObservation(reply, 2)
	must(t, err)
	return o
}

func prove(t *testing.T, w *World, route guest.Route) map[string]guest.Answer {
	t.Helper()
	who := []string{guest.Self, guest.Root, guest.Outsider}
	reply, err := send(t.Context(), w, guest.Request{Route: route, Script: embed.Prove, Args: who})
	must(t, err)
	proof, err := guest.ParseProof(reply, who...)
	must(t, err)
	return proof.Answers
}

// get asks for path over the UNIX socket.
func get(socket, path string) (status int, body string, err error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	response, err := client.Get("http://localhost" + path)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(text)), err
}
