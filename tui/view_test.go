package tui

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestScreens holds every screen at three sizes. testdata/*.golden show them as they are seen, without colours.
func TestScreens(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(scenes)) {
		for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
			t.Run(fmt.Sprintf("%s.%dx%d", name, size[0], size[1]), func(t *testing.T) {
				w := newWizard(t, nil)
				w.resize(size[0], size[1])
				scenes[name](w)
				golden(t, fmt.Sprintf("%s.%dx%d.golden", name, size[0], size[1]), w.screen())
			})
		}
	}
}

func golden(t *testing.T, name, screen string) {
	t.Helper()
	var text strings.Builder
	for line := range strings.Lines(screen + "\n") {
		fmt.Fprintln(&text, strings.TrimRight(line, " \n"))
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("it is\n%s\nand was\n%s", text.String(), want)
	}
}

// On every screen and at every size, everything fits, fills the screen, and can be scrolled to.
func TestEverythingFitsAndCanBeReached(t *testing.T) {
	for name, scene := range scenes {
		w := newWizard(t, func(o *Options) { o.Banner = "SIMULATION" })
		scene(w)
		for _, width := range []int{minWidth, 61, 120, 200} {
			for _, height := range []int{minHeight, 16, 60} {
				w.resize(width, height)
				w.press("home")
				for before := ""; before != w.screen(); w.press("pgup") { // home is a key of fields
					before = w.screen()
				}
				where := fmt.Sprintf("%s at %dx%d", name, width, height)
				fits(t, where, w, width, height)
				var reached strings.Builder
				reached.WriteString(w.screen())
				for before := ""; before != w.screen(); w.press("pgdown") {
					before = w.screen()
					reached.WriteString(before)
				}
				fits(t, where+", at the end", w, width, height)
				l := w.model.layout()
				painted := l.page
				for _, line := range painted.lines {
					if !strings.Contains(reached.String(), ansi.Strip(line)) {
						t.Fatalf("%s: out of reach: %q", where, ansi.Strip(line))
					}
				}
			}
		}
	}
}

// However small the screen is, the way to all keys is shown, or there is a question with few answers.
func TestHelpIsAlwaysInSight(t *testing.T) {
	for name, scene := range scenes {
		w := newWizard(t, nil)
		scene(w)
		w.resize(minWidth, minHeight)
		if has(w.model.offers(), keyHelp) {
			w.shows("? help")
		}
		places := w.model.places()
		if len(places) == 0 || !has(w.model.offers(), keyHelp) &&
			len(places) < len(w.model.front().offers(&w.model.facts)) {
			t.Errorf("%s: an answer is out of sight:\n%s", name, w.screen())
		}
	}
}

func fits(t *testing.T, where string, w *wizard, width, height int) {
	t.Helper()
	lines := strings.Split(w.screen(), "\n")
	if len(lines) > height {
		t.Fatalf("%s: %d lines\n%s", where, len(lines), w.screen())
	}
	for _, line := range lines {
		if ansi.StringWidth(line) > width {
			t.Fatalf("%s: a line of %d cells: %q", where, ansi.StringWidth(line), line)
		}
	}
	if !strings.Contains(lines[0], "SIMULATION") {
		t.Fatalf("%s: nothing about the simulation: %q", where, lines[0])
	}
}

func TestTooSmall(t *testing.T) {
	for _, size := range [][2]int{{39, 12}, {40, 11}, {10, 3}, {1, 1}} {
		w := newWizard(t, func(o *Options) { o.Banner = "SIMULATION" })
		scenes["plan"](w)
		w.resize(size[0], size[1])
		if lines := strings.Split(w.screen(), "\n"); len(lines) > size[1] {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		if size[0] > 30 {
			w.shows("SIMULATION", "too small", "40x12 is needed")
		}
		w.press("enter")
		if w.model.facts.call != idle {
			t.Errorf("%v: a plan that could not be read was agreed to", size)
		}
		w.resize(80, 24)
		w.shows("3 steps, about")
	}
}

// Without UTF-8 there is nothing but ASCII, and without colours no colour.
func TestMarksAndColoursThatTheTerminalHas(t *testing.T) {
	for name, scene := range scenes {
		w := newWizard(t, func(o *Options) { o.UTF8, o.NoColor = false, true })
		scene(w)
		content := w.model.View().Content
		for _, r := range content {
			if r > 126 {
				t.Errorf("%s: %q\n%s", name, r, w.screen())
				break
			}
		}
		for _, colour := range []string{"\x1b[31m", "\x1b[32m", "\x1b[33m"} {
			if strings.Contains(content, colour) {
				t.Errorf("%s: a colour: %q", name, colour)
			}
		}
	}
}

// What tools and guests write must not command the terminal.
func TestForeignTextIsHarmless(t *testing.T) {
	const evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2Jevil\u202e\rtext"
	w := newWizard(t, func(o *Options) { o.VM, o.NoColor, o.LogPath = evil, true, evil })
	working(w)
	w.emits(0, logged(evil))
	seen := w.model.View().Content + w.model.View().WindowTitle
	w.press("l")
	seen += w.model.View().Content
	w.press("esc")
	failure := *broken
	failure.Why = evil
	w.ends(running, firstPlan, nil, &failure)
	seen += w.model.View().Content
	for _, bad := range []string{"\x1b]", "\x1b[2J", "\r", "\u202e", "\a"} {
		if strings.Contains(seen, bad) {
			t.Errorf("%q reached the terminal", bad)
		}
	}
	if !strings.Contains(seen, "text") {
		t.Error("the words are missing")
	}
}
