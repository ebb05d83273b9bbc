package lima

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// consoleTail is how much of a console is read at most, in bytes: only its latest lines are needed.
const consoleTail = 4 << 10

// bootEnds are the beginnings of console lines that show that a boot has failed for good.
// The kernel repeats its first line in the last one; initramfs-tools and dracut, and systemd, then wait for a user.
var bootEnds = []struct {
	line  *lazyregexp.Regexp
	text  string
	noSSH bool // it counts only as long as ssh doesn't answer
}{
	{lazyregexp.New(`^(---\[ end )?Kernel panic - not syncing`), "the guest's kernel panicked", false},
	{lazyregexp.New(`^\(initramfs\)`), "the guest's boot stopped at the prompt of its initramfs", true},
	{lazyregexp.New(`^(You are in|Entering) emergency mode`), "the guest's boot ended in emergency mode", true},
}

// kernelTime matches the timestamp that the kernel writes before each line.
var kernelTime = lazyregexp.New(`^\[ *\d+\.\d+\] `)

// BootEnd returns why the boot that wrote these lines will never finish; nil when they don't show that.
func BootEnd(lines []string, sshAnswers bool) error {
	for _, line := range lines {
		line = strings.TrimPrefix(line, kernelTime.FindString(line))
		for _, end := range bootEnds {
			if end.line.MatchString(line) && !(end.noSSH && sshAnswers) {
				return fmt.Errorf("%s: %s", end.text, line)
			}
		}
	}
	return nil
}

// Console is a file to which a VM's console is written.
type Console struct {
	path string
	read int64 // up to the end of the last whole line
}

// Consoles returns those of the VM in an instance's directory.
func Consoles(dir string) []*Console {
	return []*Console{newConsole(filepath.Join(dir, "serial.log")), newConsole(filepath.Join(dir, "serialv.log"))}
}

// newConsole skips what the file holds already: it may be of an earlier start.
func newConsole(path string) *Console {
	c := &Console{path: path}
	if info, err := os.Stat(path); err == nil {
		c.read = info.Size()
	}
	return c
}

// Next returns the latest whole lines that were written since the last call, and the beginning of the line after them.
// None of them is empty.
func (c *Console) Next() (lines []string, rest string) {
	file, err := os.Open(c.path)
	if err != nil {
		return nil, ""
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, ""
	}
	if info.Size() < c.read { // it was truncated
		c.read = 0
	}
	from := max(c.read, info.Size()-consoleTail)
	text, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	if err != nil {
		return nil, ""
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole > 0 {
		c.read = from + int64(whole)
	}
	for line := range strings.SplitSeq(string(text[:whole]), "\n") {
		if line = strings.TrimSpace(plaintext.Line(line)); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, strings.TrimSpace(plaintext.Line(string(text[whole:])))
}
