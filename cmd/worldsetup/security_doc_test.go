package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/scenario"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// TestSecurityDocument: every attack in docs/security.md names tests, each of which is there: as DIRECTORY.FUNCTION, or
// as "row: NAME" of the scenario table. A row that is known to fail everywhere shows nothing.
func TestSecurityDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	attacks := 0
	tables := strings.Split(string(text), "| attack | what stops it | the test that shows it |\n| --- | --- | --- |\n")
	for _, table := range tables[1:] {
		for line := range strings.Lines(table) {
			cells := strings.Split(strings.Trim(line, "| \n"), " | ")
			if !strings.HasPrefix(line, "|") {
				break
			}
			if len(cells) != 3 {
				t.Errorf("%d cells: %s", len(cells), line)
				continue
			}
			attacks++
			tests := quoted.FindAllStringSubmatch(cells[2], -1)
			if len(tests) == 0 {
				t.Errorf("no test shows that it is stopped: %s", cells[0])
			}
			for _, test := range tests {
				wantTest(t, test[1])
			}
		}
	}
	if attacks < 40 {
		t.Errorf("%d attacks", attacks)
	}
}

// wantTest wants a test that the document names to be there.
func wantTest(t *testing.T, named string) {
	t.Helper()
	if name, ok := strings.CutPrefix(named, "row: "); ok {
		rows := scenario.All()
		at := slices.IndexFunc(rows, func(row scenario.Scenario) bool { return row.Name == name })
		if at < 0 || rows[at].Known != "" && len(rows[at].KnownOn) == 0 {
			t.Errorf("the scenario %q is not there, or known to fail", name)
		}
		return
	}
	directory, function, _ := strings.Cut(named, ".")
	declared := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(function) + `\(\w+ \*testing\.[TF]\)`)
	files, err := filepath.Glob(filepath.Join("../..", directory, "*_test.go"))
	isThere := slices.ContainsFunc(files, func(file string) bool {
		source, readErr := os.ReadFile(file)
		return readErr == nil && declared.Match(source)
	})
	if err != nil || function == "" || !isThere {
		t.Errorf("no test %s", named)
	}
}
