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
	w.judges(nil)
	w.shows("> project /home/ada", "agent a file", "file /tmp/agent", "size custom", "disk 40GiB", "They can be taken")
	w.types("/p")
	w.press("enter")
	w.shows("checking")
	w.judges(provision.Validation{provision.FieldProject: {Wrong: true, Text: "there is no such directory"}})
	w.shows("there is no such directory", "They cannot be taken")
	if w.model.facts.doing != idle {
		t.Fatal("they were taken")
	}
	w.press("backspace", "backspace", "down", "right", "down", "right", "enter")
	w.judges(provision.Validation{provision.FieldAgent: {Text: "it runs no commands"}})
	if want := (provision.Choices{Project: "/home/ada", Agent: provision.AgentBuiltin}); w.model.request(planning).Choices != want {
		t.Errorf("asked for %+v", w.model.request(planning).Choices)
	}
	w.ends(planning, firstPlan, nil, nil)
	w.shows("Nothing has been changed yet")
}

func TestChoicesAreKeptWhenTheyAreFine(t *testing.T) {
	w := newWizard(t, func(o *Options) {
		o.Keep = func(_ context.Context, c provision.Choices) (string, error) {
			if c.Project == "/home/ada/full" {
				return "", errors.New("no space left on device")
			}
			return c.Project + "/worldsetup.yaml", nil
		}
	})
	scenes["plan"](w)
	w.press("c")
	w.judges(nil)
	w.shows("ctrl+s keep them")
	w.types("/home/ada/ful")
	if w.press("ctrl+s") != nil {
		t.Fatal("kept before they are known to be fine")
	}
	w.judges(provision.Validation{provision.FieldProject: {Wrong: true, Text: "there is no such directory"}})
	if page := w.model.over.(choicesPage); page.then != nothing || page.value(provision.FieldProject) != "/home/ada/ful" {
		t.Fatalf("%v is wanted of what was not fine, which is %q", page.then, page.value(provision.FieldProject))
	}
	w.types("l")
	w.judges(provision.Validation{})
	w.model.Update(w.press("ctrl+s")())
	w.shows("They were not kept: no space left on device", "They can be taken")
	w.press("backspace", "backspace")
	w.judges(provision.Validation{})
	if strings.Contains(w.screen(), "not kept") {
		t.Error("what was said of others stays")
	}
	w.model.Update(w.press("ctrl+s")())
	w.shows("They are kept in /home/ada/fu/worldsetup.yaml")
	if w.model.facts.choices != (provision.Choices{}) {
		t.Error("they were taken by that")
	}
	w.press("esc")
	w.model.Update(keptMsg{"/x", nil}) // that was still on its way
	w.shows("enter do it")
}

func TestChoicesLeft(t *testing.T) {
	w := newWizard(t, nil)
	scenes["choices-custom"](w)
	w.press("enter")
	w.shows("They cannot be taken")
	w.press("esc")
	if w.shows("enter do it"); w.model.facts.choices != (provision.Choices{}) {
		t.Errorf("they were taken: %+v", w.model.facts.choices)
	}
	w.model.Update(checkedMsg{}) // that was still on its way
	w.shows("enter do it")
}

// Only one look at the files is under way at a time, and the last one is about what is there now.
func TestOneCheckAtATime(t *testing.T) {
	w := newWizard(t, nil)
	scenes["choices"](w)
	if w.press("a") == nil {
		t.Fatal("nobody checks")
	}
	if w.press("b") != nil {
		t.Fatal("two checks at once")
	}
	_, next := w.model.Update(checkedMsg{provision.Choices{Project: "a"}, nil})
	if next == nil {
		t.Fatal("what was typed meanwhile is not checked")
	}
	w.shows("checking")
	if _, next = w.model.Update(checkedMsg{provision.Choices{Project: "ab"}, nil}); next != nil {
		t.Fatal("it checks for ever")
	}
	w.shows("They can be taken")
}

func TestCursorStandsWhereOneTypes(t *testing.T) {
	w := newWizard(t, nil)
	scenes["replace"](w)
	cursor := w.model.View().Cursor
	if cursor == nil || cursor.X != 1+len("> substrat") {
		t.Fatalf("the cursor is at %+v", cursor)
	}
	w.press("left", "left")
	if moved := w.model.View().Cursor; moved == nil || moved.X != cursor.X-2 {
		t.Errorf("the cursor is at %+v", moved)
	}
	w.press("esc")
	if w.model.View().Cursor != nil {
		t.Error("there is a cursor where nobody types")
	}
}
