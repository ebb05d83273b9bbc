package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// grammar holds the calls of limactl that are understood: "*" stands for any word.
var grammar = []struct {
	pattern string
	run     func(w *World, ctx context.Context, c *console, words []string) error
}{
	{"--version", (*World).version},
	{"list --format json --log-level error", (*World).list},
	{"list --format json --log-level error *", (*World).list},
	{"--log-format json validate *", (*World).validate},
	{"--log-format json create --tty=false --name * -", (*World).create},
	{"--log-format json start --tty=false *", (*World).start},
	{"--log-format json start --tty=false --timeout * *", (*World).start},
	{"--log-format json stop *", (*World).stop},
	{"--log-format json stop --force *", (*World).kill},
	{"--log-format json delete --force *", (*World).delete},
	{"--log-format json protect *", (*World).protect},
	{"--log-format json unprotect *", (*World).unprotect},
	{"--log-format json template copy --embed-all * -", (*World).embed},
}

// Run implements lima.Runner.
func (w *World) Run(ctx context.Context, command lima.Command) (lima.Result, error) {
	w.note(Call{Args: slices.Clone(command.Args)})
	if w.Before != nil {
		if err := w.Before(command.Args); err != nil {
			return lima.Result{}, err
		}
	}
	w.delay(verb(command.Args))
	c := &console{command: command}
	err := w.dispatch(ctx, c, command.Args)
	if message, ok := errors.AsType[fatal](err); ok {
		c.log("fatal", string(message))
		c.exit, err = 1, nil
	}
	return lima.Result{Stdout: c.stdout.Bytes(), Stderr: c.stderr.String(), ExitCode: c.exit}, err
}

func (w *World) dispatch(ctx context.Context, c *console, args []string) error {
	if done, err := w.fault(ctx, verb(args), c); done {
		return err
	}
	for _, rule := range grammar {
		if words, ok := match(strings.Fields(rule.pattern), args); ok {
			return rule.run(w, ctx, c, words)
		}
	}
	return fmt.Errorf("fake: unexpected call: limactl %q", args)
}

// match returns the words of args that the stars of pattern stand for.
func match(pattern, args []string) (words []string, ok bool) {
	if len(pattern) != len(args) {
		return nil, false
	}
	for i, want := range pattern {
		if want == "*" {
			words = append(words, args[i])
		} else if want != args[i] {
			return nil, false
		}
	}
	return words, true
}

// verb is the subcommand in args.
func verb(args []string) string {
	for i, arg := range args {
		if !strings.HasPrefix(arg, "-") && (i == 0 || args[i-1] != "--log-format") {
			return arg
		}
	}
	return strings.Trim(strings.Join(args, " "), "-")
}

// Faults are what limactl does wrong, by verbs.
type Faults struct {
	// Fail gives a verb the fatal message by which it fails. A failed create leaves its directory behind, as a failed
	// download does; a failed start leaves the VM stopped.
	Fail map[string]string
	// Hang has a verb give no answer until the caller's context ends. A start hangs until then before ssh answers, and
	// a "start-late" after it; like the real one, it leaves the VM running.
	Hang map[string]bool
	// Late has a start fail before its host agent has begun, which begins when Late is closed.
	Late chan struct{}
	// Degraded is what the host agents of VMs that start can't do; their starts fail, and the VMs run.
	Degraded string
	// Kill ends a verb with exit status 137, as the kernel's killing it for its memory observes through a shell.
	Kill map[string]bool
}

// fault simulates the fault of verb, if there is one; done reports whether that was all.
func (w *World) fault(ctx context.Context, verb string, c *console) (done bool, err error) {
	switch {
	case ctx.Err() != nil:
		return true, context.Cause(ctx)
	case w.Faults.Kill[verb]:
		c.exit = 137
		return true, nil
	case w.Faults.Hang[verb] && verb != "start":
		return true, w.hang(ctx)
	case w.Faults.Fail[verb] != "" && verb != "create" && verb != "start":
		return true, fatal(w.Faults.Fail[verb])
	}
	return false, nil
}

// errHang is the reason for ending what hung for longer than the Patience of the World.
var errHang = errors.New("the fake's patience with something that hangs is over")

// hang waits until ctx ends, or for as long as the World is patient, and returns why it ended.
func (w *World) hang(ctx context.Context) error {
	if w.options.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.options.Patience, errHang)
		defer cancel()
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// console is what a call of limactl reads and writes.
type console struct {
	command lima.Command
	stdout  bytes.Buffer
	stderr  strings.Builder
	exit    int
}

// fatal is an error that limactl reports in its log before it exits with status 1.
type fatal string

func (f fatal) Error() string { return string(f) }

func fatalf(format string, args ...any) error { return fatal(fmt.Sprintf(format, args...)) }

func (c *console) info(format string, args ...any) { c.log("info", fmt.Sprintf(format, args...)) }

// log writes one line of the log, as logrus does in JSON.
func (c *console) log(level, message string) {
	line, _ := json.Marshal(map[string]string{ // strings always marshal
		"level": level, "msg": message, "time": time.Now().UTC().Format(time.RFC3339),
	})
	c.stderr.WriteString(string(line) + "\n")
	if c.command.Line != nil {
		c.command.Line(string(line))
	}
}
