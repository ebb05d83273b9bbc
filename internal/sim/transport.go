package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// transport is the way into one VM. It implements guest.Transport.
type transport struct {
	world *World
	name  string
}

// Exec implements guest.Transport.
func (t transport) Exec(ctx context.Context, request guest.Request) (guest.Reply, error) {
	if request.Route == guest.Shell {
		return t.shell(ctx, request)
	}
	if request.Script == embed.Watch {
		return guest.Reply{}, t.world.watch(ctx, t.name, request)
	}
	reply := guest.Reply{Sent: t.world.options.Now()}
	result, err := t.world.enter(ctx, t.name, request)
	reply.Received = t.world.options.Now()
	reply.Stdout = []byte(result.stdout)
	if request.Line != nil {
		reply.Stdout = nil
		for line := range strings.Lines(result.stdout) {
			request.Line(strings.TrimSuffix(line, "\n"))
		}
	}
	if err != nil {
		return reply, err
	}
	if result.code != 0 {
		return reply, &guest.ScriptError{Script: request.Script.Name, ExitCode: result.code, Stderr: result.stderr}
	}
	return reply, nil
}

// Chain implements guest.Transport.
func (t transport) Chain(ctx context.Context, requests []guest.Request, ended func()) error {
	return OneByOne(ctx, t, requests, ended)
}

// OneByOne is what a chain does, by an Exec for each script.
func OneByOne(ctx context.Context, to guest.Transport, requests []guest.Request, ended func()) error {
	for _, request := range requests {
		if _, err := to.Exec(ctx, request); err != nil {
			return err
		}
		ended()
	}
	return nil
}

// shell goes through `limactl shell`, as the real transport does.
func (t transport) shell(ctx context.Context, request guest.Request) (guest.Reply, error) {
	command := append([]string{"sh", "-c", request.Script.Text, request.Script.Name}, request.Args...)
	if request.Root {
		command = append([]string{"sudo", "-n", "--"}, command...)
	}
	reply := guest.Reply{Sent: t.world.options.Now()}
	result, err := lima.Client{Runner: t.world}.Shell(ctx, t.name, command...)
	reply.Received = t.world.options.Now()
	reply.Stdout = result.Stdout
	switch {
	case err != nil:
		return reply, &guest.ConnectionError{Route: guest.Shell, Err: err}
	case result.ExitCode == sshFailed:
		return reply, &guest.ConnectionError{Route: guest.Shell, Detail: strings.TrimSpace(result.Stderr)}
	case result.ExitCode != 0:
		return reply, &guest.ScriptError{Script: request.Script.Name, ExitCode: result.ExitCode, Stderr: result.Stderr}
	}
	return reply, nil
}

// sshFailed is ssh's exit status for its own failures.
const sshFailed = 255

// enter logs in by the request's route and runs its script.
func (w *World) enter(ctx context.Context, name string, request guest.Request) (outcome, error) {
	w.settle()
	script := request.Script.Name
	w.note(Call{VM: name, Script: script, ScriptArgs: slices.Clone(request.Args), Route: request.Route, Root: request.Root})
	if w.BeforeScript != nil {
		if err := w.BeforeScript(script); err != nil {
			return outcome{}, err
		}
	}
	run := scripts[script]
	if run == nil || request.Script != known[script] {
		return outcome{}, fmt.Errorf("sim: the guest script %q is not known", script)
	}
	w.delay(script)
	var stdin []byte
	if request.Stdin != nil {
		var err error
		if stdin, err = io.ReadAll(request.Stdin); err != nil {
			return outcome{}, err
		}
	}
	session, vm, err := w.login(ctx, name, request.Route)
	if err != nil {
		return outcome{}, err
	}
	if request.Forward != nil {
		return w.forwarding(ctx, vm, session, request)
	}
	return w.execute(vm, session, request, stdin), nil
}

// login returns the session that the route leads to, or hangs, or fails, as ssh would.
func (w *World) login(ctx context.Context, name string, route guest.Route) (session, *VM, error) {
	w.mu.Lock()
	vm := w.vms[name]
	switch {
	case vm == nil || vm.driverPID == 0 || !vm.guest.sshd && (route == guest.Fresh || vm.shared == nil):
		w.mu.Unlock()
		detail := "ssh: connect to host 127.0.0.1 port 0: Connection refused"
		return session{}, nil, &guest.ConnectionError{Route: route, Detail: detail}
	case vm.conditions.Dead || vm.frozen || route != guest.Fresh && vm.shared != nil && vm.stale:
		w.mu.Unlock()
		return session{}, nil, &guest.ConnectionError{Route: route, Err: w.hang(ctx)}
	}
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return session{}, nil, &guest.ConnectionError{Route: route, Err: context.Cause(ctx)}
	}
	if (route == guest.Fresh || vm.shared == nil) && !vm.guest.admits() {
		return session{}, nil, &guest.ConnectionError{Route: route, Detail: vm.guest.user.name + "@127.0.0.1: Permission denied (publickey)."}
	}
	if route == guest.Shell && vm.shared == nil {
		vm.share()
	}
	if route != guest.Fresh && vm.shared != nil {
		return *vm.shared, vm, nil
	}
	return vm.guest.login(), vm, nil
}

// forwarding runs the request with the agent's socket forwarded to the host meanwhile.
func (w *World) forwarding(ctx context.Context, vm *VM, as session, request guest.Request) (outcome, error) {
	if request.Route != guest.Fresh || request.Stdin != nil {
		return outcome{}, errors.New("sim: a forward goes with the route Fresh and without Stdin only")
	}
	if connection, err := net.DialTimeout("unix", request.Forward.Path, time.Second); err == nil {
		connection.Close()
		return outcome{}, &guest.ConnectionError{Route: request.Route, Detail: "unix_listener: cannot bind to path: Address already in use"}
	}
	forwarded, err := listen(request.Forward.Path, vm.relay(guest.SocketPath, &as, false))
	if err != nil {
		return outcome{}, &guest.ConnectionError{Route: request.Route, Detail: "unix_listener: " + err.Error()}
	}
	defer forwarded.remove()
	// The script waits for the end of its input before it looks at the mounts; what it does before that may as well come after.
	request.Forward.Use(ctx, request.Forward.Path)
	return w.execute(vm, as, request, nil), nil
}

// known are the guest scripts by name: a text that is not theirs is not what the simulation mirrors.
var known = byName(embed.Observe, embed.ObserveNew, embed.Mounts, embed.Prove, embed.Group, embed.Packages, embed.Directories, embed.Agent, embed.Units,
	embed.Linger, embed.Activate, embed.Marker, embed.Clock, embed.Writable, embed.Room, embed.Entry,
	embed.Build, embed.Cargo, embed.Passenger)

func byName(scripts ...embed.Script) map[string]embed.Script {
	names := map[string]embed.Script{}
	for _, script := range scripts {
		names[script.Name] = script
	}
	return names
}
