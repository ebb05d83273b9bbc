package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// engine is the part of a provision.Setup that the commands use.
type engine interface {
	Run(context.Context) (provision.Health, error)
	Plan(context.Context) (provision.Plan, error)
	Status(context.Context) (provision.Health, error)
	Restore(context.Context) (provision.Health, error)
	Remove(context.Context) error
	PlanRestore(context.Context) (provision.Plan, error)
	PlanRemove(context.Context) (provision.Plan, error)
	Watch(context.Context, func(provision.Health)) error
}

// app is one call of the command.
type app struct {
	out      io.Writer // standard output, watched
	errors   *lines    // standard error
	json     *jsonFace // set when JSON is asked for, from before the flags are parsed
	plain    bool      // plain lines are asked for, also on a terminal
	silent   bool      // nothing may be asked
	noMouse  bool
	save     bool // what the flags say is to be kept
	utf8     bool
	terminal terminal
	screen   *screen
	getenv   func(string) string
	person   terminal         // who can be asked, and where; nobody when nothing may be asked
	told     []checks.Problem // of prerequisites, in full
	engine   func(provision.Setup) engine
}

// machine is the engine on this machine.
func machine(setup provision.Setup) engine { return &setup }

// run carries out the command and returns its exit code.
func run(ctx context.Context, args []string, s streams) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	again, stop := onSignals(cancel)
	defer stop()
	done := make(chan int, 1)
	go func() { done <- runWith(ctx, cancel, machine, args, s) }()
	select {
	case code := <-done:
		return code
	case <-again: // somebody insists
		s.Screen.restore()
		return exitCode(&provision.Error{Kind: provision.KindInterrupted})
	}
}

// runWith is run without the signals and with any engine.
func runWith(ctx context.Context, cancel context.CancelCauseFunc, makeEngine func(provision.Setup) engine, args []string, s streams) int {
	out := &watchedWriter{to: s.Out, failed: cancel}
	a := &app{
		out: out, errors: newLines(s.Err, s.utf8()), utf8: s.utf8(), terminal: s.terminal(), person: s.person(), screen: s.Screen,
		getenv: s.Getenv, engine: makeEngine,
	}
	if asksForJSON(args) {
		a.json = &jsonFace{out: out}
	}
	err := a.execute(ctx, args)
	if err == nil && out.err != nil {
		err = &provision.Error{
			Kind: provision.KindInterrupted, What: "the output did not arrive", Why: out.err.Error(),
			Next: "run it again with a reader for its output", Err: out.err,
		}
	}
	if err == nil {
		return exitCode(nil)
	}
	failure := provision.AsError(err)
	a.json.fail(failure)
	if !a.toldAlready(failure, s) {
		printError(a.errors, failure)
	}
	return exitCode(failure)
}

// toldAlready says whether a person has the failure on the screen already, as that of a prerequisite. A simulation puts
// its mark before the words.
func (a *app) toldAlready(failure *provision.Error, s streams) bool {
	told := slices.ContainsFunc(a.told, func(problem checks.Problem) bool {
		return strings.HasSuffix(failure.What, problem.What) && failure.Why == problem.Why && strings.HasSuffix(failure.Next, problem.Next)
	})
	return told && isTerminal(s.Out) && isTerminal(s.Err)
}

// execute runs the command; a panic becomes an internal error, since Go's own exit code for one is that of a usage error.
func (a *app) execute(ctx context.Context, args []string) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = &provision.Error{
				Kind: provision.KindInternal, What: "worldsetup has a bug",
				Why:  fmt.Sprintf("%v\n%s", problem, debug.Stack()),
				Next: "report it with these lines; running it again does no harm",
			}
		}
	}()
	root := a.rootCommand()
	root.SetArgs(append([]string{}, args...)) // not nil: cobra would take os.Args
	return root.ExecuteContext(ctx)
}

// asksForJSON looks for --json before the flags are parsed, so that an error in them can be told as JSON.
func asksForJSON(args []string) (asks bool) {
	for _, arg := range args {
		value, found := strings.CutPrefix(arg, "--json=")
		switch {
		case arg == "--":
			return asks
		case arg == "--json":
			asks = true
		case found:
			asks, _ = strconv.ParseBool(value)
		}
	}
	return asks
}
