package perf

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Page is docs/performance.md.
type Page struct {
	Machine  []string // facts about the machine, the versions and the run, a line each
	Sections []Section
	Results  []Result
}

// Section is a part of the page, with the results of one group.
type Section struct{ Group, Title, Text string }

const head = `# Performance

Made by ` + "`make bench`" + `; don't edit. Each row compares two things that took turns in one run on one machine.
Only the ratio of their medians is judged. Times are medians, with the lower and the upper quartile in brackets.

`

// Write writes the page.
func (p Page) Write(to io.Writer) error {
	var text strings.Builder
	text.WriteString(head)
	for _, fact := range p.Machine {
		fmt.Fprintf(&text, "- %s\n", fact)
	}
	for _, section := range p.Sections {
		p.section(&text, section)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func (p Page) section(text *strings.Builder, section Section) {
	begun := false
	for _, result := range p.Results {
		if result.Group != section.Group {
			continue
		}
		if !begun {
			fmt.Fprintf(text, "\n## %s\n\n%s\n\n", section.Title, section.Text)
			text.WriteString("| what | | against | | ratio | target | |\n| --- | --- | --- | --- | --- | --- | --- |\n")
			begun = true
		}
		fmt.Fprintf(text, "| %s |\n", strings.Join(result.Cells(), " | "))
	}
}

// Cells are the columns of a row of the page: what, value, against, value, ratio, target and judgement.
func (r Result) Cells() []string {
	target, sign := "–", "≤"
	if r.AtLeast {
		sign = "≥"
	}
	switch {
	case r.Target != 0 && r.Other == nil:
		target = sign + " " + value(r.Target, r.Unit)
	case r.Target != 0:
		target = fmt.Sprintf("%s %.4g ×", sign, r.Target)
	}
	if r.Err != nil {
		why := "not measured: " + firstLine(r.Err)
		if errors.Is(r.Err, ErrAbsent) {
			why = r.Err.Error()
		}
		return []string{r.What, "", r.Against, "", "", target, strings.ReplaceAll(why, "|", `\|`)}
	}
	ratio, judgement := "", ""
	if r.Other != nil {
		ratio = fmt.Sprintf("%.2f", r.Ratio())
	}
	switch {
	case r.Target == 0:
	case r.Missed():
		judgement = "**missed**"
	default:
		judgement = "met"
	}
	return []string{r.What, spread(r.Values, r.Unit), r.Against, spread(r.Others, r.Unit), ratio, target, judgement}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// spread shows the median, and the quartiles where there are enough values to tell.
func spread(values []float64, unit string) string {
	switch {
	case len(values) == 0:
		return ""
	case len(values) < 4:
		return value(quantile(values, 0.5), unit)
	}
	return fmt.Sprintf("%s (%s–%s)", value(quantile(values, 0.5), unit), value(quantile(values, 0.25), unit),
		value(quantile(values, 0.75), unit))
}

// value shows a number with its unit; times with the unit that suits them.
func value(number float64, unit string) string {
	switch {
	case unit != "" && unit != "s":
		return strings.TrimSpace(fmt.Sprintf("%.3g %s", number, unit))
	case number < 1:
		return fmt.Sprintf("%.3g ms", number*1e3)
	}
	return fmt.Sprintf("%.3g s", number)
}
