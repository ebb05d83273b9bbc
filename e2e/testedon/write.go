package main

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// limits is the part of the page that no results change.
//
//go:embed limits.md
var limits string

// programs are those whose versions are shown, in the order of the columns.
var programs = []string{"OS", "kernel", "systemd", "sudo", "OpenSSH", "coreutils", "cloud-init"}

// write writes the page.
func (p *page) write() string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("# What worldsetup was tested on")
	line("")
	line("Made by `make tested-on` from what `make bed` and `make e2e` recorded. Don't edit it: change e2e/testedon.")
	line("")
	if !p.last.IsZero() {
		line("Played from %s to %s.", p.first.Format("2006-01-02 15:04"), p.last.Format("2006-01-02 15:04 MST"))
		line("")
	}
	out.WriteString(limits)
	line("")
	writeSystemCalls(line)
	writeMacCode(line, p.mac)
	p.writeRigs(line)
	p.writeAgreement(line)
	line("## Scenarios")
	line("")
	line("`%s` passes. `%s` fails, and is marked with the reason below. `%s` fails, or passes", passed, known, failed)
	line("against its mark. `%s` isn't played there, for the reason below. An empty cell has no result:", never)
	line("CI plays each scenario on one guest, and the basic ones on two in turn.")
	for _, t := range p.tables {
		p.writeTable(line, t)
	}
	p.writeKnown(line)
	p.writeNever(line)
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// writeRigs writes what each rig consists of, and how many scenarios ended how.
func (p *page) writeRigs(line func(string, ...any)) {
	line("## Rigs")
	line("")
	row(line, append([]string{"rig"}, ends...))
	row(line, rule(1+len(ends)))
	for _, rig := range p.rigs {
		counts := map[string]int{}
		for _, t := range p.tables {
			for _, name := range t.rows {
				counts[p.end(rig, name)]++
			}
		}
		cells := []string{short(rig)}
		for _, end := range ends {
			cells = append(cells, fmt.Sprint(counts[end]))
		}
		row(line, cells)
	}
	line("")
	if len(p.versions) == 0 {
		return
	}
	row(line, append([]string{"rig"}, programs...))
	row(line, rule(1+len(programs)))
	for _, rig := range p.rigs {
		if versions := p.versions[rig]; versions != nil {
			cells := []string{short(rig)}
			for _, program := range programs {
				cells = append(cells, versions[program])
			}
			row(line, cells)
		}
	}
	line("")
}

func (p *page) writeAgreement(line func(string, ...any)) {
	line("## Agreement")
	line("")
	both, differ := p.disagreements()
	line("Scenarios played on both a real VM and the test bed: %d. Those that ended differently: %d.", both,
		len(differ))
	if len(differ) > 0 {
		line("")
		for _, text := range differ {
			line("- %s", text)
		}
	}
	line("")
}

func (p *page) writeTable(line func(string, ...any), t table) {
	rigs := p.rigsOf(t)
	if len(rigs) == 0 {
		return
	}
	line("")
	line("### %s", t.title)
	line("")
	cells := []string{"scenario"}
	for _, rig := range rigs {
		cells = append(cells, short(rig))
	}
	row(line, cells)
	row(line, rule(len(cells)))
	for _, name := range t.rows {
		cells := []string{name}
		for _, rig := range rigs {
			cells = append(cells, p.end(rig, name))
		}
		row(line, cells)
	}
}

// writeKnown lists the known failures, by reason.
func (p *page) writeKnown(line func(string, ...any)) {
	byReason := map[string][]string{}
	for _, t := range p.tables {
		for _, name := range t.rows {
			where := map[string][]string{}
			for _, rig := range p.rigs {
				if p.end(rig, name) == known {
					reason := p.results[cell{rig, name}].Known
					where[reason] = append(where[reason], short(rig))
				}
			}
			for reason, rigs := range where {
				byReason[reason] = append(byReason[reason], fmt.Sprintf("%s (%s)", name, strings.Join(rigs, ", ")))
			}
		}
	}
	const text = "The scenario names the right outcome. One that passes fails the suite."
	p.writeReasons(line, "Known to fail", text, byReason)
}

// writeNever lists what isn't played somewhere, by reason.
func (p *page) writeNever(line func(string, ...any)) {
	byReason := map[string][]string{}
	for name, s := range p.rows {
		for where, reason := range map[string]string{
			"the test bed": s.VMOnly, "a real VM": s.BedOnly,
		} {
			if reason != "" {
				key := "Not on " + where + ": " + reason
				byReason[key] = append(byReason[key], name)
			}
		}
	}
	const text = "The short suite of a real VM (`make e2e`) plays a few scenarios only."
	p.writeReasons(line, "Not played", text, byReason)
}

func (p *page) writeReasons(line func(string, ...any), title, text string, byReason map[string][]string) {
	if len(byReason) == 0 {
		return
	}
	line("")
	line("## %s", title)
	line("")
	line("%s", text)
	line("")
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		names := byReason[reason]
		slices.Sort(names)
		line("- %s", reason)
		for _, name := range names {
			line("  - %s", name)
		}
	}
}

func row(line func(string, ...any), cells []string) {
	var escaped []string
	for _, text := range cells {
		escaped = append(escaped, strings.ReplaceAll(text, "|", `\|`))
	}
	line("%s", "| "+strings.Join(escaped, " | ")+" |")
}

func rule(columns int) []string { return slices.Repeat([]string{"---"}, columns) }
