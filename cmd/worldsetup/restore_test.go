package main

import (
	"io"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// Without consent a user who can answer is asked for the name, and only that name is the consent.
func TestWithConsent(t *testing.T) {
	for name, test := range map[string]struct {
		typed  string // empty without a user
		silent bool
		asked  bool
		done   bool
	}{
		"named": {"w\n", false, true, true}, "another name": {"other\n", false, true, false},
		"nothing": {"\n", false, true, false},
		"no user": {"", false, false, false}, "not to be asked": {"w\n", true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var shown, out strings.Builder
			a := &app{out: &out, neverAsk: test.silent, engine: func(setup provision.Setup) engine {
				if setup.Spec.Remove == "w" && setup.Spec.Replace == "" {
					return script{}
				}
				return script{err: &provision.Error{Kind: provision.KindReplacement, What: "no consent"}}
			}}
			if test.typed != "" {
				a.person = terminal{in: strings.NewReader(test.typed), out: &shown}
			}
			err := provision.AsError(a.remove(t.Context(), provision.Spec{VM: "w"}))
			if (err == nil) != test.done || err != nil && err.Kind != provision.KindReplacement {
				t.Errorf("%v", err)
			}
			if asked := strings.Contains(shown.String(),
				"type the name of the VM, w, to delete it"); asked != test.asked {
				t.Errorf("the prompts: %q", shown.String())
			}
		})
	}
}

// The end of the input is not a consent.
func TestConsentAtEndOfInput(t *testing.T) {
	a := &app{out: io.Discard, person: terminal{in: strings.NewReader(""), out: io.Discard},
		engine: func(provision.Setup) engine {
			return script{err: &provision.Error{Kind: provision.KindReplacement, What: "no consent"}}
		}}
	if err := provision.AsError(a.restore(t.Context(), provision.Spec{VM: "w"})); err == nil ||
		err.Kind != provision.KindInterrupted {
		t.Errorf("%v", err)
	}
}

// The consent is for the plan that was shown: another plan is refused, and what will be deleted is named.
func TestConsentIsForThePlanShown(t *testing.T) {
	shown := provision.Plan{VM: "w", Existing: &provision.Existing{Kept: "w.ws-old"},
		Steps: []provision.Step{{ID: provision.StepRemoveKept}, {ID: provision.StepRemoveVM}}}
	for name, test := range map[string]struct {
		now  provision.Plan
		done bool
	}{"the same": {shown, true}, "another": {provision.Plan{VM: "w", Steps: shown.Steps[1:]}, false}} {
		t.Run(name, func(t *testing.T) {
			var printed strings.Builder
			a := &app{out: io.Discard, person: terminal{in: strings.NewReader("w\n"), out: &printed},
				engine: func(setup provision.Setup) engine {
					if setup.Spec.Remove == "" {
						return script{plan: shown, err: &provision.Error{Kind: provision.KindReplacement,
							What: "no consent"}}
					}
					return script{err: setup.Approve(t.Context(), test.now)}
				}}
			if err := a.remove(t.Context(), provision.Spec{VM: "w"}); (err == nil) != test.done {
				t.Errorf("%v", err)
			}
			if !strings.Contains(printed.String(), "the kept VM w.ws-old") {
				t.Errorf("it printed %q", printed.String())
			}
		})
	}
}
