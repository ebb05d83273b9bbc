package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/creack/pty"
)

// nothing is the smallest Bubble Tea program there is.
const nothing = `package main

import tea "charm.land/bubbletea/v2"

type model struct{}

func (model) Init() tea.Cmd                       { return nil }
func (m model) Update(tea.Msg) (tea.Model, tea.Cmd) { return m, nil }
func (model) View() tea.View                      { view := tea.NewView("do it"); view.AltScreen = true; return view }

func main() { _, _ = tea.NewProgram(model{}).Run() }
`

// BenchmarkFirstFrame measures the time from starting the program to its first frame, against that of an empty Bubble
// Tea program. The ratio should be 1.3 at most.
//
//	make bench-tui
func BenchmarkFirstFrame(b *testing.B) {
	dir := b.TempDir()
	ours, empty := filepath.Join(dir, "worldsetup"), filepath.Join(dir, "empty")
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(nothing), 0o600); err != nil {
		b.Fatal(err)
	}
	for output, what := range map[string]string{ours: ".", empty: source} {
		if printed, err := exec.Command("go", "build", "-o", output, what).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, printed)
		}
	}
	var first, floor []time.Duration
	for b.Loop() {
		floor = append(floor, firstFrame(b, "do it", empty))
		first = append(first, firstFrame(b, "SIMULATION", ours, "demo"))
	}
	slices.Sort(first)
	slices.Sort(floor)
	b.ReportMetric(float64(first[len(first)/2])/1e6, "ms/first-frame")
	b.ReportMetric(float64(floor[len(floor)/2])/1e6, "ms/empty")
	b.ReportMetric(float64(first[len(first)/2])/float64(floor[len(floor)/2]), "ratio")
	b.ReportMetric(0, "ns/op")
}

// firstFrame is the time until the program has drawn text.
func firstFrame(b *testing.B, text, program string, args ...string) time.Duration {
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), "TERM=xterm-256color", "LANG=C.UTF-8")
	begun := time.Now()
	screen, err := pty.StartWithSize(command, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		b.Fatal(err)
	}
	defer screen.Close()
	defer func() { _ = command.Process.Signal(os.Interrupt); _ = command.Wait() }()
	if !drawnOn(screen, text) {
		b.Fatalf("%s did not draw %q", program, text)
	}
	return time.Since(begun)
}

// drawnOn reads until text was drawn, and reports whether it was.
func drawnOn(screen *os.File, text string) bool {
	var all []byte
	buffer := make([]byte, 64<<10)
	for {
		n, err := screen.Read(buffer)
		all = append(all, buffer[:n]...)
		if bytes.Contains(all, []byte(text)) {
			return true
		}
		if err != nil {
			return false
		}
	}
}
