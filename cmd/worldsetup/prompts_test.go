package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// converse holds a conversation about the VM w with who types an answer to each question.
func converse(
	ctx context.Context, answers io.Reader, out io.Writer, engine func(provision.Setup) engine,
) error {
	c := conversation{
		prompter: newPrompter(terminal{answers, out}, true), spec: provision.Spec{VM: "w"}, engine: engine,
		face: newPlainFace(newLines(io.Discard, true)),
		fix:  func(context.Context, string, io.Reader, io.Writer) error { return nil },
	}
	return c.run(ctx)
}

// The name that was typed is the consent to the plan that was shown, and to no other that deletes a VM.
func TestAnotherReplacementNeedsTheNameAgain(t *testing.T) {
	remove := provision.Step{ID: provision.StepReplaceRemove, Destroys: true}
	shown := provision.Plan{VM: "w", Replace: []string{"its processor is another"}, Steps: []provision.Step{remove}}
	other := provision.Plan{VM: "w", Replace: shown.Replace,
		Steps: []provision.Step{{ID: provision.StepRemoveKept, Destroys: true}, remove}}
	for answers, done := range map[string]bool{"w\ny\n": false, "w\nw\n": true} {
		var out strings.Builder
		err := converse(t.Context(), strings.NewReader(answers), &out, func(setup provision.Setup) engine {
			return script{plan: shown, run: func(ctx context.Context) (provision.Health, error) {
				if setup.Spec.Replace == "" {
					return provision.Health{}, &provision.Error{Kind: provision.KindReplacement}
				}
				return provision.Health{}, setup.Approve(ctx, other)
			}}
		})
		if (err == nil) != done || err != nil && kindOf(err) != provision.KindReplacement {
			t.Errorf("%q: %v\n%s", answers, err, out.String())
		}
	}
}

// signalled is a terminal at which a signal comes as soon as a text is on it.
type signalled struct {
	text   string
	cancel context.CancelCauseFunc
}

func (s signalled) Write(text []byte) (int, error) {
	if strings.Contains(string(text), s.text) {
		s.cancel(signalError{syscall.SIGTERM})
	}
	return len(text), nil
}

// Who is stopped after steps were done is not told that nothing was changed.
func TestSignalWhileAskedToInterruptMore(t *testing.T) {
	silent, _ := io.Pipe()
	ctx, cancel := context.WithCancelCause(t.Context())
	err := converse(ctx, silent, signalled{"go ahead? [y/N]", cancel}, func(provision.Setup) engine {
		return script{run: func(context.Context) (provision.Health, error) {
			return provision.Health{}, &provision.Error{Kind: provision.KindDisruption, Err: provision.DeeperError{}}
		}}
	})
	failure := provision.AsError(err)
	if failure == nil || failure.Kind != provision.KindInterrupted || provision.IsDeclined(err) ||
		strings.Contains(failure.What, "nothing was changed") || !strings.Contains(failure.Why, "SIGTERM") {
		t.Errorf("%+v", failure)
	}
}

// The same holds for a no after something was fixed.
func TestNoAfterAFix(t *testing.T) {
	missing := func(id string) provision.Event {
		return provision.Event{Type: provision.EventCheck, Check: &checks.Result{
			Finding: provision.Finding{ID: id, Outcome: checks.Failed}, Fix: &checks.FixInfo{Command: []string{"install", id}},
		}}
	}
	for answers, want := range map[string]string{
		"n\n": "Nothing was changed", "y\nn\n": "Finished steps are kept", "y\n": "Finished steps are kept",
	} {
		var out strings.Builder
		err := converse(t.Context(), strings.NewReader(answers), &out, func(setup provision.Setup) engine {
			return script{run: func(context.Context) (provision.Health, error) {
				setup.Events(missing("qemu"))
				setup.Events(missing("ssh"))
				return provision.Health{}, &provision.Error{Kind: provision.KindPrerequisite, Err: errors.New("none")}
			}}
		})
		if !provision.IsDeclined(err) || !strings.Contains(stoppedWords(provision.AsError(err)), want) {
			t.Errorf("%q: %v: %s", answers, err, stoppedWords(provision.AsError(err)))
		}
	}
}
