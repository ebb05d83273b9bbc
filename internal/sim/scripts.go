package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// invocation is one script being run in a guest.
type invocation struct {
	*machine
	session session // root's own when the script runs through sudo
	args    []string
	stdin   []byte
	stdout  strings.Builder
	stderr  strings.Builder
}

// outcome is what a script left.
type outcome struct {
	stdout, stderr string
	code           int
}

// scripts are the guest scripts, by name. Each returns its exit status.
var scripts = map[string]func(*invocation) int{
	embed.Observe.Name:     (*invocation).observe,
	embed.ObserveNew.Name:  (*invocation).observeNew,
	embed.Mounts.Name:      (*invocation).observeMounts,
	embed.Prove.Name:       (*invocation).prove,
	embed.Group.Name:       (*invocation).group,
	embed.Packages.Name:    (*invocation).packages,
	embed.Directories.Name: (*invocation).directories,
	embed.Agent.Name:       (*invocation).agent,
	embed.Passenger.Name:   (*invocation).passenger,
	embed.Build.Name:       (*invocation).build,
	embed.Cargo.Name:       (*invocation).installCargo,
	embed.Units.Name:       (*invocation).installUnits,
	embed.Linger.Name:      (*invocation).enableLinger,
	embed.Activate.Name:    (*invocation).activate,
	embed.Marker.Name:      (*invocation).marker,
	embed.Clock.Name:       (*invocation).clock,
	embed.Writable.Name:    (*invocation).writable,
	embed.Room.Name:        (*invocation).room,
	embed.Entry.Name:       (*invocation).entry,
}

// execute runs the request's script in the session.
func (w *World) execute(vm *VM, as session, request guest.Request, stdin []byte) outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := &invocation{machine: vm.guest, session: as, args: request.Args, stdin: stdin}
	if request.Root {
		if vm.guest.asks() {
			return outcome{stderr: "sudo: a password is required\n", code: 1}
		}
		i.session = session{}
	}
	if !request.Root && !slices.Contains([]embed.Script{embed.Observe, embed.ObserveNew, embed.Mounts, embed.Prove, embed.Build}, request.Script) {
		return outcome{stderr: "Permission denied\n", code: 1} // whatever they do first wants root
	}
	if i.readOnly && request.Root && !slices.Contains([]string{embed.Clock.Name, embed.Writable.Name, embed.Prove.Name, embed.Activate.Name}, request.Script.Name) {
		i.readOnlyRoot(request.Script.Name) // whatever they do first writes
		return outcome{stderr: i.stderr.String(), code: 1}
	}
	code := scripts[request.Script.Name](i)
	return outcome{i.stdout.String(), i.stderr.String(), code}
}

// print writes a line to standard output.
func (i *invocation) print(format string, args ...any) { fmt.Fprintf(&i.stdout, format+"\n", args...) }

// fail writes a line to standard error and returns the exit status.
func (i *invocation) fail(code int, format string, args ...any) int {
	fmt.Fprintf(&i.stderr, format+"\n", args...)
	return code
}

// full says whether the disk has no room, and reports it as the program would.
func (i *invocation) full(program string) bool {
	if i.diskUsed() < 100 {
		return false
	}
	i.fail(0, "%s: write error: No space left on device", program)
	return true
}

func (m *machine) diskUsed() int {
	if m.vm.conditions.DiskUsed != 0 {
		return m.vm.conditions.DiskUsed
	}
	return m.image.DiskUsed
}

// linger switches the user's lingering services on or off.
func (m *machine) linger(user string, on bool) {
	path := "/var/lib/systemd/linger/" + user
	if on {
		m.put(path, file{kind: regular, mode: 0o644})
	} else {
		m.remove(path)
	}
}
