// Command worldsetup sets up a Substrate world on this machine, from a shell or from a script.
//
// The rules are: package provision decides what to do. This command turns flags, environment and worldsetup.yaml into
// a provision.Spec, shows the events through a face (wizard, plain lines or JSON lines), and turns errors into exit
// codes by one table. On a terminal the wizard of package tui is the face. Results go to standard output and errors
// to standard error, and apart from the wizard's no output contains an escape sequence. Each command has a file of
// its name; options.go lists the options, and values.go decides which of their values counts.
package main

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/demo"
	"github.com/atomize-hq/worldsetup/provision"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], system())) }

// engine is the part of a provision.Setup that the commands use.
type engine interface {
	Run(context.Context) (provision.Health, error)
	Plan(context.Context) (provision.Plan, error)
	Status(context.Context) (provision.Health, error)
	Quick(context.Context) (provision.QuickStatus, error)
	Restore(context.Context) (provision.Health, error)
	Remove(context.Context) error
	Start(context.Context) error
	Stop(context.Context) error
	Stage(context.Context) (provision.Plan, error)
	Find(context.Context) (*provision.Existing, error)
	PlanRestore(context.Context) (provision.Plan, error)
	PlanRemove(context.Context) (provision.Plan, error)
	Watch(context.Context, func(provision.Health)) error
	Checks(context.Context) ([]checks.Check, error)
}

// realEngine returns the engine on this machine.
func realEngine(setup provision.Setup) engine { return &setup }

// app is one call of the command.
type app struct {
	out      io.Writer // standard output, watched
	errors   *lines    // standard error
	json     *jsonFace // set with --json, before the flags are parsed
	plain    bool      // plain lines, on a terminal too
	neverAsk bool
	noMouse  bool
	save     bool // save the values of the flags
	utf8     bool
	terminal terminal // for the wizard
	person   terminal // for prompts in lines
	screen   *screen
	getenv   func(string) string
	note     string // the last line on standard error; empty for none
	shown    bool   // all that the error tells was shown
	changing string // the VM that a command was about to change; empty for none
	streams  streams
	color    bool   // on standard output
	look     string // when to use colours: auto, always or never
	columns  int    // of standard output's terminal, at which text is wrapped; 0 for none
	verbose  bool   // fold nothing
	quiet    bool   // only errors
	silent   bool   // not even the error
	// checkOnly reports how the world is, and never fails its caller.
	checkOnly bool
	engine    func(provision.Setup) engine

	simulation *demo.World // nil for the real world
}

// run runs the command and returns its exit code.
func run(ctx context.Context, args []string, s streams) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	again, stop := onSignals(cancel)
	defer stop()
	done, crashed := make(chan int, 1), make(chan *provision.Error)
	crash.OnPanic(func(problem any) {
		crashed <- provision.PanicError(problem)
		select {} // run returns
	})
	defer crash.OnPanic(nil)
	go crash.Guard(func() { done <- runWith(ctx, cancel, realEngine, args, s) })()
	select {
	case code := <-done:
		return code
	case <-again:
		s.Screen.restore()
		return exitCode(&provision.Error{Kind: provision.KindInterrupted})
	case failure := <-crashed:
		s.Screen.restore()
		if asksForJSON(args) {
			(&jsonFace{out: s.Out}).fail(failure)
		}
		printError(newLines(s.Err, s.utf8()), failure)
		return exitCode(failure)
	}
}

// runWith is run without the signals and with any engine.
func runWith(
	ctx context.Context, cancel context.CancelCauseFunc, makeEngine func(provision.Setup) engine,
	args []string, s streams,
) int {
	out := &watchedWriter{to: s.Out, failed: cancel}
	a := &app{
		out: out, streams: s, errors: newLines(s.Err, s.utf8()), utf8: s.utf8(), getenv: s.Getenv,
		terminal: s.terminal(), person: s.person(), screen: s.Screen,
	}
	a.engine = func(setup provision.Setup) engine {
		setup.TrustUnits = trustsUnits(setup.Spec.StateDir)
		return makeEngine(setup)
	}
	a.errors.width = width(s.Err)
	a.errors.color, a.color = s.colors(s.Err, lookIn(args)), s.colors(s.Out, lookIn(args))
	if asksForJSON(args) {
		a.json = &jsonFace{out: out}
	}
	err := a.forCaller(a.execute(ctx, args))
	defer func() {
		if !a.quiet {
			a.errors.put("", "", a.note)
		}
	}()
	if err == nil && out.err != nil {
		err = &provision.Error{
			Kind: provision.KindInterrupted, What: "the output could not be written", Why: out.err.Error(),
			Next: "run it again with a reader for its output", Err: out.err,
		}
	}
	if err == nil {
		return exitCode(nil)
	}
	failure := provision.AsError(err)
	a.json.fail(failure)
	if a.silent {
		return exitCode(failure)
	}
	if provision.IsDeclined(err) {
		a.errors.printf("%s", stoppedWords(failure))
		return exitCode(failure)
	}
	a.showError(failure)
	a.offerBundle(failure)
	return exitCode(failure)
}

// showError shows an error, unless the report that tells it is on the screen: both streams go to a terminal.
func (a *app) showError(failure *provision.Error) {
	if !a.shown || !isTerminal(a.streams.Out) || !isTerminal(a.streams.Err) {
		printError(a.errors, failure)
	}
}

// forCaller returns the error of the command. With --check-only what it found is no error, and it says so; an
// interruption and a bug are.
func (a *app) forCaller(err error) error {
	if !a.checkOnly {
		return err
	}
	if kind := kindOf(err); kind == provision.KindInterrupted || kind == provision.KindInternal {
		return err
	}
	if failure := provision.AsError(err); failure != nil {
		a.json.fail(failure)
		a.showError(failure)
	}
	if a.quiet {
		return nil
	}
	a.errors.printf("check-only: the exit code is 0 whatever was found; that of worldsetup status shows the result")
	return nil
}

// execute runs the command. A panic becomes an internal error, since Go's own exit code for it is that of a usage
// error.
func (a *app) execute(ctx context.Context, args []string) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = provision.PanicError(problem)
		}
	}()
	if len(args) == 1 && args[0] == "--version" { // scripts ask it often, and no other command is needed for it
		_, err := io.WriteString(a.out, versionLine())
		return err
	}
	root := a.rootCommand()
	root.SetArgs(append([]string{}, args...)) // not nil: cobra would take os.Args
	return root.ExecuteContext(ctx)
}

// asksForJSON finds --json before the flags are parsed, so that errors in them are JSON too.
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
