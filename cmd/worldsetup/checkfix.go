package main

import (
	"context"
	"os"
	"os/exec"

	"github.com/atomize-hq/worldsetup/checks"
)

// mend applies the fixes of what has failed, in the order of the list, and says whether there was any. What is done is
// told on standard error when standard output is for scripts.
func (a *app) mend(ctx context.Context, wanted []checks.Check, results []checks.Result) (any bool) {
	to := newLines(a.out, a.utf8)
	if a.json != nil {
		to = a.errors
	}
	for i, result := range results {
		if result.Outcome != checks.Failed || result.Fix == nil || ctx.Err() != nil {
			continue
		}
		any = true
		to.printf("fixing %s: %s", result.Title, result.Problem.What)
		if result.Fix.AsRoot() {
			askForPassword(ctx, to, a.terminal)
		}
		after := checks.Apply(ctx, wanted[i], func(line string) { to.put("    | ", "    | ", line) })
		if after.Outcome == checks.Failed {
			to.printf("not fixed: %s", after.Problem.What)
			to.put("  why: ", "       ", after.Problem.Why)
			to.put("  next: ", "        ", after.Problem.Next)
			continue
		}
		to.printf("fixed: %s: %s", after.Title, after.Found)
	}
	return any
}

// askForPassword has sudo ask at the terminal, if there is one, so that the fix itself need not. What comes of it shows
// in the fix.
func askForPassword(ctx context.Context, to *lines, terminal terminal) {
	if terminal.in == nil {
		return
	}
	if exec.CommandContext(ctx, "sudo", "-n", "true").Run() == nil {
		return
	}
	to.printf("sudo asks for your password:")
	ask := exec.CommandContext(ctx, "sudo", "-v")
	ask.Stdin, ask.Stdout, ask.Stderr = os.Stdin, os.Stderr, os.Stderr
	_ = ask.Run()
}
