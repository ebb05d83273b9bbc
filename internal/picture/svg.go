// Package picture draws what a terminal shows as an SVG: one screen, or several that follow each other.
//
// The rules are: every cell has its place on a grid, whatever font the viewer has; nothing in a picture runs or is
// fetched; the same screens give the same bytes.
package picture

import (
	"fmt"
	"image/color"
	"io"
	"strings"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Screen is a grid of cells; a [vt.Emulator] is one.
type Screen interface {
	Width() int
	Height() int
	CellAt(x, y int) *uv.Cell
}

// Frame is one screen of an animation.
type Frame struct {
	Screen Screen
	For    time.Duration
}

// The grid and its frame, in pixels.
const (
	cellWidth, cellHeight = 8.4, 18.0
	fontSize              = 14.0
	margin, titleBar      = 12.0, 30.0
)

// The colours of a dark terminal.
const (
	background, foreground = "#16181d", "#d7dae0"
	bar, barText           = "#24272e", "#9aa0aa"
)

// basic are the sixteen colours that programs name by number.
var basic = [16]string{
	"#2a2d34", "#f07178", "#9ccc65", "#e6b450", "#61afef", "#c792ea", "#56c8d8", "#c8ccd4",
	"#7a818c", "#ff8b92", "#b5e07f", "#ffcb6b", "#82c4ff", "#ddb3f8", "#7fe3f0", "#ffffff",
}

// Write draws frames one after the other, for ever; a single one stands still. The title names the picture for those
// who do not see it.
func Write(to io.Writer, title string, frames ...Frame) error {
	w, h := frames[0].Screen.Width(), frames[0].Screen.Height()
	width, height := float64(w)*cellWidth+2*margin, float64(h)*cellHeight+titleBar+2*margin
	var out strings.Builder
	fmt.Fprintf(&out,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.1f %.1f" width="%.0f" height="%.0f" role="img" `+
			`aria-label="%s">`+"\n",
		width, height, width, height, escape(title))
	fmt.Fprintf(&out, "<title>%s</title>\n", escape(title))
	out.WriteString("<style>\ntext { font: " + fmt.Sprintf("%.0f", fontSize) +
		"px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre; }\n" +
		".b { font-weight: bold; }\n.d { opacity: .6; }\n.i { font-style: italic; }\n.u { text-decoration: " +
		"underline; }\n" + animation(frames) + "</style>\n")
	fmt.Fprintf(&out,
		`<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+
			`<path d="M0 %.0fV8a8 8 0 0 1 8-8h%.1fa8 8 0 0 1 8 8v%.0fz" fill="%s"/>`+"\n",
		background, titleBar, width-16, titleBar-8, bar)
	for i, fill := range []string{"#f07178", "#e6b450", "#9ccc65"} {
		fmt.Fprintf(&out, `<circle cx="%d" cy="15" r="5.5" fill="%s"/>`, 18+18*i, fill)
	}
	fmt.Fprintf(&out, `<text x="%.1f" y="20" text-anchor="middle" fill="%s">%s</text>`+"\n",
		width/2, barText, escape(title))
	for i, frame := range frames {
		hidden := ""
		if i+1 < len(frames) { // where style sheets don't count, the last one is seen, and not all of them at once
			hidden = ` visibility="hidden"`
		}
		fmt.Fprintf(&out, `<g class="f f%d"%s transform="translate(%.0f %.0f)" fill="%s">`+"\n", i, hidden, margin,
			titleBar+margin, foreground)
		for y := range h {
			row(&out, frame.Screen, y)
		}
		out.WriteString("</g>\n")
	}
	out.WriteString("</svg>\n")
	_, err := io.WriteString(to, out.String())
	return err
}

// animation is the style sheet that shows the frames one after the other. Those who ask for less motion see the last.
func animation(frames []Frame) string {
	if len(frames) == 1 {
		return ""
	}
	var all, at time.Duration
	for _, frame := range frames {
		all += frame.For
	}
	var out strings.Builder
	for i, frame := range frames {
		from, to := percent(at, all), percent(at+frame.For, all)
		fmt.Fprintf(&out,
			"@keyframes k%d { 0%%, %s { visibility: hidden } %s, %s { visibility: visible } %s, 100%% { visibility: "+
				"hidden } }\n",
			i, from, from, to, to)
		fmt.Fprintf(&out, ".f%d { animation: k%d %.1fs step-end infinite }\n", i, i, all.Seconds())
		at += frame.For
	}
	fmt.Fprintf(&out,
		"@media (prefers-reduced-motion) { .f { animation: none; visibility: hidden } .f%d { visibility: visible } }\n",
		len(frames)-1)
	return out.String()
}

func percent(part, all time.Duration) string {
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(all))
}

// row draws one row: a rectangle for each run of a background, and the runs of text of one style.
func row(out *strings.Builder, screen Screen, y int) {
	for x := 0; x < screen.Width(); {
		style := styleAt(screen, x, y)
		text, end := "", x
		for end < screen.Width() && styleAt(screen, end, y) == style {
			content, width := " ", 1
			if cell := screen.CellAt(end, y); cell != nil && cell.Content != "" {
				content, width = cell.Content, max(cell.Width, 1)
			}
			text += content
			end += width
		}
		if style.bg != "" {
			fmt.Fprintf(out, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" fill="%s"/>`, float64(x)*cellWidth,
				float64(y)*cellHeight, float64(end-x)*cellWidth, cellHeight, style.bg)
		}
		words(out, text, x, y, style)
		x = end
	}
	out.WriteString("\n")
}

// words draws a run of text from cell x on. Some viewers make one blank of several, and none of those at an end, so
// those are left out.
func words(out *strings.Builder, text string, x, y int, style style) {
	for text != "" {
		if text[0] == ' ' {
			x, text = x+1, text[1:]
			continue
		}
		word, rest, _ := strings.Cut(text, "  ")
		if shown := strings.TrimSuffix(word, " "); shown != "" {
			fmt.Fprintf(out, `<text x="%.1f" y="%.1f" textLength="%.1f"%s>%s</text>`, float64(x)*cellWidth,
				float64(y)*cellHeight+13,
				float64(ansi.StringWidth(shown))*cellWidth, style.attributes(), escape(shown))
		}
		x, text = x+ansi.StringWidth(word)+2, rest
	}
}

// style is how cells appear, in SVG's terms.
type style struct{ fg, bg, class string }

func styleAt(screen Screen, x, y int) style {
	cell := screen.CellAt(x, y)
	if cell == nil {
		return style{}
	}
	s := style{fg: name(cell.Style.Fg), bg: name(cell.Style.Bg)}
	if cell.Style.Attrs&uv.AttrReverse != 0 {
		s.fg, s.bg = or(s.bg, background), or(s.fg, foreground)
	}
	for _, attribute := range []struct {
		is    bool
		class string
	}{
		{cell.Style.Attrs&uv.AttrBold != 0, "b"}, {cell.Style.Attrs&uv.AttrFaint != 0, "d"},
		{cell.Style.Attrs&uv.AttrItalic != 0, "i"},
		{cell.Style.Underline != 0, "u"},
	} {
		if attribute.is {
			s.class = strings.TrimSpace(s.class + " " + attribute.class)
		}
	}
	return s
}

func (s style) attributes() (text string) {
	if s.fg != "" {
		text += fmt.Sprintf(` fill="%s"`, s.fg)
	}
	if s.class != "" {
		text += fmt.Sprintf(` class="%s"`, s.class)
	}
	return text
}

// name is a colour in SVG's terms; empty for the terminal's own.
func name(c color.Color) string {
	switch c := c.(type) {
	case nil:
		return ""
	case ansi.BasicColor:
		return basic[c]
	case ansi.IndexedColor:
		if c < 16 {
			return basic[c]
		}
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

func or(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
}
