package fake

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// client is the way into one VM. It implements guest.Client.
type client struct {
	world *World
	name  string
}

// enter notes a call, asks the hooks about it, and logs in.
func (c client) enter(ctx context.Context, via guest.Route, name string) (session, *VM, error) {
	return c.enterFor(ctx, via, name, nil)
}

func (c client) enterFor(ctx context.Context, via guest.Route, name string, change guest.Change) (session, *VM, error) {
	w := c.world
	w.settle()
	w.note(Call{VM: c.name, Does: name, Via: via, Change: change})
	if w.BeforeGuest != nil {
		if err := w.BeforeGuest(name); err != nil {
			return session{}, nil, err
		}
	}
	w.delay(name)
	return w.login(ctx, c.name, via)
}

// login returns the session that the route leads to, or hangs, or fails, as ssh would.
func (w *World) login(ctx context.Context, name string, via guest.Route) (session, *VM, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	vm := w.vms[name]
	fresh := via == guest.Fresh || vm == nil || vm.shared == nil
	switch {
	case vm == nil || vm.driverPID == 0 || !vm.guest.sshd && fresh:
		detail := "ssh: connect to host 127.0.0.1 port 0: Connection refused"
		return session{}, nil, &guest.ConnectionError{Route: via, Detail: detail}
	case vm.conditions.Dead:
		w.mu.Unlock()
		err := w.hang(ctx)
		w.mu.Lock()
		return session{}, nil, &guest.ConnectionError{Route: via, Err: err}
	case ctx.Err() != nil:
		return session{}, nil, &guest.ConnectionError{Route: via, Err: context.Cause(ctx)}
	case fresh && !vm.guest.key:
		detail := vm.guest.user + "@127.0.0.1: Permission denied (publickey)."
		return session{}, nil, &guest.ConnectionError{Route: via, Detail: detail}
	}
	if via == guest.Shell && vm.shared == nil {
		vm.share()
	}
	if via != guest.Fresh && vm.shared != nil {
		return *vm.shared, vm, nil
	}
	return session{vm.guest.member}, vm, nil
}

// Observe implements guest.Client.
func (c client) Observe(ctx context.Context, via guest.Route,
	options guest.ObserveOptions) (*guest.Observation, error) {
	name := "observe"
	if options.New {
		name = "new"
	}
	sent := time.Now()
	as, vm, err := c.enter(ctx, via, name)
	if err != nil {
		return nil, err
	}
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	o := vm.guest.observe(as, options.Mounts)
	o.ClockError = time.Since(sent) / 2
	o.Untouched = options.New && vm.guest.untouched()
	return o, nil
}

// ObserveMounts implements guest.Client.
func (c client) ObserveMounts(ctx context.Context, via guest.Route, points []string) ([]guest.Mount, error) {
	_, vm, err := c.enter(ctx, via, "mounts")
	if err != nil {
		return nil, err
	}
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	return vm.guest.observeMounts(points), nil
}

// Enter implements guest.Client.
func (c client) Enter(ctx context.Context) error {
	_, _, err := c.enter(ctx, guest.Fresh, "enter")
	return err
}

// Verify implements guest.Client.
func (c client) Verify(ctx context.Context, v guest.Verification) (*guest.Proof, error) {
	as, vm, err := c.enter(ctx, v.Via, "prove")
	if err != nil {
		return nil, err
	}
	if v.Forward != nil {
		forwarded, err := listen(v.Forward.Path, vm.relay(&as))
		if err != nil {
			return nil, &guest.ConnectionError{Route: v.Via, Detail: "unix_listener: " + err.Error()}
		}
		defer forwarded.remove()
		v.Forward.Use(ctx, v.Forward.Path)
	}
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	m := vm.guest
	proof := &guest.Proof{Answers: map[string]guest.Answer{}}
	for _, who := range v.Who {
		switch {
		case who == guest.Self:
			proof.Answers[who] = m.ask(false, as.member)
		case !m.allowsSudo():
			proof.Answers[who] = guest.Answer{Exit: 1}
		default:
			proof.Answers[who] = m.ask(who == guest.Root, false)
		}
	}
	for _, point := range v.Mounts {
		if _, ok := m.mounts[point]; ok {
			proof.Mounted = append(proof.Mounted, point)
		}
	}
	return proof, nil
}

// Refusals implements guest.Client.
func (c client) Refusals(ctx context.Context, via guest.Route, _, _ string) (guest.Refusals, error) {
	_, _, err := c.enter(ctx, via, "refused")
	return guest.Refusals{}, err
}

// Change implements guest.Client.
func (c client) Change(ctx context.Context, via guest.Route, changes []guest.Change, made func()) error {
	for _, change := range changes {
		_, vm, err := c.enterFor(ctx, via, nameOf(change), change)
		if err != nil {
			return err
		}
		if err := c.asRoot(vm, nameOf(change), func() *fail { return vm.guest.change(change) }); err != nil {
			return err
		}
		made()
	}
	return nil
}

// asRoot does something with the world locked, if sudo allows it.
func (c client) asRoot(vm *VM, name string, do func() *fail) error {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	failed := &fail{1, "sudo: a password is required"}
	if vm.guest.allowsSudo() {
		failed = do()
	}
	if failed != nil {
		return &guest.ScriptError{Script: name, ExitCode: failed.code, Stderr: failed.says + "\n"}
	}
	return nil
}

// Build implements guest.Client. What is built goes by the words in the project's Rust files, see [DefaultProgram];
// with "compile_error!" in them it fails.
func (c client) Build(ctx context.Context, via guest.Route, build guest.Build, line func(string)) (guest.Built, error) {
	_, vm, err := c.enter(ctx, via, "build")
	if err != nil {
		return guest.Built{}, err
	}
	c.world.mu.Lock()
	m := vm.guest
	location, cargo := m.mounts[build.Project].location, m.cargo
	c.world.mu.Unlock()
	failed := func(code int, says string) (guest.Built, error) {
		return guest.Built{}, &guest.ScriptError{Script: "build", ExitCode: code, Stderr: says + "\n"}
	}
	if !newEnough(cargo, build.Cargo) || !newEnough(cargo, build.Rust) {
		return failed(guest.ExitNoToolchain, "no cargo that is new enough: "+cargo)
	}
	source := rustOf(location)
	name := build.Package
	line(fmt.Sprintf("   Compiling %s v0.1.0 (%s/crates/%s)", name, build.Project, name))
	if bytes.Contains(source, []byte("compile_error!")) {
		for _, text := range []string{
			"error: it does not compile", " --> crates/" + name + "/src/main.rs:1:1", "",
			fmt.Sprintf("error: could not compile `%s` (bin %q) due to 1 previous error", name, name),
		} {
			line(text)
		}
		return failed(101, "")
	}
	line("    Finished release [optimized] target(s) in 1.31s")
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	path := m.home + "/.cache/worldsetup-build/out/" + name
	out := m.put(path, file{kind: "regular file", mode: 0o755, owner: m.user, group: m.user,
		data: append([]byte("\x7fELF"), source...)})
	return guest.Built{Path: path, SHA256: sum(out.data)}, nil
}

// rustOf returns all that is written in Rust below a directory of the host.
func rustOf(location string) (text []byte) {
	_ = filepath.WalkDir(location, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".rs" {
			content, _ := os.ReadFile(path)
			text = append(text, content...)
		}
		return nil // what cannot be read is not built
	})
	return text
}

// newEnough compares versions of the form 1.N; an empty want means any.
func newEnough(have, want string) bool {
	minor := func(version string) (number int) {
		number, _ = strconv.Atoi(strings.TrimPrefix(version, "1."))
		return number
	}
	return have != "" && (want == "" || minor(have) >= minor(want))
}

// InstallCargo implements guest.Client.
func (c client) InstallCargo(ctx context.Context, via guest.Route, build guest.Build, line func(string)) error {
	_, vm, err := c.enter(ctx, via, "cargo")
	if err != nil {
		return err
	}
	image := c.world.options.Image
	return c.asRoot(vm, "cargo", func() *fail {
		switch {
		case image.NoApt:
			return &fail{guest.ExitNoToolchain, "this guest has no apt-get to install one with"}
		case vm.conditions.Offline:
			return &fail{100, offline}
		case image.OfferedCargo == "":
			return &fail{guest.ExitNoToolchain, "the distribution offers none"}
		case !newEnough(image.OfferedCargo, build.Cargo) || !newEnough(image.OfferedCargo, build.Rust):
			return &fail{guest.ExitNoToolchain, "the distribution offers cargo " + image.OfferedCargo}
		}
		line("Setting up cargo (" + image.OfferedCargo + ".0) ...")
		vm.guest.cargo = image.OfferedCargo
		return nil
	})
}

// watchPeriod is how often a watcher compares.
const watchPeriod = 5 * time.Millisecond

// Watch implements guest.Client.
func (c client) Watch(ctx context.Context, _ []string, event func(guest.WatchEvent)) error {
	w := c.world
	w.note(Call{VM: c.name, Does: "watch", Via: guest.Fresh})
	_, vm, err := w.login(ctx, c.name, guest.Fresh)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(watchPeriod)
	defer ticker.Stop()
	for last := ""; ; {
		w.mu.Lock()
		on, dead := vm.running(), vm.conditions.Dead
		w.mu.Unlock()
		if !on {
			return &guest.ConnectionError{Route: guest.Fresh, Detail: "client_loop: send disconnect: Broken pipe"}
		}
		if now := vm.Fingerprint(); now != last && !dead {
			last = now
			event(guest.WatchChange)
		}
		select {
		case <-ctx.Done():
			return &guest.ConnectionError{Route: guest.Fresh, Err: context.Cause(ctx)}
		case <-ticker.C:
		}
	}
}

// Renew implements guest.Client: mounts go on over the old connection, and the sockets are forwarded again.
func (c client) Renew(ctx context.Context, forwards []guest.Pair) error {
	fresh, vm, err := c.enter(ctx, guest.Fresh, "renew")
	if err != nil {
		return err
	}
	vm.closeSockets()
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	vm.shared = &fresh
	if control, err := listen(vm.file("ssh.sock"),
		func(connection net.Conn) { vm.world.linger(connection) }); err == nil {
		vm.sockets = append(vm.sockets, control)
	}
	for _, pair := range forwards {
		if err := os.MkdirAll(filepath.Dir(pair.Host), 0o750); err != nil {
			return err
		}
		forwarded, err := listen(pair.Host, vm.relay(vm.shared))
		if err != nil {
			return err
		}
		vm.sockets = append(vm.sockets, forwarded)
	}
	return nil
}
