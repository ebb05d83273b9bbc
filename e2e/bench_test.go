//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/perf"
	"github.com/atomize-hq/worldsetup/internal/devhost"
)

var (
	onPage  = flag.String("page", "", "write what BenchmarkTable measured to this `file`")
	onTimes = flag.Int("times", 0, "measure each row this `number` of times; 0 for as often as the page needs")
	onRows  = flag.String("rows", "", "measure only the rows whose group, name and counterpart match this `pattern`")
)

// benched is the world that is measured, and what measuring needs beside it.
type benched struct {
	*world
	b     *testing.B
	quiet []string // arguments of a run or report of this world
}

// sections are the parts of docs/performance.md.
var sections = []perf.Section{
	{Group: "commands", Title: "Commands on a healthy world", Text: "A fresh ssh makes a connection of its own; the " +
		"shared one is Lima's. The scripts are stand-ins of ours ([rerun](../e2e/testdata/peer-rerun.sh), " +
		"[report](../e2e/testdata/peer-report.sh)): they ask, one by one, as many questions of the same kinds as the " +
		"public `lima-warm.sh` and `lima-doctor.sh` of atomize-hq/substrate do. Against them, the ratio is theirs to ours. " +
		"All calls of a run at once are the least that its proof can take: each of them proves something of its own."},
	{Group: "repairs", Title: "Repairs", Text: "Each turn does the damage first, which does not count."},
	{Group: "vms", Title: "Making and replacing VMs", Text: "The bare start is that of the very profile that the " +
		"world got, from the same image."},
	{Group: "agent", Title: "Copying an agent", Text: "The agent has 100 MB that can't be compressed. The step " +
		"`agent` is measured, which also checks the copy; two agents take turns."},
	{Group: "program", Title: "The program itself", Text: "An empty program of Go, and of Bubble Tea, is built by the " +
		"same toolchain. Memory is the high-water mark of the resident set (`VmHWM`), with files that are mapped."},
	{Group: "watch", Title: "Being watched", Text: "Processor time over one minute, as a part of one core, from ten " +
		"seconds after the first report on. The guest's is that of the whole guest, less what it used in a minute without " +
		"a watcher."},
	{Group: "growth", Title: "How cost grows", Text: "Each command on the same world with and without what has grown, " +
		"in turns. Flat is a ratio of 1.1 at most."},
}

// BenchmarkTable measures the rows of docs/performance.md. It takes a quarter of an hour on an otherwise idle machine:
// make bench.
func BenchmarkTable(b *testing.B) {
	only, err := regexp.Compile(*onRows)
	if err != nil {
		b.Fatal(err)
	}
	home, err := suite.rigs[0].makeHome()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(home.destroy)
	p := &benched{b: b, world: &world{limaHome: home}}
	p.project = filepath.Join(p.files(), "project")
	p.write(b, filepath.Join(p.project, "read.me"), "hello\n")
	p.quiet = []string{"--agent", "builtin", "--profile", p.rig.profile, p.project}
	begun, load := time.Now(), perf.Load()
	p.setup(b, "--agent", "builtin").wantReady(b)

	var results []perf.Result
	for b.Loop() {
		for _, rows := range []func() []perf.Row{p.programRows, p.commandRows, p.repairRows, p.agentRows, p.watchRows,
			p.growthRows, p.vmRows} {
			for _, row := range rows() {
				if !only.MatchString(row.Group + ": " + row.What + " against " + row.Against) {
					continue
				}
				if *onTimes > 0 {
					row.Turns = *onTimes
				}
				result := perf.Run(row)
				fmt.Printf("%s: %s\n", row.Group, strings.Join(result.Cells(), " | "))
				if result.Err != nil && !errors.Is(result.Err, perf.ErrAbsent) {
					b.Errorf("%s: %v", row.What, result.Err)
				}
				results = append(results, result)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	if *onPage == "" {
		return
	}
	facts := p.facts(begun)
	if *onRows != "" {
		facts = append(facts, "Only the rows that match `"+strings.ReplaceAll(*onRows, "`", "")+"`.")
	}
	page := perf.Page{Sections: sections, Results: results, Machine: append(facts,
		fmt.Sprintf("Load of the machine (1 minute): %s before, %s after.", load, perf.Load()))}
	var text bytes.Buffer
	if err := errors.Join(page.Write(&text), os.WriteFile(*onPage, text.Bytes(), 0o644)); err != nil {
		b.Fatal(err)
	}
}

// facts are what the page says about the machine and the versions.
func (p *benched) facts(begun time.Time) []string {
	guest := map[string]string{}
	for line := range strings.Lines(p.root(p.b, guestVersions)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), "=")
		guest[name] = version
	}
	kind := "the test bed (a container in the place of the VM)"
	if p.rig.bed == nil {
		kind = "a real VM: " + p.rig.host.Accel.String()
	}
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	client, _ := exec.Command("ssh", "-V").CombinedOutput()
	return append([]string{
		fmt.Sprintf("Measured on %s, in %s, at commit %s.", begun.UTC().Format("2006-01-02"),
			time.Since(begun).Round(time.Minute), strings.TrimSpace(string(commit))),
		fmt.Sprintf("On %s, with Lima %s and %s on the host.", kind, p.rig.host.Version,
			strings.TrimSpace(strings.Split(string(client), ",")[0])),
		fmt.Sprintf("The guest: %s, systemd %s, %s.", guest["OS"], guest["systemd"], guest["OpenSSH"]),
	}, perf.Machine()...)
}

// do is a run of worldsetup that must succeed.
func (p *benched) do(args ...string) func() error {
	return func() error { return p.finish(p.command(p.b.Context(), suite.binary, args...)) }
}

// again is a run on the world as it is.
func (p *benched) again(args ...string) func() error {
	return p.do(append(append([]string{"--non-interactive"}, args...), p.quiet...)...)
}

// status is a report, which fails unless the world is ready.
func (p *benched) status(args ...string) func() error {
	return p.do(append(append([]string{"status"}, args...), p.quiet...)...)
}

// lima is a call of limactl that must succeed.
func (p *benched) lima(args ...string) func() error {
	return func() error {
		return p.finish(p.command(p.b.Context(), p.rig.host.Lima, append([]string{"--tty=false"}, args...)...))
	}
}

// ssh is a command in the guest over a connection of its own, or over Lima's.
func (p *benched) ssh(fresh bool, command string) func() error {
	return func() error { return p.finish(p.sshCommand(fresh, command)) }
}

func (p *benched) sshCommand(fresh bool, command string) *exec.Cmd {
	args := []string{"-F", filepath.Join(p.dir, vm, "ssh.config"), "-T", "-o", "BatchMode=yes"}
	if fresh {
		args = append(args, "-o", "ControlMaster=no", "-o", "ControlPath=none")
	}
	return p.command(p.b.Context(), "ssh", append(args, "lima-"+vm, "--", command)...)
}

// finish runs a command. Its error has the end of what the command printed. The output goes to a file: what Lima leaves
// running would keep a pipe open.
func (p *benched) finish(cmd *exec.Cmd) error {
	output, err := os.CreateTemp(suite.files, "output-")
	if err != nil {
		return err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = output
	}
	cmd.Stderr = output
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		called := strings.Join(cmd.Args[:min(len(cmd.Args), 4)], " ")
		return fmt.Errorf("%s: %w: %s", called, err, text[max(0, len(text)-2000):])
	}
	return nil
}

// inGuest runs a script as root in the guest.
func (p *benched) inGuest(script string) func() error {
	return p.lima("shell", "--workdir", "/", vm, "sudo", "sh", "-ec", script)
}

// turnsOfBoots is how often what boots VMs is measured.
func (p *benched) turnsOfBoots() int {
	if p.rig.bed == nil {
		return 2 // each takes minutes under emulation
	}
	return perf.Turns
}

// script is one of the stand-ins for the scripts that people use, where the ordinary user can read it.
func (p *benched) script(name string) func() error {
	source, err := devhost.SourceRoot(p.b.Context())
	if err != nil {
		p.b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(source, "e2e", "testdata", name))
	if err != nil {
		p.b.Fatal(err)
	}
	path := filepath.Join(p.files(), name)
	p.write(p.b, path, string(text))
	return func() error { return p.finish(p.command(p.b.Context(), "sh", path, vm, p.project)) }
}

// has reports whether a command of worldsetup has a flag.
func (p *benched) has(command, flag string) bool {
	help, err := exec.CommandContext(context.Background(), suite.binary, command, "--help").Output()
	return err == nil && bytes.Contains(help, []byte(flag))
}
