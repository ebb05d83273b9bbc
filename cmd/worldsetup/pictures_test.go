package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"

	"github.com/atomize-hq/worldsetup/internal/picture"
)

var draw = flag.Bool("draw", false, "redraw docs/pictures instead of comparing them")

const pictures = "../../docs/pictures"

// shot is a picture of the demo: what to type once something is seen, and what to wait for in the end.
type shot struct {
	name, title   string
	width, height int
	scenario      string
	freeze        string // what the simulation never gets beyond; empty for nothing
	keys          []typed
	see           string
}

type typed struct{ see, keys string }

const agreed = "enter start"

// What is on the screen in the end where the simulation gets no further: before, it only looks like the end on a busy
// machine.
const (
	atDriver   = "starting the driver… 0 s"
	atBoot     = "install packages in the guest 0 s of ~15 s waiting for the VM to finish booting… 0 s"
	atActivate = "start the agent and wait for its answer 0 s of ~2 s"
)

// The screens, and the frames of the film of a first run.
var shots = []shot{
	{"prerequisites", "worldsetup: prerequisites", 80, 24, "prerequisites", "", nil, "f fix c change"},
	{"plan", "worldsetup: the plan", 80, 24, "first-run", "", nil, agreed},
	{"replacement", "worldsetup: consent to a replacement", 80, 24, "replace", "", nil, "must be replaced"},
	{"progress", "worldsetup: progress", 80, 24, "first-run", "essential requirement 2 of", []typed{{agreed, "\r"}},
		atBoot},
	{"log", "worldsetup: the log", 80, 24, "first-run", "essential requirement 2 of",
		[]typed{{agreed, "\r"}, {atBoot, "l"}}, "install packages in the guest: running"},
	{"failure", "worldsetup: a failure", 80, 24, "failure", "", []typed{{agreed, "\r"}}, "Temporary failure resolving"},
	{"health", "worldsetup: the health of a world", 80, 24, "healthy", "", nil, "Ready · verified"},
	{"narrow", "worldsetup: a small terminal", 40, 12, "repair", "", nil, "enter repair it"},
}

var film = []shot{
	{"", "", 80, 24, "first-run", "", nil, agreed},
	{"", "", 80, 24, "first-run", "Starting QEMU", []typed{{agreed, "\r"}}, atDriver},
	{"", "", 80, 24, "first-run", "essential requirement 2 of", []typed{{agreed, "\r"}}, atBoot},
	{"", "", 80, 24, "first-run", "Activate", []typed{{agreed, "\r"}}, atActivate},
	{"", "", 80, 24, "first-run", "", []typed{{agreed, "\r"}}, "Ready · verified"},
}

// TestPictures holds the pictures in docs/ against what the program shows now. What they report counts, but for numbers
// and bars, which depend on time; `make pictures` redraws them.
func TestPictures(t *testing.T) {
	for _, shot := range shots {
		t.Run(shot.name, func(t *testing.T) {
			t.Parallel()
			publish(t, shot.name, shot.title, func() []picture.Frame { return []picture.Frame{shot.frame(t)} })
		})
	}
	t.Run("first-run", func(t *testing.T) {
		t.Parallel()
		publish(t, "first-run", "worldsetup: a first run", func() (frames []picture.Frame) {
			for _, shot := range film {
				frames = append(frames, shot.frame(t))
			}
			return frames
		})
	})
}

// frame is the picture of a moment.
func (s shot) frame(t *testing.T) picture.Frame {
	t.Helper()
	return picture.Frame{Screen: s.take(t), For: 3 * time.Second}
}

// svg is the picture of frames.
func svg(t *testing.T, title string, frames ...picture.Frame) string {
	t.Helper()
	var drawn strings.Builder
	if err := picture.Write(&drawn, title, frames...); err != nil {
		t.Fatal(err)
	}
	return drawn.String()
}

// take runs the demo up to where the picture is taken, and takes it.
func (s shot) take(t *testing.T) picture.Screen {
	t.Helper()
	still := func(command *exec.Cmd) {
		command.Env = append(command.Env, "WORLDSETUP_DEMO_FREEZE="+s.freeze, "WORLDSETUP_REDUCED_MOTION=1")
	}
	c := start(t, s.width, s.height, still, "demo", "--speed", "50", "--scenario", s.scenario)
	for _, typed := range s.keys {
		c.see(typed.see)
		c.press(typed.keys)
	}
	c.see(s.see)
	c.rest()
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := uv.NewBuffer(s.width, s.height)
	for y := range s.height {
		for x := range s.width {
			taken.SetCell(x, y, c.screen.CellAt(x, y))
		}
	}
	return taken
}

// rest waits until nothing is drawn any more: a picture is of a screen at rest.
func (c *console) rest() {
	for {
		select {
		case <-c.drawn:
		case <-time.After(700 * time.Millisecond):
			return
		}
	}
}

// publish writes the picture, or compares it with the one that is there. It is taken again when it differs: on a
// machine that stands still for a while, a screen looks as if it were at rest.
func publish(t *testing.T, name, title string, shoot func() []picture.Frame) {
	t.Helper()
	drawn := svg(t, title, shoot()...)
	path := filepath.Join(pictures, name+".svg")
	if *draw {
		if err := os.WriteFile(path, []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for chances := 3; chances > 0 && textOf(drawn) != textOf(string(kept)); chances-- {
		drawn = svg(t, title, shoot()...)
	}
	if have, want := textOf(drawn), textOf(string(kept)); have != want {
		t.Errorf("%s is not what the program shows any more: make pictures\n--- shown\n%s\n--- kept\n%s", path, have,
			want)
	}
}

var (
	pictured = regexp.MustCompile(`<text[^>]* y="([^"]*)"[^>]*>([^<]*)</text>`)
	names    = regexp.MustCompile(`(/w|/demo|substrate-)[A-Z0-9a-f]{6,8}`) // drawn by lot
	// As in 1m2.5s, <1 s, and 1 min 15 s.
	figures = regexp.MustCompile(`(&lt;)?[0-9]([0-9.:]|[hm][0-9]| ?(ns|µs|ms|s|m|min|h|%)\b)*`)
	several = regexp.MustCompile(`\b0( 0)+\b`)
	bars    = regexp.MustCompile(`[█▓▒░━─╸╺]+`)
	logged  = regexp.MustCompile(`^\s*[0-9]{2}:[0-9]{2}:[0-9]{2}\b`)
	blanks  = regexp.MustCompile(`\s+`)
)

// textOf returns the text of a picture without what depends on how fast things went.
func textOf(svg string) string {
	var lines []string
	log := "" // the height of a line of the log
	for _, match := range pictured.FindAllStringSubmatch(svg, -1) {
		switch {
		case logged.MatchString(match[2]):
			log = match[1]
			continue
		case match[1] == log:
			continue // which lines the log has at that moment, and in which order
		}
		log = ""
		line := figures.ReplaceAllString(names.ReplaceAllString(match[2], "$1-"), "0")
		line = strings.ReplaceAll(line, "just now", "0 ago")
		line = bars.ReplaceAllString(several.ReplaceAllString(line, "0"), "")
		if line = strings.TrimSpace(blanks.ReplaceAllString(line, " ")); line != "" && line != "0" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
