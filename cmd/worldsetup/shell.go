package main

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"syscall"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
)

const shellLong = `shell opens a shell in the VM, in the project, or runs a command there. It runs limactl shell,
but only in VMs that are worlds, and exits with the exit code of the command.`

// shellCommand returns the command that opens a shell in the VM.
func (a *app) shellCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "shell [-- COMMAND...]", Short: "open a shell in the VM, or run a command there", Long: shellLong,
		Example: examples("worldsetup shell", "worldsetup shell -- cargo test",
			"worldsetup shell --workdir / -- ls -l"),
	}
	in := &inputs{options: optionsNamed("vm"), others: true}
	var workdir string
	a.withOptions(command, in, func(ctx context.Context, c invocation) error {
		found, err := a.find(ctx, c)
		if err != nil {
			return err
		}
		return enter(c.spec, cmp.Or(workdir, found.Workdir, "/"), c.args...)
	})
	flags := command.Flags()
	flags.SetInterspersed(false)
	flags.StringVar(&workdir, "workdir", "", "begin in `DIR` of the VM (default: where the project is)")
	return hide(command, "json", "quiet", "verbose") // the output is the command's
}

// find returns the VM of a call, which is running and a world.
func (a *app) find(ctx context.Context, c invocation) (*provision.Existing, error) {
	if _, err := a.requireTrust(ctx, c); err != nil {
		return nil, err
	}
	found, err := a.engine(provision.Setup{Spec: c.spec}).Find(ctx)
	if err != nil {
		return nil, err
	}
	if found.Status != "running" {
		return nil, &provision.Error{
			Kind: provision.KindUnhealthy, What: "the VM " + c.spec.VM + " is " + found.Status,
			Next: "worldsetup start, or worldsetup, which also repairs it",
		}
	}
	return found, nil
}

// enter replaces this program by limactl, which runs a command in the VM, or a shell.
func enter(spec provision.Spec, workdir string, command ...string) error {
	path, err := exec.LookPath("limactl")
	if err != nil {
		return &provision.Error{Kind: provision.KindPrerequisite, What: "Lima is not installed", Why: err.Error(),
			Next: "worldsetup check limactl", Err: err}
	}
	args := append([]string{"limactl", "shell", "--workdir", workdir, spec.VM}, command...)
	err = syscall.Exec(path, args, append(os.Environ(), "LIMA_HOME="+spec.LimaHome))
	return &provision.Error{Kind: provision.KindPrerequisite, What: "limactl can't be run", Why: err.Error(),
		Next: "run it yourself: " + shellescape.QuoteCommand(args), Err: err}
}
