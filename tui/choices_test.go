package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

func TestChoicesAreTakenWhenTheyAreFine(t *testing.T) {
	w := newWizard(t, func(o *Options) {
		o.Choices = provision.Choices{Project: "/home/ada", Agent: "/tmp/agent", Disk: "40GiB"}
	})
	scenes["plan"](w)
	w.press("c")
	w.validates(nil)
	w.shows("▸ project /home/ada", "agent ( ) the project's own (•) a file", "file /tmp/agent",
		"(•) custom", "disk 40GiB", "Looks good")
	w.types("/p")
	w.press("enter")
	w.shows("checking")
	w.validates(provision.Validation{provision.FieldProject: {Wrong: true, Text: "there is no such directory"}})
	w.shows("there is no such directory", "Fix the fields marked ✗")
	if w.model.facts.call != idle {
		t.Fatal("they were taken")
	}
	w.press("backspace", "backspace", "down", "right", "down", "right", "enter")
	w.validates(provision.Validation{provision.FieldAgent: {Text: "it runs no commands"}})
	if want := (provision.Choices{Project: "/home/ada",
		Agent: provision.AgentBuiltin}); w.model.request(planning).Choices != want {
		t.Errorf("asked for %+v", w.model.request(planning).Choices)
	}
	w.ends(planning, firstPlan, nil, nil)
	w.shows("Nothing has been changed yet")
}

func TestChoicesAreKeptWhenTheyAreFine(t *testing.T) {
	w := newWizard(t, func(o *Options) {
		o.Save = func(_ context.Context, c provision.Choices) (string, error) {
			if c.Project == "/home/ada/full" {
				return "", errors.New("no space left on device")
			}
			return c.Project + "/worldsetup.yaml", nil
		}
	})
	scenes["plan"](w)
	w.press("c")
	w.validates(nil)
	w.shows("ctrl+s save")
	w.types("/home/ada/ful")
	if w.press("ctrl+s") != nil {
		t.Fatal("kept before they are known to be fine")
	}
	w.validates(provision.Validation{provision.FieldProject: {Wrong: true, Text: "there is no such directory"}})
	if page := w.model.over.(choicesPage); page.then != nil || page.value(provision.FieldProject) != "/home/ada/ful" {
		t.Fatalf("something waits for the validation of %q, which is wrong", page.value(provision.FieldProject))
	}
	w.types("l")
	w.validates(provision.Validation{})
	w.model.Update(w.press("ctrl+s")())
	w.shows("Not saved: no space left on device", "Looks good")
	w.press("backspace", "backspace")
	w.validates(provision.Validation{})
	if strings.Contains(w.screen(), "not kept") {
		t.Error("the result of saving others stays")
	}
	w.model.Update(w.press("ctrl+s")())
	w.shows("Saved in /home/ada/fu/worldsetup.yaml")
	if w.model.facts.choices != (provision.Choices{}) {
		t.Error("they were taken by that")
	}
	w.press("esc")
	w.model.Update(written("Saved in ", "")("/x", nil)) // that was still on its way
	w.shows("enter start")
}

func TestChoicesLeft(t *testing.T) {
	w := newWizard(t, nil)
	scenes["choices-custom"](w)
	w.press("enter")
	w.shows("Fix the fields marked ✗")
	w.press("esc")
	if w.shows("enter start"); w.model.facts.choices != (provision.Choices{}) {
		t.Errorf("they were taken: %+v", w.model.facts.choices)
	}
	w.model.Update(validatedMsg{}) // that was still on its way
	w.shows("enter start")
}

// Only one validation runs at a time, and the last one is of the current choices.
func TestOneCheckAtATime(t *testing.T) {
	w := newWizard(t, nil)
	scenes["choices"](w)
	if w.press("a") == nil {
		t.Fatal("nothing is validated")
	}
	if w.press("b") != nil {
		t.Fatal("two checks at once")
	}
	_, next := w.model.Update(validatedMsg{provision.Choices{Project: "a"}, nil})
	if next == nil {
		t.Fatal("what was typed meanwhile is not checked")
	}
	w.shows("checking")
	if _, next = w.model.Update(validatedMsg{provision.Choices{Project: "ab"}, nil}); next != nil {
		t.Fatal("it checks for ever")
	}
	w.shows("Looks good")
}

func TestCursorStandsWhereOneTypes(t *testing.T) {
	w := newWizard(t, nil)
	scenes["replace"](w)
	cursor := w.model.View().Cursor
	if cursor == nil || cursor.X != 1+2+len("> substrat") {
		t.Fatalf("the cursor is at %+v", cursor)
	}
	w.press("left", "left")
	if moved := w.model.View().Cursor; moved == nil || moved.X != cursor.X-2 {
		t.Errorf("the cursor is at %+v", moved)
	}
	w.press("esc")
	if w.model.View().Cursor != nil {
		t.Error("there is a cursor without a field")
	}
}

// What is typed is shown, but for a password in it.
func TestNoSecretIsTyped(t *testing.T) {
	w := newWizard(t, func(o *Options) { o.Choices = provision.Choices{Project: "/home/ada"} })
	scenes["plan"](w)
	w.press("c")
	w.validates(nil)
	w.types("https://ada:S3cretPw@host")
	w.shows("/home/adahttps://************@host")
}
