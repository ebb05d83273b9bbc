package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// The smallest screen that everything can be reached on, and the widest text that reads well.
const (
	minWidth, minHeight = 40, 12
	maxText             = 120
)

// layout is how a screen is divided. It depends on nothing but the size and the footer's height.
type layout struct {
	width, height int
	text          int // the width of the page's text
	body          int // the height of the page
	airy          bool
}

func lay(width, height, footer int) layout {
	l := layout{width: width, height: height, text: min(width-2, maxText), airy: height >= 16}
	l.body = height - 2 - footer // the header and the rule above the footer
	if l.airy {
		l.body -= 2 // a line below the header and one above the rule
	}
	return l
}

// first is the screen's line on which the page begins.
func (l layout) first() int {
	if l.airy {
		return 2
	}
	return 1
}

func tooSmall(width, height int) bool { return width < minWidth || height < minHeight }

// spread puts two texts at the two ends of a line, the second only where there is room.
func spread(left, right string, width int) string {
	gap := width - ansi.StringWidth(left) - ansi.StringWidth(right)
	if gap < 2 {
		return ansi.Truncate(left, width, "")
	}
	return left + strings.Repeat(" ", gap) + right
}

// visible are the height lines from offset on, filled up with empty ones.
func visible(lines []string, offset, height int) []string {
	offset = max(0, min(offset, len(lines)-height))
	seen := append([]string{}, lines[offset:min(len(lines), offset+height)]...)
	for len(seen) < height {
		seen = append(seen, "")
	}
	return seen
}
