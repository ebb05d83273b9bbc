//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/e2e/perf"
)

// commandRows are about commands on a healthy world.
func (p *benched) commandRows() []perf.Row {
	fresh := perf.Time(p.ssh(true, "true"))
	socket := filepath.Join(p.dir, vm, "sock", "substrate.sock")
	curl := func() error {
		return p.finish(p.command(p.b.Context(), "curl", "-sS", "--fail", "--unix-socket", socket, capabilitiesURL))
	}
	quick := perf.Time(p.status("--quick", "--quiet"))
	if !p.has("status", "--quick") {
		quick = func() (float64, error) { return 0, perf.ErrAbsent }
	}
	report := []string(nil) // the whole proof, where status leaves some of it out
	if p.has("status", "--fresh") {
		report = []string{"--fresh"}
	}
	rows := []perf.Row{
		{What: "`worldsetup --non-interactive`", Against: "one fresh `ssh … true`", Target: 1.5,
			Ours: perf.Time(p.again()), Other: fresh},
		{What: "`worldsetup --non-interactive`", Against: "its calls of `ssh` and `limactl`, all at once",
			Ours: perf.Time(p.again()), Other: perf.Time(p.proofs())},
		{What: "`worldsetup status`", Against: "the same probes over the shared connection, in one `ssh`", Target: 1.5,
			Ours: perf.Time(p.status()), Other: perf.Time(p.probes())},
		{What: "`worldsetup status`", Against: "`ssh … true` over the shared connection",
			Ours: perf.Time(p.status()), Other: perf.Time(p.ssh(false, "true"))},
		{What: "`worldsetup status --quick --quiet`", Against: "one `curl` to the host's socket", Target: 2,
			Ours: quick, Other: perf.Time(curl)},
		{What: "`worldsetup --non-interactive`", Against: "the script that sets up", Target: 12, AtLeast: true,
			Ours: perf.Time(p.again()), Other: perf.Time(p.script("peer-rerun.sh"))},
		{What: "`worldsetup status`", Against: "the script that reports", Target: 8, AtLeast: true,
			Ours: perf.Time(p.status()), Other: perf.Time(p.script("peer-report.sh"))},
	}
	if report != nil {
		rows = append(rows, perf.Row{What: "`worldsetup status --fresh`", Against: "one fresh `ssh … true`",
			Ours: perf.Time(p.status(report...)), Other: fresh})
	}
	for i := range rows {
		rows[i].Group = "commands"
	}
	return rows
}

// probes runs in the guest what a report runs there, side by side in one session over Lima's connection.
func (p *benched) probes() func() error {
	calls := p.calls(append([]string{"status"}, p.quiet...)...)
	var commands []string
	for _, call := range calls {
		if _, command, found := strings.Cut(strings.Join(call, "\x00"), "\x00--\x00"); found {
			commands = append(commands, "{ "+strings.ReplaceAll(command, "\x00", " ")+"; } &")
		}
	}
	if len(commands) == 0 {
		return func() error {
			return fmt.Errorf("status made %d calls, and ran nothing in the guest", len(calls))
		}
	}
	return p.ssh(false, strings.Join(append(commands, "wait"), "\n"))
}

// proofs makes all calls of a run at once, whatever each of them needs of another one's answer: no run that proves the
// same in the same way can take less time.
func (p *benched) proofs() func() error {
	calls := p.calls(append([]string{"--non-interactive"}, p.quiet...)...)
	for i, call := range calls {
		if call[0] == "ssh" { // the sockets that it makes are there from the time before
			calls[i] = slices.Insert(call, 1, "-o", "StreamLocalBindUnlink=yes")
		}
	}
	return func() error {
		ended := make(chan error)
		for _, call := range calls {
			go func() { ended <- p.finish(p.command(p.b.Context(), call[0], call[1:]...)) }()
		}
		var errs []error
		for range calls {
			errs = append(errs, <-ended)
		}
		return errors.Join(errs...)
	}
}

// calls are the calls of ssh and limactl that worldsetup makes itself, with all arguments. Programs that stand in for
// the two record them.
func (p *benched) calls(args ...string) (calls [][]string) {
	notes, stands := filepath.Join(p.files(), "calls"), filepath.Join(p.files(), "noted")
	p.write(p.b, filepath.Join(notes, "read.me"), "what ssh and limactl were called with\n")
	for name, path := range map[string]string{"ssh": "/usr/bin/ssh", "limactl": p.rig.host.Lima} {
		stand := filepath.Join(stands, name)
		p.write(p.b, stand, `#!/bin/sh
[ "$CALLER" ] || for word in `+name+` "$@"; do printf '%s\0' "$word"; done >`+notes+`/call-$$
CALLER=`+name+` exec `+path+` "$@"
`)
		if err := os.Chmod(stand, 0o755); err != nil {
			p.b.Fatal(err)
		}
	}
	cmd := p.command(p.b.Context(), suite.binary, args...)
	cmd.Env = append(cmd.Env, "PATH="+stands+":"+pathOf(cmd.Env))
	if err := p.finish(cmd); err != nil {
		p.b.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(notes, "call-*"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err := errors.Join(err, os.Remove(file)); err != nil {
			p.b.Fatal(err)
		}
		calls = append(calls, strings.Split(strings.TrimRight(string(text), "\x00"), "\x00"))
	}
	return calls
}

func pathOf(env []string) (path string) {
	for _, entry := range env {
		if value, found := strings.CutPrefix(entry, "PATH="); found {
			path = value
		}
	}
	return path
}

// repairRows are repairs of one fault.
func (p *benched) repairRows() (rows []perf.Row) {
	for _, fault := range []struct{ name, script string }{
		{"a socket of mode 0666", "chmod 0666 /run/substrate.sock"},
		{"a service unit that is gone", "rm /etc/systemd/system/substrate-world-agent.service"},
		{"the user outside of the group", `gpasswd -d "$SUDO_USER" substrate`},
	} {
		rows = append(rows, perf.Row{Group: "repairs", What: fault.name, Against: "`worldsetup status`", Target: 3,
			Ours: perf.After(p.inGuest(fault.script), perf.Time(p.again())), Other: perf.Time(p.status())})
	}
	return rows
}
