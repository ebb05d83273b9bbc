package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/bundle"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/internal/redact"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

const bundleLong = `bundle writes one archive for a problem report: versions, checks, the health report, the plan, logs,
Lima's logs and configuration of the VM, and the journal of the agent's units. User and host names, home directories,
addresses, keys, tokens and passwords are taken out. It first shows what the archive will contain, and sends nothing
anywhere.

The archive's manifest.json reports what can't be read.`

// bundleLimits bound a bundle. A journal's or log's end is what counts.
var bundleLimits = bundle.Limits{Part: 512 << 10, Total: 4 << 20, Time: time.Minute}

// bundleCommand returns the command that writes an archive for a report.
func (a *app) bundleCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "bundle [PROJECT]", Short: "write an archive with logs, for a problem report", Long: bundleLong,
		Example: examples("worldsetup bundle", "worldsetup bundle --yes --output report.tar.gz"),
		Args:    atMostOneProject,
	}
	flags := command.Flags()
	output := flags.String("output", "", "write the archive to `FILE` (default: a new file in the working directory)")
	yes := flags.Bool("yes", false, "do not ask")
	flags.Bool("non-interactive", false, "never ask")
	in := &inputs{options: runOptions(), unused: changing}
	a.withOptions(command, in, func(ctx context.Context, c invocation) error {
		return a.bundle(ctx, c, *output, *yes)
	})
	return hide(command, "verbose")
}

// bundleObject is the JSON form of the command's result.
type bundleObject struct {
	bundle.Manifest
	Path string `json:"path"`
}

func (a *app) bundle(ctx context.Context, c invocation, path string, yes bool) error {
	now := time.Now().UTC()
	if path == "" {
		path = fmt.Sprintf("worldsetup-bundle-%s-%s.tar.gz", c.spec.VM, now.Format("20060102T150405Z"))
	}
	if _, err := os.Lstat(path); err == nil {
		return usage("name another file: --output FILE", "%s already exists", path)
	}
	parts := a.bundleParts(ctx, c)
	if a.json == nil {
		showParts(a.stdout(), parts, path)
	}
	switch {
	case yes:
	case !a.canAsk():
		return usage("let it run without a question: worldsetup bundle --yes",
			"there is no terminal to ask whether to write the archive")
	default:
		answer, err := newPrompter(a.person, a.utf8).ask(ctx, "write it? [y/N]")
		if err != nil {
			return err
		}
		if !isYes(answer) {
			return provision.DeclinedError()
		}
	}
	manifest := bundle.Manifest{Schema: provision.Schema, Time: now, Version: version()}
	manifest, err := bundle.Write(ctx, path, manifest, parts, bundleLimits, redact.New(redact.Here()).File)
	switch {
	case err != nil && ctx.Err() != nil:
		return provision.StoppedError("no archive was written", context.Cause(ctx))
	case err != nil:
		return usage("name a file in a directory that you can write to: --output FILE",
			"the archive can't be written: %v", err)
	case a.json != nil:
		a.json.result(bundleObject{manifest, path})
		return nil
	}
	a.showBundle(manifest, path)
	return nil
}

// showParts shows what will be in the archive.
func showParts(to *lines, parts []bundle.Part, path string) {
	to.printf("the archive will contain:")
	var rows [][]string
	for _, part := range parts {
		rows = append(rows, []string{part.Name, part.What})
	}
	table(to, rows)
	to.printf("Users, home directories, hosts, addresses, keys, tokens and passwords are taken out.")
	to.printf("It is written to %s, readable only by you, and not sent anywhere.", path)
}

// showBundle shows what was written.
func (a *app) showBundle(manifest bundle.Manifest, path string) {
	to, size := a.stdout(), int64(0)
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	for _, entry := range manifest.Parts {
		if entry.Error != "" {
			to.drawn("  ", to.mark(provision.Warning), " ", to.clean(entry.Name), ": ", oneLine(to, entry.Error))
		}
	}
	to.printf("wrote %s (%s)", path, plaintext.Bytes(size))
	to.printf("read it before you send it:")
	to.typed("  ", "tar -xzOf "+shellescape.Quote(path)+" | less")
}

// bundleParts returns the parts. Of a VM that is not a world nothing is read.
func (a *app) bundleParts(ctx context.Context, c invocation) []bundle.Part {
	engine := a.engine(provision.Setup{Spec: c.spec})
	_, foreign := engine.Find(ctx)
	if !provision.IsForeign(foreign) {
		foreign = nil // the directory may show more than Lima can
	}
	about := func(object any, err error) ([]byte, error) {
		text, merr := json.MarshalIndent(object, "", "  ")
		return append(text, '\n'), errors.Join(err, merr)
	}
	log := provision.LogPath(c.spec)
	parts := []bundle.Part{
		{Name: "versions.txt", What: "versions of worldsetup, Lima, ssh, QEMU and the system", Read: versions},
		{Name: "settings.json", What: "the settings, and where each comes from",
			Read: func(context.Context) ([]byte, error) { return about(c.values, nil) }},
		{Name: "checks.json", What: "the prerequisites of this machine", Read: func(ctx context.Context) ([]byte, error) {
			list, err := engine.Checks(ctx)
			return about(checks.Run(ctx, list, nil), err)
		}},
		{Name: "report.json", What: "the health report, as in worldsetup status --json",
			Read: func(ctx context.Context) ([]byte, error) {
				health, err := engine.Status(ctx)
				if kindOf(err) == provision.KindUnhealthy {
					err = nil // that is what the report says
				}
				return about(health, err)
			}},
		{Name: "plan.json", What: "the plan, as in worldsetup plan --json",
			Read: func(ctx context.Context) ([]byte, error) {
				plan, err := engine.Plan(ctx)
				return about(plan, err)
			}},
		{Name: "run.log", What: "the log of the last run", Read: file(log)},
		{Name: "run.old.log", What: "the log of the run before", Read: file(log + ".old")},
		{Name: "durations.json", What: "how long steps took", Read: file(filepath.Join(c.spec.StateDir, "durations.json"))},
	}
	for _, part := range append(limaParts(c.spec), bundle.Part{
		Name: "guest/journal.log", What: "the journal of the agent's units, from the VM",
		Read: func(ctx context.Context) ([]byte, error) { return journal(ctx, c.spec) },
	}) {
		if foreign != nil {
			part.Read = func(context.Context) ([]byte, error) { return nil, foreign }
		}
		parts = append(parts, part)
	}
	return parts
}

// file reads the end of a file.
func file(path string) func(context.Context) ([]byte, error) {
	return bundle.File(path, int64(bundleLimits.Part))
}

// limaParts are Lima's files about the VM and about all VMs. Keys are in none of them.
func limaParts(spec provision.Spec) (parts []bundle.Part) {
	dir := filepath.Join(spec.LimaHome, spec.VM)
	add := func(path, what string) {
		parts = append(parts, bundle.Part{Name: "lima/" + filepath.Base(path), What: what, Read: file(path)})
	}
	add(filepath.Join(dir, filenames.LimaYAML), "Lima's configuration of the VM")
	add(filepath.Join(dir, filenames.LimaVersion), "the Lima that created the VM")
	add(filepath.Join(dir, filenames.SSHConfig), "how Lima connects to the VM")
	add(filepath.Join(dir, filenames.HostAgentStdoutLog), "Lima's log of the VM: events")
	add(filepath.Join(dir, filenames.HostAgentStderrLog), "Lima's log of the VM: messages")
	consoles, _ := filepath.Glob(filepath.Join(dir, "serial*.log")) // the pattern is a constant, and the name a VM's
	for _, path := range consoles {
		add(path, "the VM's console")
	}
	shared, _ := filepath.Glob(filepath.Join(spec.LimaHome, filenames.ConfigDir, "*.yaml"))
	for _, path := range shared {
		parts = append(parts, bundle.Part{Name: "lima/_config/" + filepath.Base(path),
			What: "what Lima reads for all VMs", Read: file(path)})
	}
	return parts
}

// versions asks each tool for its version.
func versions(ctx context.Context) ([]byte, error) {
	text := "worldsetup " + version() + "\n"
	qemu := "qemu-system-x86_64"
	if platform.Arch() == "arm64" {
		qemu = "qemu-system-aarch64"
	}
	for _, command := range [][]string{
		{"uname", "-srm"}, {"sw_vers"}, {"limactl", "--version"}, {"ssh", "-V"}, {qemu, "--version"},
	} {
		if _, err := exec.LookPath(command[0]); err != nil {
			text += "no " + command[0] + "\n"
			continue
		}
		out, err := output(ctx, 10*time.Second, command...)
		text += strings.TrimSpace(string(out)) + "\n"
		if err != nil {
			text += fmt.Sprintf("%s: %v\n", strings.Join(command, " "), err)
		}
	}
	release, _ := os.ReadFile("/etc/os-release") // a Mac has none
	return append([]byte(text), release...), nil
}

// journal reads the journal of the agent's units in the VM.
func journal(ctx context.Context, spec provision.Spec) ([]byte, error) {
	command := []string{"env", "LIMA_HOME=" + spec.LimaHome, "limactl", "shell", "--workdir", "/", spec.VM,
		"sudo", "-n", "journalctl", "--no-pager", "--no-hostname", "-o", "short-iso", "-n", "2000"}
	for _, generation := range layout.All {
		command = append(command, "-u", generation.Service(), "-u", generation.Socket())
	}
	return output(ctx, 30*time.Second, command...)
}

// output runs a command, and returns what it printed. An error has the end of that.
func output(ctx context.Context, limit time.Duration, command ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %v", limit))
	defer cancel()
	var text strings.Builder
	cmd := process.Command(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := process.Run(cmd); err != nil {
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		return []byte(text.String()), fmt.Errorf("%w: %s", cmp.Or(context.Cause(ctx), err), lines[len(lines)-1])
	}
	return []byte(text.String()), nil
}

// reportCommand is what a person types to report a problem of a VM.
func reportCommand(vm string) string { return vmCommand("worldsetup bundle", vm) }

// offerBundle names the command for a report, at the end of a run that failed for a reason that may be ours.
func (a *app) offerBundle(failure *provision.Error) {
	if a.changing == "" || a.simulation != nil {
		return
	}
	switch failure.Kind {
	case provision.KindInternal, provision.KindProvisioning, provision.KindUnhealthy:
		a.errors.put("  report: ", "", reportCommand(a.changing)+" writes an archive to attach to a problem report")
	}
}
