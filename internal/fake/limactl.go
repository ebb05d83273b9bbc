package fake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// grammar holds the calls of limactl that are understood: "*" stands for any word, "**" for all the rest.
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
	{"--log-format json edit --tty=false --set * *", (*World).edit},
	{"rename * *", (*World).rename},
}

// Run implements lima.Runner.
func (w *World) Run(ctx context.Context, command lima.Command) (lima.Result, error) {
	w.note(Call{Args: slices.Clone(command.Args)})
	if w.Before != nil {
		if err := w.Before(command.Args); err != nil {
			return lima.Result{}, err
		}
	}
	name := verb(command.Args)
	w.delay(name)
	c := &console{json: slices.Contains(command.Args, "--log-format"), line: command.Line,
		now: w.options.Now, stdin: command.Stdin}
	w.settle()
	done, err := w.fault(ctx, name, c)
	if !done {
		err = w.dispatch(ctx, c, command.Args)
	}
	if message, ok := errors.AsType[fatal](err); ok {
		c.log("fatal", string(message))
		c.exit, err = 1, nil
	}
	return lima.Result{Stdout: c.stdout.Bytes(), Stderr: c.stderr.String(), ExitCode: c.exit}, err
}

func (w *World) dispatch(ctx context.Context, c *console, args []string) error {
	for _, rule := range grammar {
		if words, ok := match(strings.Fields(rule.pattern), args); ok {
			return rule.run(w, ctx, c, words)
		}
	}
	return fmt.Errorf("fake: unexpected call: limactl %q", args)
}

// match returns the words of args that the stars of pattern stand for.
func match(pattern, args []string) (words []string, ok bool) {
	for i, want := range pattern {
		switch {
		case want == "**":
			return append(words, args[min(i, len(args)):]...), true
		case i >= len(args) || want != "*" && want != args[i]:
			return nil, false
		case want == "*":
			words = append(words, args[i])
		}
	}
	return words, len(args) == len(pattern)
}

// verb is the subcommand in args.
func verb(args []string) string {
	for i, arg := range args {
		if arg == "--version" {
			return "version"
		}
		if !strings.HasPrefix(arg, "-") && (i == 0 || args[i-1] != "--log-format") {
			return arg
		}
	}
	return strings.Join(args, " ")
}

func (w *World) version(_ context.Context, c *console, _ []string) error {
	fmt.Fprintf(&c.stdout, "limactl version %s\n", w.options.Version)
	return nil
}
