package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// lines writes text line by line, with one write per line. It makes the output of tools and guests harmless.
type lines struct {
	to    io.Writer
	utf8  bool
	color bool
	words bool // in the place of marks, for programs that search for them
	width int  // of the terminal, at which text is wrapped; 0 for none
	demo  bool // it is about a simulation
}

func newLines(to io.Writer, utf8 bool) *lines { return &lines{to: to, utf8: utf8} }

// flow writes a line, wrapped at the terminal's width, with rest before what follows. Only at spaces: a hyphen at the
// end of a line would make two readings of a command or an address.
func (l *lines) flow(line, rest string) {
	for l.width > 0 && ansi.StringWidth(line) > l.width {
		end := l.lineEnd(line, len(rest))
		if end < 0 {
			break
		}
		l.write(line[:end])
		line = rest + strings.TrimLeft(line[end:], " ")
	}
	l.write(line)
}

// lineEnd returns where the first line of a long one ends: at the last space that fits, else at the first one.
func (l *lines) lineEnd(line string, indent int) (end int) {
	end = -1
	for at, r := range line {
		if r != ' ' || at < indent || strings.TrimSpace(line[:at]) == "" {
			continue
		}
		if end >= 0 && ansi.StringWidth(line[:at]) > l.width {
			break
		}
		end = at
	}
	return end
}

// write writes one line as it is. The writer keeps errors.
func (l *lines) write(line string) { _, _ = io.WriteString(l.to, strings.TrimRight(line, " ")+"\n") }

// printf writes one line; if an argument contains newlines, the lines after them are indented.
func (l *lines) printf(format string, args ...any) {
	l.put("", "      ", fmt.Sprintf(format, args...))
}

// put writes text with first before its first line and rest before the others, or nothing when text is empty.
func (l *lines) put(first, rest, text string) {
	prefix := first
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		l.flow(prefix+l.clean(strings.TrimRight(line, "\r\n")), rest)
		prefix = rest
	}
}

// clean makes a line harmless. Where the locale has ASCII only, other characters are escaped.
func (l *lines) clean(line string) string { return plaintext.Clean(line, l.utf8) }

// table shows rows in aligned columns, without the rows whose cells after the first are empty.
func table(to *lines, rows [][]string) {
	rows = slices.DeleteFunc(rows, func(row []string) bool { return strings.Join(row[1:], "") == "" })
	for _, line := range aligned(to, rows) {
		to.printf("  %s", line)
	}
}

// aligned returns rows as lines, their cells below each other, whatever characters they have.
func aligned(to *lines, rows [][]string) (texts []string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(oneLine(to, cell)))
		}
	}
	for _, row := range rows {
		text := ""
		for i, cell := range row {
			cell = oneLine(to, cell)
			text += cell + strings.Repeat(" ", widths[i]-ansi.StringWidth(cell)+2)
		}
		texts = append(texts, strings.TrimRight(text, " "))
	}
	return texts
}

// oneLine joins the lines of a cell.
func oneLine(to *lines, cell string) string {
	var parts []string
	for line := range strings.Lines(cell) {
		parts = append(parts, to.clean(strings.TrimSpace(line)))
	}
	return strings.Join(parts, "; ")
}
