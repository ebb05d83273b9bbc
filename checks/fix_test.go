package checks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// broken is a check that fails until it was mended.
func broken(mends bool, note string, err error) (check Check, ran *[][]string) {
	whole := false
	ran = &[][]string{}
	return Check{
		ID: "tool", Title: "the tool",
		Probe: func(context.Context) Finding {
			if whole {
				return ok("there")
			}
			return failed("it is not there", "looked for it", "get it").fixable(note, "sudo", "get", "the tool")
		},
		Mend: func(_ context.Context, command []string, line func(string)) error {
			*ran = append(*ran, command)
			line("getting")
			whole = mends
			return err
		},
	}, ran
}

func TestApply(t *testing.T) {
	for name, test := range map[string]struct {
		mends   bool
		note    string
		err     error
		outcome Outcome
		why     string
		next    string
	}{
		"mended":         {true, "", nil, OK, "", ""},
		"in vain":        {false, "", nil, Failed, "looked for it", "get it"},
		"a person's":     {false, "log in again", nil, Failed, "sudo get 'the tool' was done", "log in again"},
		"it fails":       {false, "log in again", errors.New("no network"), Failed, "no network", "run it yourself and see what it says: sudo get 'the tool'"},
		"fails and does": {true, "", errors.New("a warning"), OK, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			check, ran := broken(test.mends, test.note, test.err)
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
			if result.Outcome == Failed && (!strings.Contains(result.Problem.Why, test.why) || result.Problem.Next != test.next) {
				t.Errorf("problem %+v", result.Problem)
			}
		})
	}
}

func TestApplyLeavesAlone(t *testing.T) {
	for name, finding := range map[string]Finding{
		"fine":       ok("there"),
		"no fix":     failed("broken", "", "mend it"),
		"unknown":    Finding{}.fixable("", "rm", "x"),
		"fine again": ok("there").fixable("", "rm", "x"),
	} {
		check := Check{
			Probe: func(context.Context) Finding { return finding },
			Mend: func(context.Context, []string, func(string)) error {
				t.Errorf("%s: mended", name)
				return nil
			},
		}
		if result := Apply(t.Context(), check, nil); result.Problem != finding.Problem {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

// The real way: what a program prints arrives line by line, and its last words are in the error.
func TestMendHere(t *testing.T) {
	var lines []string
	err := mendHere(t.Context(), []string{"sh", "-c", "echo one; echo two >&2; exit 3"}, func(line string) { lines = append(lines, line) })
	if err == nil || err.Error() != "exit status 3: two" || !slices.Equal(lines, []string{"one", "two"}) {
		t.Errorf("%v, %q", err, lines)
	}
	long := "head -c 200000 /dev/zero | tr '\\0' x; echo"
	if err := mendHere(t.Context(), []string{"sh", "-c", long}, func(string) {}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if err := mendHere(ctx, []string{"sleep", "60"}, func(string) {}); err == nil || err.Error() != "enough" {
		t.Error(err)
	}
	if err := mendHere(t.Context(), []string{"/nonexistent/program"}, func(string) {}); err == nil {
		t.Error("a program that is not there ran")
	}
}
