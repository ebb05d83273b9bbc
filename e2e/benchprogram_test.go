//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"github.com/atomize-hq/worldsetup/e2e/perf"
	"github.com/atomize-hq/worldsetup/internal/devhost"
)

// emptyPrograms are the smallest programs there are, of Go and of Bubble Tea.
var emptyPrograms = map[string]string{
	"empty": "package main\n\nfunc main() {}\n",
	"empty-tea": `package main

import tea "charm.land/bubbletea/v2"

type model struct{}

func (model) Init() tea.Cmd                         { return nil }
func (m model) Update(tea.Msg) (tea.Model, tea.Cmd) { return m, nil }
func (model) View() tea.View                        { view := tea.NewView("do it"); view.AltScreen = true; return view }

func main() { _, _ = tea.NewProgram(model{}).Run() }
`,
}

// programRows are about the program as such.
func (p *benched) programRows() []perf.Row {
	program := func(name, pkg string) func() string {
		return sync.OnceValue(func() string { return p.built(name, pkg) })
	}
	stripped := program("worldsetup", "./cmd/worldsetup")
	empty, emptyTea := program("empty", ""), program("empty-tea", "")
	run := func(program func() string, args ...string) perf.Measure {
		return func() (float64, error) {
			cmd := p.command(p.b.Context(), program(), args...)
			return perf.Time(func() error { return p.finish(cmd) })()
		}
	}
	rows := []perf.Row{
		{What: "exec to first frame, `worldsetup`", Against: "an empty Bubble Tea program", Target: 1.2, Turns: 30,
			Ours: p.firstFrame(stripped, p.quiet...), Other: p.firstFrame(emptyTea)},
		{What: "exec to the end of `worldsetup --version`", Against: "an empty Go program", Target: 2, Turns: 30,
			Ours: run(stripped, "--version"), Other: run(empty)},
		{What: "the stripped program", Unit: "MB", Target: 15, Turns: 1, Single: true,
			Ours: func() (float64, error) {
				info, err := os.Stat(stripped())
				if err != nil {
					return 0, err
				}
				return float64(info.Size()) / 1e6, nil
			}},
		p.flooded("plain lines (`-v`)", 1e6, p.plainPeak), p.flooded("plain lines (`-v`)", 1e5, p.plainPeak),
		p.flooded("the wizard", 1e6, p.wizardPeak), p.flooded("the wizard", 1e5, p.wizardPeak),
	}
	for i := range rows {
		rows[i].Group = "program"
	}
	return rows
}

// built builds a program as a release is, where the ordinary user can run it. Without a package, it is an empty one.
func (p *benched) built(name, pkg string) string {
	p.b.Helper()
	source, err := devhost.SourceRoot(p.b.Context())
	if err != nil {
		p.b.Fatal(err)
	}
	if pkg == "" {
		pkg = filepath.Join(suite.files, name+".go")
		if err := os.WriteFile(pkg, []byte(emptyPrograms[name]), 0o600); err != nil {
			p.b.Fatal(err)
		}
	}
	output := filepath.Join(suite.files, "stripped-"+name)
	build := exec.CommandContext(p.b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", output, pkg)
	build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		p.b.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return output
}

// onTerminal starts a program on a terminal of 24 lines of 80 columns. ends kills it.
func (p *benched) onTerminal(cmd *exec.Cmd) (screen *os.File, ends func(), err error) {
	cmd.Env = append(cmd.Env, "TERM=xterm-256color", "LANG=C.UTF-8")
	screen, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		return nil, nil, err
	}
	return screen, func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		screen.Close()
		_ = cmd.Wait()
	}, nil
}

// firstFrame measures the time from starting a program to the first word that it has drawn on its own screen.
func (p *benched) firstFrame(program func() string, args ...string) perf.Measure {
	return func() (float64, error) {
		cmd := p.command(p.b.Context(), program(), args...)
		begun := time.Now()
		screen, ends, err := p.onTerminal(cmd)
		if err != nil {
			return 0, err
		}
		defer ends()
		var all []byte
		buffer := make([]byte, 64<<10)
		for {
			n, err := screen.Read(buffer)
			all = append(all, buffer[:n]...)
			_, drawn, found := bytes.Cut(all, []byte("\x1b[?1049h"))
			if found && len(bytes.TrimSpace([]byte(ansi.Strip(string(drawn))))) > 1 {
				return time.Since(begun).Seconds(), nil
			}
			if err != nil {
				return 0, fmt.Errorf("%s drew nothing: %w: %q", cmd.Path, err, all)
			}
		}
	}
}

// flooded is how much memory a run takes while a start of the VM writes that many lines.
func (p *benched) flooded(face string, lines int, peak func(flood) (float64, error)) perf.Row {
	row := perf.Row{What: fmt.Sprintf("memory while %d lines of log pass, %s", lines, face), Unit: "MB", Target: 40,
		Turns: 1, Single: true}
	row.Ours = func() (float64, error) {
		f, err := p.flood(lines)
		if err != nil {
			return 0, err
		}
		value, err := peak(f)
		return value, errors.Join(err, p.again()())
	}
	return row
}

// flood is a PATH with a limactl that writes many lines when it starts a VM.
type flood struct{ dir, path string }

func (f flood) began() bool { return exists(filepath.Join(f.dir, "began")) }
func (f flood) ended() bool { return exists(filepath.Join(f.dir, "ended")) }

func (p *benched) flood(lines int) (flood, error) {
	if err := p.lima("stop", vm)(); err != nil {
		return flood{}, err
	}
	source, err := devhost.SourceRoot(p.b.Context())
	if err != nil {
		return flood{}, err
	}
	text, err := os.ReadFile(filepath.Join(source, "e2e", "testdata", "flood.sh"))
	if err != nil {
		return flood{}, err
	}
	f := flood{dir: filepath.Join(p.files(), "flood")}
	script, limactl := filepath.Join(f.dir, "flood.sh"), filepath.Join(f.dir, "limactl")
	p.write(p.b, script, string(text))
	p.write(p.b, limactl, fmt.Sprintf("#!/bin/sh\nexec sh '%s' '%s' %d '%s' \"$@\"\n",
		script, p.rig.host.Lima, lines, f.dir))
	_, _ = os.Remove(filepath.Join(f.dir, "began")), os.Remove(filepath.Join(f.dir, "ended"))
	f.path = f.dir + ":" + pathOf(p.command(p.b.Context(), "true").Env)
	return f, os.Chmod(limactl, 0o755)
}

// plainPeak is the peak of a run with plain lines.
func (p *benched) plainPeak(f flood) (float64, error) {
	cmd := p.command(p.b.Context(), suite.binary, append([]string{"--non-interactive", "-v"}, p.quiet...)...)
	cmd.Env = append(cmd.Env, "PATH="+f.path)
	return p.peak(f, cmd.Start, cmd, cmd.Wait)
}

// wizardPeak is the peak of the wizard, which someone answers with the return key until the VM starts.
func (p *benched) wizardPeak(f flood) (float64, error) {
	cmd := p.command(p.b.Context(), suite.binary, p.quiet...)
	cmd.Env = append(cmd.Env, "PATH="+f.path)
	var screen *os.File
	var ends func()
	start := func() (err error) {
		if screen, ends, err = p.onTerminal(cmd); err != nil {
			return err
		}
		go func() { // until it is closed
			buffer := make([]byte, 64<<10)
			for {
				if _, err := screen.Read(buffer); err != nil {
					return
				}
			}
		}()
		go func() {
			for !f.began() {
				if _, err := screen.WriteString("\r"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		return nil
	}
	return p.peak(f, start, cmd, func() error { ends(); return nil })
}

// peak is a program's peak until the flood is over, and some of what it wrote last has passed.
func (p *benched) peak(f flood, start func() error, cmd *exec.Cmd, end func() error) (peak float64, err error) {
	if err := start(); err != nil {
		return 0, err
	}
	for after := 0; after < 20 && err == nil; time.Sleep(50 * time.Millisecond) {
		if f.ended() {
			after++
		}
		now := peakOf(cmd.Process.Pid)
		if now == 0 {
			err = errors.New("the run ended before the flood")
		}
		peak = max(peak, now)
	}
	return peak, errors.Join(err, end())
}
