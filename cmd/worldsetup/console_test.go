package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// Children inherit a signal that is ignored, as under nohup; one that is notified they do not.
func init() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) }

// console is the command in a pseudo-terminal, with a screen that understands what it draws.
type console struct {
	t       *testing.T
	command *exec.Cmd
	device  *os.File
	mu      sync.Mutex // guards screen but for Read: vt's SafeEmulator leaves String out
	screen  *vt.Emulator
	drawn   chan struct{} // something was drawn since the last check
	closed  chan struct{} // the command has ended
	raw     bytes.Buffer  // read it after closed
	temp    string        // TMPDIR of the command
}

// start runs the command; change may redirect its streams.
func start(t *testing.T, width, height int, change func(*exec.Cmd), args ...string) *console {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "worldsetup")         // the name by which TestMain knows what to be
	temp := filepath.Join(os.TempDir(), "w"+rand.Text()[:6]) // short: it will hold UNIX sockets
	if err := errors.Join(os.Mkdir(temp, 0o777), os.Symlink(self, name), os.Chmod(temp, 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	c := &console{
		t: t, command: exec.Command(name, args...), screen: vt.NewEmulator(width, height), temp: temp,
		drawn: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	c.command.Env = []string{
		"TERM=xterm-256color", "LANG=C.UTF-8", "HOME=" + temp, "TMPDIR=" + temp, "PATH=" + os.Getenv("PATH"),
		"GORACE=atexit_sleep_ms=0",
	}
	c.command.Dir = temp // the user nobody may have no access to the checkout
	if change != nil {
		change(c.command)
	}
	if c.device, err = pty.StartWithSize(c.command,
		&pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.command.Process.Kill()
		_ = c.device.Close()
		<-c.closed
		if answers, ok := c.screen.InputPipe().(io.Closer); ok { // Close of the screen itself races with its Read
			_ = answers.Close()
		}
	})
	go func() { _, _ = io.Copy(c.device, c.screen) }() // the terminal's answers to questions
	go c.draw()
	return c
}

func (c *console) draw() {
	defer close(c.closed)
	buffer := make([]byte, 64<<10)
	for {
		n, err := c.device.Read(buffer)
		c.raw.Write(buffer[:n])
		c.mu.Lock()
		_, _ = c.screen.Write(buffer[:n])
		c.mu.Unlock()
		select {
		case c.drawn <- struct{}{}:
		default:
		}
		if err != nil { // EIO at the end, on Linux
			return
		}
	}
}

func (c *console) resize(width, height int) {
	c.t.Helper()
	c.mu.Lock()
	c.screen.Resize(width, height)
	c.mu.Unlock()
	if err := pty.Setsize(c.device, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) picture() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.String()
}

// see waits until all texts are on the screen, wherever lines break.
func (c *console) see(texts ...string) {
	c.t.Helper()
	deadline := time.After(time.Minute)
	for {
		screen := c.picture()
		flat := strings.Join(strings.Fields(screen), " ")
		missing := ""
		for _, text := range texts {
			if !strings.Contains(flat, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-c.drawn:
		case <-deadline:
			c.t.Fatalf("there is no %q on\n%s", missing, screen)
		}
	}
}

// settle waits until the wizard takes keys: it ignores those that come just when a page has changed by itself. The demo
// need not be waited for.
func (c *console) settle() { time.Sleep(time.Second) }

func (c *console) press(keys string) {
	c.t.Helper()
	if _, err := io.WriteString(c.device, keys); err != nil {
		c.t.Fatal(err)
	}
}

// end waits for the command's end and returns its exit code, and what the terminal then holds, scrollback included.
func (c *console) end() (code int, text string) {
	c.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- c.command.Wait() }()
	select {
	case err := <-ended:
		if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
			c.t.Fatal(err)
		}
	case <-time.After(time.Minute):
		c.t.Fatalf("it does not end:\n%s", c.picture())
	}
	<-c.closed
	if c.screen.IsAltScreen() {
		c.t.Error("the alternate screen was not left")
	}
	if left, err := os.ReadDir(c.temp); err != nil || len(left) > 0 {
		c.t.Errorf("left behind: %v %v", left, err)
	}
	return c.command.ProcessState.ExitCode(), c.scrollback() + c.screen.String()
}

func (c *console) scrollback() string {
	var text strings.Builder
	for y := range c.screen.ScrollbackLen() {
		for x := range c.screen.Width() {
			if cell := c.screen.ScrollbackCellAt(x, y); cell != nil {
				text.WriteString(cell.Content)
			}
		}
		text.WriteString("\n")
	}
	return text.String()
}
