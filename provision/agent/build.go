package agent

import (
	"fmt"
	"strings"
)

// maxErrorLines bounds what is shown of a compiler's error; the log has all of it.
const maxErrorLines = 24

// BuildOutput finds the last error in what cargo prints, which is what a person needs first.
type BuildOutput struct {
	block   []string // the last error, as far as it was read
	open    bool     // it continues
	last    string   // line that was not empty
	omitted int      // lines of block
}

// Add reads a line.
func (b *BuildOutput) Add(line string) {
	// An error begins with the word and ends with an empty line. Cargo's own summaries at the end don't count, unless
	// there was no other error.
	begins := strings.HasPrefix(line, "error:") || strings.HasPrefix(line, "error[")
	summary := strings.HasPrefix(line, "error: could not compile") ||
		strings.HasPrefix(line, "error: aborting due to") ||
		strings.HasPrefix(line, "error: build failed")
	switch {
	case begins && (!summary || b.block == nil):
		b.block, b.open, b.omitted = []string{line}, true, 0
	case line == "Caused by:" && b.block != nil: // an empty line separates an error of cargo's own from its causes
		b.block, b.open = append(b.block, line), true
	case begins || strings.TrimSpace(line) == "" || strings.HasPrefix(line, "warning:"):
		b.open = false
	case b.open && len(b.block) < maxErrorLines:
		b.block = append(b.block, line)
	case b.open:
		b.omitted++
	}
	if strings.TrimSpace(line) != "" {
		b.last = line
	}
}

// LastError returns the last error; without one, the last line.
func (b *BuildOutput) LastError() string {
	if b.block == nil {
		return b.last
	}
	text := strings.Join(b.block, "\n")
	if b.omitted > 0 {
		text += fmt.Sprintf("\n(%d more lines of it are in the log)", b.omitted)
	}
	return text
}
