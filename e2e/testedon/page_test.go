package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/e2e/results"
	"github.com/atomize-hq/worldsetup/internal/scenario"
)

const recorded = `{"Rig":"trixie lima-2.1.4","When":"2026-01-02T03:04:05Z",` +
	`"Versions":{"OS":"Debian 13","systemd":"257"}}
{"Rig":"trixie lima-2.1.4","Scenario":"one","Passed":false}
{"Rig":"trixie lima-2.1.4","Scenario":"one","Passed":true}
{"Rig":"trixie lima-2.1.4","Scenario":"two","Passed":false,"Known":"issue 9: a | b"}
{"Rig":"trixie lima-2.1.4","Scenario":"three","Passed":true,"Known":"issue 9: a | b"}
{"Rig":"bookworm vm lima-2.1.4","When":"2026-01-02T05:00:00Z","Scenario":"one","Passed":true}
{"Rig":"bookworm vm lima-2.1.4","Scenario":"two","Passed":true}
{"Rig":"bookworm vm lima-2.1.4","Scenario":"clock","Passed":true}
{"Rig":"lima-2.2.0","Scenario":"list","Table":"Lima without a boot","Passed":true}
`

func tables() []table {
	return []table{
		{title: "First", scenarios: []scenario.Scenario{
			{Name: "one"}, {Name: "two"}, {Name: "three", BedOnly: "a year long"},
		}},
		{title: "Second", scenarios: []scenario.Scenario{
			{Name: "clock", VMOnly: "no clock of its own"}, {Name: "new"},
		}},
		{title: "Third", scenarios: []scenario.Scenario{{Name: "not played yet"}}},
	}
}

func TestPage(t *testing.T) {
	lines, err := results.Read(strings.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	text := newPage(lines, tables()).write()
	for _, want := range []string{
		"Played from 2026-01-02 03:04 to 2026-01-02 05:00 UTC.",
		"**No Mac was ever run.**",
		"| bookworm vm 2.1.4 | 3 | 0 | 0 |\n| trixie 2.1.4 | 1 | 1 | 1 |\n| Lima 2.2.0 | 1 | 0 | 0 |\n",
		"| trixie 2.1.4 | Debian 13 |  | 257 |  |  |  |  |\n",
		"both a real VM and the test bed: 2. Those that ended differently: 1.\n\n" +
			"- two: ok on bookworm vm 2.1.4, known on trixie 2.1.4\n",
		"### First\n\n| scenario | bookworm vm 2.1.4 | trixie 2.1.4 |\n| --- | --- | --- |\n" +
			"| one | ok | ok |\n| two | ok | known |\n| three | - | fail |\n",
		"### Second\n\n| scenario | bookworm vm 2.1.4 |\n| --- | --- |\n| clock | ok |\n| new |  |\n",
		"### Lima without a boot\n\n| scenario | Lima 2.2.0 |\n| --- | --- |\n| list | ok |\n",
		"- issue 9: a | b\n  - two (trixie 2.1.4)\n",
		"- Not on a real VM: a year long\n  - three\n- Not on the test bed: no clock of its own\n  - clock\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Third") {
		t.Errorf("it shows what was never played:\n%s", text)
	}
}

func TestAgreement(t *testing.T) {
	lines, err := results.Read(strings.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	for text, lines := range map[string][]results.Line{
		"both a real VM and the test bed: 0. Those that ended differently: 0.\n": lines[:5],
		"both a real VM and the test bed: 1. Those that ended differently: 0.\n": {lines[2], lines[5]},
	} {
		if page := newPage(lines, tables()).write(); !strings.Contains(page, text) {
			t.Errorf("no %q in the page:\n%s", text, page)
		}
	}
}

// TestAllTables: every table of scenarios has a title, and every scenario is in one.
func TestAllTables(t *testing.T) {
	tables, err := allTables(filepath.Join("..", "..", filepath.FromSlash(tableSource)))
	if err != nil {
		t.Fatal(err)
	}
	scenarios := 0
	for _, table := range tables {
		scenarios += len(table.scenarios)
	}
	if tables[0].title != "Unit" || scenarios != len(scenario.All()) {
		t.Errorf("the first table is %q, and they hold %d of %d scenarios", tables[0].title,
			scenarios, len(scenario.All()))
	}
	if title("unitFileScenarios") != "Unit file" {
		t.Errorf("got %q", title("unitFileScenarios"))
	}
}
