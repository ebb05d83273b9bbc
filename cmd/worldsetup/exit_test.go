package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision"
)

// constants are the values of the constants of a type in one of package provision's files.
func constants(t *testing.T, file, typeName string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "../../provision/"+file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typeName {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
		return true
	})
	if len(values) == 0 {
		t.Fatalf("no constants of type %s in %s", typeName, file)
	}
	return values
}

func TestEveryKindHasItsExitCode(t *testing.T) {
	seen := map[int]bool{}
	for _, exit := range exits {
		if seen[exit.Code] {
			t.Errorf("%d is in the table twice", exit.Code)
		}
		seen[exit.Code] = true
	}
	codes := map[int]string{}
	for _, kind := range constants(t, "finding/finding.go", "Kind") {
		code := exitCode(&provision.Error{Kind: provision.Kind(kind)})
		if code == 0 || codes[code] != "" {
			t.Errorf("%s exits with %d, as %q", kind, code, codes[code])
		}
		codes[code] = kind
	}
	if len(codes)+1 != len(exits) {
		t.Errorf("%d kinds, %d lines", len(codes), len(exits))
	}
}

func TestExitCode(t *testing.T) {
	if code := exitCode(nil); code != 0 {
		t.Errorf("success exits with %d", code)
	}
	for _, kind := range []provision.Kind{"", "new"} {
		if code := exitCode(&provision.Error{Kind: kind}); code != 1 {
			t.Errorf("an error of kind %q exits with %d", kind, code)
		}
	}
}

// The document is made from the table: go test ./cmd/worldsetup -update
func TestExitCodesDocument(t *testing.T) {
	var text strings.Builder
	text.WriteString(`# Exit codes

These are the codes with which ~worldsetup~ and its commands exit. The kind is that of the error in the JSON output;
~worldsetup help exit-codes~ prints the same table. A failed run never exits with 0, and a code never changes its
meaning.

| code | kind | meaning |
| ---: | --- | --- |
`)
	for _, exit := range exits {
		kind := ""
		if exit.Kind != "" {
			kind = "`" + string(exit.Kind) + "`"
		}
		fmt.Fprintf(&text, "| %d | %s | %s |\n", exit.Code, kind, exit.Meaning)
	}
	text.WriteString(`
A project's ~worldsetup.yaml~ that has to be [trusted](config.md#trust) first ends a run with 2.

"Nothing was changed" is about the world and this machine: a run that may change something first takes the lock of
its VM, in Lima's home, and begins a log, in the state directory. ~worldsetup check --fix~ changes this machine by
the commands that it shows and that were agreed to, whatever their result.

~plan~ and ~status~ answer even where this machine lacks what a run needs: ~plan~ exits with 0 when there is a plan,
and ~status~ with 6 when there is no VM. They exit with 3 only when there may be a VM that Lima can't list. When
~--timeout~ ends ~status --watch~, it exits with 0 or 6, as the world was last; when it ends a ~--wait~, with 7.

~worldsetup status --quick~ asks the agent alone, within 5 s (~--timeout~ shortens that): 0 when it answers, 6 when it
does not or there is no VM, 7 while a run is in progress. It verifies nothing else, so 0 is no promise that the world
is ready. With ~--quiet~ it prints nothing at all for these three.

~worldsetup --check-only~ reports what ~status~ does and exits with 0 whatever that is, for callers of lima-warm.sh;
only a command line that can't be read, an interruption and a bug have their own codes.

A no is not an error: a plan that was declined exits with 130, a replacement, restoration or removal with 4, an adoption
with 2, a fix of what this machine lacks with 3 and a deeper repair with 8; only one line says that it has stopped.

~worldsetup shell~ and ~worldsetup logs --agent~ exit with the code of what they run in the VM, once it runs.

An output that is not read ends the run (130). A standard output that was closed before the program started can't be
distinguished from ~/dev/null~, and is treated like it.

Consent (4) is given by name: ~--replace=NAME~, for ~worldsetup remove~ ~--remove=NAME~, and for
~worldsetup remove --all~ the names of all VMs, ~--all=NAME,NAME~. The name of another VM is refused (2), and so
is a VM that another tool protected, made or owns, or that is not a world; the message shows how to change that.
Every run refuses a VM that is not a world, wherever the name comes from; ~--adopt=NAME~ consents to turning it into
one, and is a flag only. Replacing it takes both consents.

A run agrees to a level of disruption (8): that of its first plan, or the one that ~--allow~ names, ~live~, ~unit~,
~connection~, ~restart~ or ~force~. When a step does not hold and only a deeper one would help, or a VM does not shut
down, the run ends and names the flag that would allow it; the wizard and the prompts ask. In a new VM and in one that
was stopped nothing is interrupted, so everything but a replacement is allowed there.

A run that replaces or restores a VM and is stopped by a signal rolls that back before it ends, which takes as long
as the old VM takes to start. A second signal a second later does not wait for it, and neither does SIGKILL: the
next run observes the state and restores the old VM, or continues with the new one.
`)
	golden(t, "../../docs/exit-codes.md", strings.ReplaceAll(text.String(), "~", "`"))
}

// breaking is an output at which a goroutine panics, and no one goes on.
type breaking struct{}

func (breaking) Write([]byte) (int, error) {
	go crash.Guard(func() { panic("boom") })()
	select {}
}

// TestAPanicInAGoroutine exits as a bug does: Go's own code for it is that of a usage error.
func TestAPanicInAGoroutine(t *testing.T) {
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"help"},
		streams{Out: breaking{}, Err: &stderr, Getenv: func(string) string { return "" }})
	if text := stderr.String(); code != 1 || !strings.Contains(text, "unexpected internal error") ||
		!strings.Contains(text, "boom") || !strings.Contains(text, "breaking.Write") {
		t.Errorf("exit code %d, and %q", code, text)
	}
}
