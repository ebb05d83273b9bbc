package main

import (
	"context"
	"fmt"
	"io"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// fixer makes what fixes a failed prerequisite of a world, at a terminal where sudo may ask for a password.
func (a *app) fixer(spec provision.Spec) func(context.Context, string, io.Reader, io.Writer) error {
	return func(ctx context.Context, id string, in io.Reader, out io.Writer) error {
		list, err := a.checksFor(ctx, spec, []string{id})
		if err != nil {
			return err
		}
		for i, result := range checks.Run(ctx, list, nil) {
			if result.Fix != nil && result.Fix.AsRoot() {
				askForPassword(ctx, newLines(out, a.utf8), terminal{in, out})
			}
			if err := apply(ctx, list[i], newLines(out, a.utf8)); err != nil {
				return err
			}
		}
		return nil
	}
}

// apply fixes a check and says why it still fails.
func apply(ctx context.Context, check checks.Check, to *lines) error {
	result := checks.Apply(ctx, check, func(line string) { to.printf("%s", line) })
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case result.Outcome != checks.Failed || result.Problem == nil:
		return nil
	}
	return fmt.Errorf("%s\n%s\n%s", result.Problem.What, result.Problem.Why, result.Problem.Next)
}
