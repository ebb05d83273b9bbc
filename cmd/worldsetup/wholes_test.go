package main

import (
	"io"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// Without consent somebody who types is asked for the name, and only that name is a consent. Nobody else is asked.
func TestConsented(t *testing.T) {
	for name, test := range map[string]struct {
		typed  string // empty for nobody there
		silent bool
		asked  bool
		done   bool
	}{
		"named": {"w\n", false, true, true}, "another name": {"other\n", false, true, false}, "nothing": {"\n", false, true, false},
		"nobody": {"", false, false, false}, "not to be asked": {"w\n", true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var said, out strings.Builder
			a := &app{out: &out, silent: test.silent, engine: func(setup provision.Setup) engine {
				if setup.Spec.Replace == "w" {
					return script{}
				}
				return script{err: &provision.Error{Kind: provision.KindReplacement, What: "nobody consented"}}
			}}
			if test.typed != "" {
				a.person = terminal{in: strings.NewReader(test.typed), out: &said}
			}
			err := provision.AsError(a.remove(t.Context(), provision.Spec{VM: "w"}))
			if (err == nil) != test.done || err != nil && err.Kind != provision.KindReplacement {
				t.Errorf("%v", err)
			}
			if asked := strings.Contains(said.String(), "type the name of the VM, w, to remove it"); asked != test.asked {
				t.Errorf("it was asked: %q", said.String())
			}
		})
	}
}

// The end of the input is no consent.
func TestConsentedByNobody(t *testing.T) {
	a := &app{out: io.Discard, person: terminal{in: strings.NewReader(""), out: io.Discard}, engine: func(provision.Setup) engine {
		return script{err: &provision.Error{Kind: provision.KindReplacement, What: "nobody consented"}}
	}}
	if err := provision.AsError(a.restore(t.Context(), provision.Spec{VM: "w"})); err == nil || err.Kind != provision.KindInterrupted {
		t.Errorf("%v", err)
	}
}

// What was shown is what is agreed to: another plan is refused, and what goes away is named.
func TestConsentedToWhatWasShown(t *testing.T) {
	shown := provision.Plan{VM: "w", Existing: &provision.Existing{Kept: "w.ws-old"}, Steps: []provision.Step{{ID: provision.StepRemoveKept}, {ID: provision.StepRemoveVM}}}
	for name, test := range map[string]struct {
		now  provision.Plan
		done bool
	}{"the same": {shown, true}, "another": {provision.Plan{VM: "w", Steps: shown.Steps[1:]}, false}} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			a := &app{out: io.Discard, person: terminal{in: strings.NewReader("w\n"), out: &said}, engine: func(setup provision.Setup) engine {
				if setup.Spec.Replace == "" {
					return script{plan: shown, err: &provision.Error{Kind: provision.KindReplacement, What: "nobody consented"}}
				}
				return script{err: setup.Approve(t.Context(), test.now)}
			}}
			if err := a.remove(t.Context(), provision.Spec{VM: "w"}); (err == nil) != test.done {
				t.Errorf("%v", err)
			}
			if !strings.Contains(said.String(), "the kept VM w.ws-old") {
				t.Errorf("it said %q", said.String())
			}
		})
	}
}
