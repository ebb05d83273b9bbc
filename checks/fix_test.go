package checks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// broken is a check that fails until it is fixed.
func broken(fixes bool, note string, err error) (check Check, ran *[][]string) {
	fixed := false
	ran = &[][]string{}
	return Check{
		ID: "tool", Title: "the tool",
		Probe: func(context.Context) Result {
			if fixed {
				return ok("there")
			}
			return failed("it is not there", "searched for it", "get it").fixable(note, "sudo", "get", "the tool")
		},
		RunFix: func(_ context.Context, command []string, line func(string)) error {
			*ran = append(*ran, command)
			line("getting")
			fixed = fixes
			return err
		},
	}, ran
}

func TestApply(t *testing.T) {
	for name, test := range map[string]struct {
		fixes   bool
		note    string
		err     error
		outcome Outcome
		why     string
		next    string
	}{
		"fixed":      {true, "", nil, OK, "", ""},
		"in vain":    {false, "", nil, Failed, "searched for it", "get it"},
		"a person's": {false, "log in again", nil, Failed, "sudo get 'the tool' was run", "log in again"},
		"it fails": {
			false, "log in again", errors.New("no network"), Failed, "no network",
			"run it yourself and read what it prints: sudo get 'the tool'",
		},
		"fails and does": {true, "", errors.New("a warning"), OK, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			check, ran := broken(test.fixes, test.note, test.err)
			var lines []string
			result := Apply(t.Context(), check, func(line string) { lines = append(lines, line) })
			if result.Outcome != test.outcome {
				t.Fatalf("%+v", result)
			}
			if want := []string{"$ sudo get 'the tool'", "getting"}; !slices.Equal(lines, want) {
				t.Errorf("lines %q, want %q", lines, want)
			}
			if len(*ran) != 1 || !slices.Equal((*ran)[0], []string{"sudo", "get", "the tool"}) {
				t.Errorf("ran %q", *ran)
			}
			if result.Outcome == Failed && (!strings.Contains(result.Why, test.why) || result.Next != test.next) {
				t.Errorf("%+v", result)
			}
		})
	}
}

func TestApplyLeavesAlone(t *testing.T) {
	for name, found := range map[string]Result{
		"fine":       ok("there"),
		"no fix":     failed("broken", "", "fix it"),
		"unknown":    Result{}.fixable("", "rm", "x"),
		"fine again": ok("there").fixable("", "rm", "x"),
	} {
		check := Check{
			Probe: func(context.Context) Result { return found },
			RunFix: func(context.Context, []string, func(string)) error {
				t.Errorf("%s: the fix ran", name)
				return nil
			},
		}
		if result := Apply(t.Context(), check, nil); result.Found != found.Found || result.Next != found.Next {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

// The real way: what a program prints arrives line by line, and the last line is in the error.
func TestRunHere(t *testing.T) {
	var lines []string
	err := runHere(t.Context(), []string{"sh", "-c", "echo one; echo two >&2; exit 3"},
		func(line string) { lines = append(lines, line) })
	if err == nil || err.Error() != "exit status 3: two" || !slices.Equal(lines, []string{"one", "two"}) {
		t.Errorf("%v, %q", err, lines)
	}
	long := "head -c 200000 /dev/zero | tr '\\0' x; echo"
	if err := runHere(t.Context(), []string{"sh", "-c", long}, func(string) {}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if err := runHere(ctx, []string{"sleep", "60"}, func(string) {}); err == nil || err.Error() != "enough" {
		t.Error(err)
	}
	if err := runHere(t.Context(), []string{"/nonexistent/program"}, func(string) {}); err == nil {
		t.Error("a program that is not there ran")
	}
}
