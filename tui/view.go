package tui

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// View implements tea.Model.
func (m *model) View() tea.View {
	view := tea.NewView(m.screen())
	view.AltScreen = true
	view.WindowTitle = strings.TrimSpace(m.options.Banner + " worldsetup " + m.theme.clean(m.options.VM))
	view.ProgressBar = m.progressBar()
	view.Cursor = m.cursor()
	view.ReportFocus = true
	if m.mouse {
		view.MouseMode = tea.MouseModeCellMotion
	}
	return view
}

// cursor is where a person types; nil without a field, or when that is out of sight.
func (m *model) cursor() *tea.Cursor {
	if _, ok := m.front().(form); !ok || tooSmall(m.width, m.height) {
		return nil
	}
	l := m.layout()
	v, t := m.viewport(l), l.page
	if t.cursor == nil {
		return nil
	}
	row := t.cursor.Y - v.YOffset()
	if row < 0 || row >= l.body {
		return nil
	}
	return tea.NewCursor(t.cursor.X+1, row+1+l.margin)
}

// progressBar is the terminal's own progress bar.
func (m *model) progressBar() *tea.ProgressBar {
	f := &m.facts
	_, failed := m.page.(failurePage)
	switch {
	case failed:
		return tea.NewProgressBar(tea.ProgressBarError, 100)
	case f.call.changes():
		return tea.NewProgressBar(tea.ProgressBarDefault, f.progress.Percent(f.now))
	case f.call != idle && f.call != watching:
		return tea.NewProgressBar(tea.ProgressBarIndeterminate, 0)
	}
	return nil
}

// The smallest screen on which everything can be reached, and the widest text that reads well.
const (
	minWidth, minHeight = 40, 12
	maxText             = 160
)

func tooSmall(width, height int) bool { return width < minWidth || height < minHeight }

// layout is how a screen is divided, with the page that is written for it.
type layout struct {
	width  int
	text   int // the width of the page's text
	body   int // the height of the page
	margin int // free lines above and below the page, unless it needs them
	page   *text
}

func (m *model) layout() layout {
	l := layout{width: m.width, text: min(m.width-2, maxText)}
	most := m.height - 2 - len(m.footer()) // the header and the rule above the footer
	if m.height >= 16 {
		l.margin = 1
	}
	l.body = most - 2*l.margin
	l.page = m.write(l, 0)
	for fold := 0; len(l.page.lines) > l.body && fold <= m.mostFolds(); fold++ {
		l.margin, l.body = 0, most
		l.page = m.write(l, fold)
	}
	return l
}

// mostFolds is how far a page may be folded that is longer than the screen; see [text].
func (m *model) mostFolds() int {
	if m.facts.unfolded {
		return 0
	}
	return 2
}

// write has the page in front write itself.
func (m *model) write(l layout, fold int) *text {
	t := newText(m.theme, l.text, l.body)
	t.fold = fold
	if teller, ok := m.front().(teller); ok {
		t.copies = teller.command(&m.facts)
	}
	m.front().body(&m.facts, t)
	return t
}

func (m *model) screen() string {
	if m.width == 0 || m.height == 0 {
		return ""
	}
	if tooSmall(m.width, m.height) {
		return m.tooSmallScreen()
	}
	l := m.layout()
	lines, position := m.body(l)
	margin := make([]string, l.margin)
	screen := append([]string{m.header(l)}, margin...)
	for _, line := range lines {
		screen = append(screen, " "+line)
	}
	screen = append(append(screen, margin...), m.rule(l, position, m.note()))
	return strings.Join(append(screen, m.footer()...), "\n")
}

// tooSmallScreen shows that the terminal is too small, in as little as there is.
func (m *model) tooSmallScreen() string {
	words := fmt.Sprintf("too small: %dx%d, and %dx%d is needed", m.width, m.height, minWidth, minHeight)
	lines := strings.Split(ansi.Wrap(words, m.width, ""), "\n")
	if m.options.Banner != "" {
		lines = append([]string{ansi.Truncate(m.theme.clean(m.options.Banner), m.width, "")}, lines...)
	}
	return strings.Join(lines[:min(len(lines), m.height)], "\n")
}

// viewport scrolls the page in front to where a person scrolled, or such that the focus is visible.
func (m *model) viewport(l layout) viewport.Model {
	v := viewport.New(viewport.WithWidth(l.text), viewport.WithHeight(l.body))
	v.SetContentLines(l.page.lines)
	if m.scrolled || l.page.focus < 0 {
		v.SetYOffset(m.offset)
	} else {
		v.SetYOffset(l.page.focus + 3 - l.body) // what comes next is worth two lines
	}
	return v
}

// body are the lines of the page that fit, and which they are when not all do.
func (m *model) body(l layout) (lines []string, position string) {
	if page, ok := m.over.(logPage); ok {
		return page.visible(&m.facts.log, m.theme, l)
	}
	v := m.viewport(l)
	if n := len(l.page.lines); n > l.body {
		position = fmt.Sprintf("%d-%d of %d", v.YOffset()+1, min(v.YOffset()+l.body, n), n)
	}
	return strings.Split(v.View(), "\n"), position
}

// note are the words of the page in front beside its keys.
func (m *model) note() string {
	if page, ok := m.front().(noter); ok {
		return page.note(&m.facts)
	}
	return ""
}

// rule divides the page from the keys, and shows which lines of the page are visible, and the page's words.
func (m *model) rule(l layout, position, note string) string {
	line := func(n int) string { return m.theme.dim.Render(strings.Repeat(m.theme.rule, max(0, n))) }
	left, right := "", ""
	if position != "" {
		const before = 4
		words := fmt.Sprintf(" %s/%s %s ", m.theme.keyName(keyUp), m.theme.keyName(keyDown), position)
		left = line(before) + m.theme.strong.Render(ansi.Truncate(words, l.width-before, ""))
	}
	if note != "" {
		right = " " + note + " " + line(2)
	}
	gap := l.width - ansi.StringWidth(left+right)
	if gap < 0 {
		return left + line(l.width-ansi.StringWidth(left))
	}
	return left + line(gap) + right
}

// place is where an offer stands in the footer.
type place struct {
	offer
	item    string
	x, line int
}

// footer returns the lines of keys.
func (m *model) footer() (lines []string) {
	for _, place := range m.places() {
		for len(lines) <= place.line {
			lines = append(lines, "")
		}
		lines[place.line] += strings.Repeat(" ", place.x-ansi.StringWidth(lines[place.line])) + place.item
	}
	return lines
}

// places are the offers of the footer, in at most two lines. Where there is no space for all of them, help stays: it
// has the rest.
func (m *model) places() []place {
	_, asks := m.over.(question)
	offers := slices.DeleteFunc(slices.Clone(m.offers()), func(o offer) bool {
		// Which are known everywhere, or named beside what they are for.
		return o.is(keySuspend) || o.is(keyMouse) || o.is(keyDetails) || o.is(keyCopy) && !asks || o.is(keyStop) &&
			m.facts.call == idle
	})
	for {
		places := m.arrange(offers)
		if len(places) == 0 || places[len(places)-1].line < 2 {
			return places
		}
		last := len(offers) - 1
		if offers[last].is(keyHelp) {
			last--
		}
		offers = slices.Delete(offers, last, last+1)
	}
}

// arrange puts offers side by side, two spaces between them, into as many lines as it takes.
func (m *model) arrange(offers []offer) (places []place) {
	x, line := 1, 0
	for _, offer := range offers {
		item := m.theme.accent.Render(m.theme.keyName(offer.key)) + " " + offer.words
		width := ansi.StringWidth(item)
		if x > 1 && x+width > m.width-1 {
			x, line = 1, line+1
		}
		places = append(places, place{offer, item, x, line})
		x += width + 2
	}
	return places
}
