package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/results"
	"github.com/atomize-hq/worldsetup/internal/scenario"
)

// The ways in which a scenario ends.
const (
	passed = "ok"
	known  = "known" // it fails, and is known to
	failed = "fail"  // also when it passes and is marked as known to fail
	never  = "-"     // it isn't played there, for a reason that its row names
	absent = ""      // there is no result
)

// ends are those that are counted, in the order of the columns.
var ends = []string{passed, known, failed}

// page is what docs/tested-on.md shows.
type page struct {
	rigs     []string // in the order of the columns
	tables   []table
	results  map[cell]results.Line // the last of each
	rows     map[string]scenario.Scenario
	versions map[string]map[string]string
	first    time.Time
	last     time.Time
	mac      []executed // what of the code for Macs was executed; empty when it wasn't measured
}

// table is a part of the page.
type table struct {
	title     string
	scenarios []scenario.Scenario
	rows      []string // names of scenarios that are played with a real Lima
}

type cell struct{ rig, scenario string }

// newPage sorts results by the tables that the scenarios stand in. Of two results for the same the later one counts.
func newPage(lines []results.Line, tables []table) *page {
	p := &page{
		results: map[cell]results.Line{}, rows: map[string]scenario.Scenario{},
		versions: map[string]map[string]string{},
	}
	titles := map[string]string{}
	for _, t := range tables {
		for _, s := range t.scenarios {
			p.rows[s.Name], titles[s.Name] = s, t.title
			t.rows = append(t.rows, s.Name)
		}
		p.tables = append(p.tables, t)
	}
	rigs := map[string]bool{}
	for _, line := range lines {
		rigs[line.Rig] = true
		if !line.When.IsZero() {
			if p.first.IsZero() || line.When.Before(p.first) {
				p.first = line.When
			}
			if line.When.After(p.last) {
				p.last = line.When
			}
		}
		if line.Scenario == "" {
			p.versions[line.Rig] = line.Versions
			continue
		}
		p.results[cell{line.Rig, line.Scenario}] = line
		if _, there := titles[line.Scenario]; !there {
			titles[line.Scenario] = cmp.Or(line.Table, "Not in the table any more")
			p.add(titles[line.Scenario], line.Scenario)
		}
	}
	p.rigs = slices.SortedFunc(maps.Keys(rigs), func(a, b string) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a, b))
	})
	return p
}

func (p *page) add(title, scenario string) {
	at := slices.IndexFunc(p.tables, func(t table) bool { return t.title == title })
	if at < 0 {
		at = len(p.tables)
		p.tables = append(p.tables, table{title: title})
	}
	p.tables[at].rows = append(p.tables[at].rows, scenario)
}

// order puts real VMs before the test bed, and that before Lima without a guest.
func order(rig string) int {
	switch {
	case isVM(rig):
		return 0
	case strings.Contains(rig, " "):
		return 1
	}
	return 2
}

// isVM reports that a rig is a real VM, as in "bookworm vm lima-2.1.4".
func isVM(rig string) bool { return strings.Contains(rig, " vm ") }

// short is a rig's name for the head of a column: "bookworm vm 2.1.4".
func short(rig string) string {
	if version, alone := strings.CutPrefix(rig, "lima-"); alone {
		return "Lima " + version
	}
	return strings.Replace(rig, " lima-", " ", 1)
}

// end is how a scenario ended on a rig.
func (p *page) end(rig, name string) string {
	line, there := p.results[cell{rig, name}]
	switch {
	case there && line.Passed == (line.Known == ""):
		if line.Passed {
			return passed
		}
		return known
	case there:
		return failed
	case p.reason(rig, name) != "":
		return never
	}
	return absent
}

// reason is why a scenario isn't played on a rig; empty when it can be.
func (p *page) reason(rig, name string) string {
	s := p.rows[name]
	if isVM(rig) {
		return s.BedOnly
	}
	return s.VMOnly
}

// rigsOf are the rigs that have a result of the table.
func (p *page) rigsOf(t table) (rigs []string) {
	for _, rig := range p.rigs {
		if slices.ContainsFunc(t.rows, func(name string) bool { return slices.Contains(ends, p.end(rig, name)) }) {
			rigs = append(rigs, rig)
		}
	}
	return rigs
}

// disagreements are the scenarios that ended otherwise on a real VM than on a test bed, as "name: where and how".
func (p *page) disagreements() (both int, differ []string) {
	for _, t := range p.tables {
		for _, name := range t.rows {
			byKind := map[bool][]string{}
			var ways []string
			for _, rig := range p.rigs {
				if end := p.end(rig, name); slices.Contains(ends, end) {
					byKind[isVM(rig)] = append(byKind[isVM(rig)], end)
					ways = append(ways, fmt.Sprintf("%s on %s", end, short(rig)))
				}
			}
			if len(byKind[true]) == 0 || len(byKind[false]) == 0 {
				continue
			}
			both++
			all := slices.Concat(byKind[true], byKind[false])
			if slices.ContainsFunc(all, func(end string) bool { return end != all[0] }) {
				differ = append(differ, name+": "+strings.Join(ways, ", "))
			}
		}
	}
	return both, differ
}
