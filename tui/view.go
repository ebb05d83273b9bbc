package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

// View implements tea.Model.
func (m *model) View() tea.View {
	view := tea.NewView(m.screen())
	view.AltScreen = true
	view.WindowTitle = strings.TrimSpace(m.options.Banner + " worldsetup " + m.look.clean(m.facts.vm))
	view.ProgressBar = m.bar()
	view.Cursor = m.cursor()
	if m.options.Mouse {
		view.MouseMode = tea.MouseModeCellMotion
	}
	return view
}

// cursor is where somebody types; nil when nobody does, or that is out of sight.
func (m *model) cursor() *tea.Cursor {
	if _, is := m.front().(form); !is || tooSmall(m.width, m.height) {
		return nil
	}
	l := m.layout()
	t := m.paint(l)
	if t.cursor == nil {
		return nil
	}
	row := t.cursor.line - m.top(t, l)
	if row < 0 || row >= l.body {
		return nil
	}
	return tea.NewCursor(t.cursor.x+1, row+l.first())
}

// bar is the terminal's own progress bar.
func (m *model) bar() *tea.ProgressBar {
	f := &m.facts
	_, failed := m.page.(failurePage)
	switch {
	case failed:
		return tea.NewProgressBar(tea.ProgressBarError, 100)
	case f.doing.changes():
		return tea.NewProgressBar(tea.ProgressBarDefault, f.story.share(f.now))
	case f.doing != idle && f.doing != watching:
		return tea.NewProgressBar(tea.ProgressBarIndeterminate, 0)
	}
	return nil
}

func (m *model) screen() string {
	if m.width == 0 || m.height == 0 {
		return ""
	}
	if tooSmall(m.width, m.height) {
		return m.small()
	}
	l := m.layout()
	lines, position := m.seen(l)
	screen := []string{m.header(l)}
	if l.airy {
		screen = append(screen, "")
	}
	for _, line := range lines {
		screen = append(screen, " "+line)
	}
	if l.airy {
		screen = append(screen, "")
	}
	screen = append(screen, m.ruler(l, position))
	return strings.Join(append(screen, m.footer()...), "\n")
}

// small says that the terminal is too small, in as little as there is.
func (m *model) small() string {
	lines := strings.Split(ansi.Wrap(fmt.Sprintf("too small: %dx%d, and %dx%d is needed", m.width, m.height, minWidth, minHeight), m.width, ""), "\n")
	if m.options.Banner != "" {
		lines = append([]string{ansi.Truncate(m.look.clean(m.options.Banner), m.width, "")}, lines...)
	}
	return strings.Join(lines[:min(len(lines), m.height)], "\n")
}

func (m *model) layout() layout { return lay(m.width, m.height, len(m.footer())) }

// paint has the page in front write itself.
func (m *model) paint(l layout) *text {
	t := newText(m.look, l.text)
	m.front().body(&m.facts, t)
	return t
}

// seen are the lines of the page that fit, and which they are when not all do.
func (m *model) seen(l layout) (lines []string, position string) {
	if log, is := m.over.(logPage); is {
		t := newText(m.look, l.text)
		position = log.window(&m.facts, t, l.body)
		return visible(t.lines, 0, l.body), position
	}
	t := m.paint(l)
	offset := m.top(t, l)
	if len(t.lines) > l.body {
		position = fmt.Sprintf("%d-%d of %d", offset+1, min(offset+l.body, len(t.lines)), len(t.lines))
	}
	return visible(t.lines, offset, l.body), position
}

func (m *model) header(l layout) string {
	left := " "
	if m.options.Banner != "" {
		left += m.look.banner.Render(" "+m.look.clean(m.options.Banner)+" ") + " "
	}
	left += m.look.strong.Render("worldsetup") + " " + m.look.dot + " " + m.front().title()
	vm, state := "VM "+m.look.clean(m.facts.vm), m.state()
	if state != "" {
		vm += ": "
	}
	if ansi.StringWidth(left+vm+state)+3 > l.width {
		vm = "" // there is room for the one word that changes
	}
	return spread(left, vm+state+" ", l.width)
}

// state is how the world stands, in a word.
func (m *model) state() string {
	f := &m.facts
	switch {
	case f.stopping:
		return m.look.warn.Render("stopping")
	case f.doing.changes():
		return m.look.warn.Render("at work")
	case f.doing == watching && f.unsure != "":
		return m.look.warn.Render("looking")
	case f.doing == watching && f.ready:
		return m.look.good.Render("watched")
	case f.doing == watching:
		return m.look.bad.Render("not ready")
	case f.doing != idle:
		return m.look.warn.Render("looking")
	case f.removed:
		return m.look.good.Render("removed")
	case f.ready:
		return m.look.good.Render("ready")
	case f.failure != nil && f.failure.Kind == provision.KindInterrupted:
		return m.look.warn.Render("stopped")
	case f.failure != nil:
		return m.look.bad.Render("not ready")
	}
	return ""
}

// ruler parts the page from the keys, and tells of what is out of sight.
func (m *model) ruler(l layout, position string) string {
	if position == "" {
		return m.look.dim.Render(strings.Repeat(m.look.rule, l.width))
	}
	note := fmt.Sprintf(" %s/%s %s ", m.keys[up].Help().Key, m.keys[down].Help().Key, position)
	note = ansi.Truncate(note, l.width-4, "")
	rest := max(0, l.width-4-ansi.StringWidth(note))
	return m.look.dim.Render(strings.Repeat(m.look.rule, 4)) + m.look.strong.Render(note) + m.look.dim.Render(strings.Repeat(m.look.rule, rest))
}
