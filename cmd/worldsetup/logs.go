package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

const logsLong = `logs shows what the last run did (--run, unless another one is named), what the agent logged
(--agent), or what the VM wrote to its console when it booted (--console, or --vm without a name). With --follow it
keeps printing lines as they are added.`

// which is what logs shows.
type which struct{ run, agent, vm, follow bool }

// logsCommand returns the command that shows a log.
func (a *app) logsCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "logs", Short: "show the log of the last run, of the agent or of the VM", Long: logsLong,
		Example: examples("worldsetup logs", "worldsetup logs --agent --follow", "worldsetup logs --console"),
	}
	var of which
	in := &inputs{options: optionsNamed("vm"), others: true}
	a.withOptions(command, in, func(ctx context.Context, c invocation) error { return a.logs(ctx, c, of) })
	flags := command.Flags()
	flags.BoolVar(&of.run, "run", false, "the last run's, which is also shown without a flag")
	flags.BoolVar(&of.agent, "agent", false, "the agent's, from the journal in the VM")
	flags.BoolVar(&of.vm, "console", false, "the VM's console")
	flags.BoolVarP(&of.follow, "follow", "f", false, "keep printing lines as they are added")
	bareVM(command, &of.vm)
	command.PreRunE = func(command *cobra.Command, _ []string) error {
		inJSON, _ := command.Flags().GetBool("json") // the flag is there
		if inJSON && (of.agent || of.vm) {
			return usage("leave it out", "--json is about the run's log; those of the agent and the VM are plain text")
		}
		if of.run && (of.agent || of.vm) || of.agent && of.vm {
			return usage("name one of them", "--run, --agent and --console exclude each other")
		}
		return nil
	}
	return command
}

// bareVM makes --vm without a name mean --console.
func bareVM(command *cobra.Command, console *bool) {
	const bare = "/" // no name
	flag := command.Flags().Lookup("vm")
	flag.NoOptDefVal = bare
	command.Args = func(command *cobra.Command, args []string) error {
		switch {
		case flag.Value.String() != bare:
			return noArguments(command, args)
		case len(args) == 1:
			return flag.Value.Set(args[0])
		}
		*console, flag.Changed = true, false
		return errors.Join(flag.Value.Set(""), noArguments(command, args))
	}
}

func (a *app) logs(ctx context.Context, c invocation, of which) error {
	switch {
	case of.agent:
		if _, err := a.find(ctx, c); err != nil {
			return err
		}
		command := []string{"sudo", "journalctl", "--no-pager", "-n", "200"}
		for _, unit := range layout.Units(layout.All) {
			command = append(command, "-u", unit+".service")
		}
		if of.follow {
			command = append(command, "-f")
		}
		return enter(c.spec, "/", command...)
	case of.vm:
		if _, err := a.engine(provision.Setup{Spec: c.spec}).Find(ctx); err != nil {
			return err
		}
		to := a.stdout()
		return readLog(ctx, consoleLog(filepath.Join(c.spec.LimaHome, c.spec.VM)), of.follow, func(line []byte) {
			to.put("", "", string(line))
		})
	}
	face := a.face("ready")
	return readLog(ctx, provision.LogPath(c.spec), of.follow, func(line []byte) {
		var event provision.Event
		if json.Unmarshal(line, &event) == nil {
			face.show(event)
		}
	})
}

// consoleLog returns the file with the VM's console that was written last.
func consoleLog(dir string) (path string) {
	var newest time.Time
	found, _ := filepath.Glob(filepath.Join(dir, "serial*.log")) // the pattern is a constant
	for _, file := range found {
		if info, err := os.Stat(file); err == nil && info.Size() > 0 && info.ModTime().After(newest) {
			path, newest = file, info.ModTime()
		}
	}
	return path
}

// logPause is the interval at which a log is looked at for new lines.
const logPause = 200 * time.Millisecond

// readLog passes each line of a file on; with follow it waits for more until ctx ends, and goes on with the file that
// another run begins in its place.
func readLog(ctx context.Context, path string, follow bool, each func([]byte)) error {
	file, err := os.Open(path)
	if err != nil {
		failure := &provision.Error{Kind: provision.KindUsage, What: "there is no such log yet", Err: err,
			Next: "run worldsetup first, or name the VM: --vm NAME"}
		if !errors.Is(err, fs.ErrNotExist) {
			failure.What, failure.Why = "the log can't be read", err.Error()
		}
		return failure
	}
	defer func() { _ = file.Close() }()
	reader := bufio.NewReader(file)
	var next *os.File // in its place, once its rest was read
	var begun []byte  // of a line that is not complete
	for {
		part, err := reader.ReadBytes('\n')
		begun = append(begun, part...)
		switch {
		case err == nil:
			each(begun)
			begun = nil
		case !errors.Is(err, io.EOF):
			return err
		case !follow:
			if len(begun) > 0 {
				each(begun)
			}
			return nil
		case next != nil:
			if len(begun) > 0 {
				each(begun)
			}
			_ = file.Close()
			file, next, begun = next, nil, nil
			reader.Reset(file)
		default:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(logPause):
			}
			next = replaced(file, path)
		}
	}
}

// replaced opens the file that path names now; nil when that is still the one that is open, or there is none.
func replaced(file *os.File, path string) *os.File {
	before, err := file.Stat()
	now, found := os.Stat(path)
	if err != nil || found != nil || os.SameFile(before, now) {
		return nil
	}
	next, err := os.Open(path)
	if err != nil {
		return nil
	}
	return next
}
