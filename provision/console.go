package provision

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const (
	// consolePause is how often the console of a starting VM is looked at: nobody should see silence for longer.
	consolePause = time.Second
	// consoleTail is how much of a console is read at most, in bytes: its latest line is all that is wanted.
	consoleTail = 4 << 10
	// bannerDeadline is the time in which an ssh server that runs introduces itself. While a VM boots under emulation that takes
	// it a second or two, and as long again for each who asks.
	bannerDeadline = 10 * time.Second
)

// watchConsole tells of what a starting VM writes to its console, and when its ssh port answers, until done is closed.
func (s *signs) watchConsole(ctx context.Context, dir string, done <-chan struct{}) {
	consoles := []*console{newConsole(filepath.Join(dir, "serial.log")), newConsole(filepath.Join(dir, "serialv.log"))}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	introduced := make(chan bool, 1)
	asked := false
	ticker := time.NewTicker(consolePause)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case yes := <-introduced:
			if asked = false; yes {
				s.reach(lima.PhasePort)
			}
			continue
		case <-ticker.C:
		}
		for _, console := range consoles {
			if line := console.latest(); line != "" {
				s.reach(lima.PhaseKernel)
				s.say(line)
			}
		}
		if port := s.unanswered(); port != 0 && !asked {
			asked = true
			go func() { introduced <- introduces(ctx, port) }()
		}
	}
}

// console is a file that a VM's console is written to.
type console struct {
	path string
	size int64 // when it was looked at last
}

// newConsole begins with what is written from now on: the file may be of an earlier start.
func newConsole(path string) *console {
	c := &console{path: path}
	if info, err := os.Stat(path); err == nil {
		c.size = info.Size()
	}
	return c
}

// latest is the last whole line that was written since the last time; empty for none.
func (c *console) latest() string {
	file, err := os.Open(c.path)
	if err != nil {
		return ""
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == c.size {
		return ""
	}
	if info.Size() < c.size { // it was begun anew
		c.size = 0
	}
	from := max(c.size, info.Size()-consoleTail)
	text, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	if err != nil {
		return ""
	}
	c.size = info.Size()
	end := bytes.LastIndexByte(text, '\n')
	lines := strings.Split(string(text[:max(0, end)]), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(plaintext.Line(lines[i])); line != "" {
			return line
		}
	}
	return ""
}

// introduces says whether an ssh server answers at a port of this machine: what accepts connections there may be QEMU.
func introduces(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, bannerDeadline)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	banner := make([]byte, 4)
	_, err = io.ReadFull(connection, banner)
	return err == nil && string(banner) == "SSH-"
}
