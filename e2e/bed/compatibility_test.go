//go:build linux

package bed

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestCompatibilityDocument: the versions that docs/compatibility.md names as run in CI are those that the suite
// builds, and its table of guests has each of them, and each generation.
func TestCompatibilityDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	var inCI []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([0-9.]+) \| yes \| in CI: `).FindAllStringSubmatch(string(text), -1) {
		inCI = append(inCI, row[1])
	}
	if !slices.Equal(inCI, lima.TestedVersions()) {
		t.Errorf("it says that CI runs %q, and the suite builds %q", inCI, lima.TestedVersions())
	}
	for _, words := range []string{
		"older than " + lima.MinimumVersion.String(), "| guest | " + strings.Join(layout.Names(), " | ") + " |",
	} {
		if !strings.Contains(string(text), words) {
			t.Errorf("it doesn't hold %q", words)
		}
	}
	pattern := regexp.MustCompile(`(?m)^\| ([a-z-]+) \|((?: (?:[0-9., ]+|not played) \|)+)$`)
	rows := pattern.FindAllStringSubmatch(string(text), -1)
	var played, guests []string
	for _, row := range rows {
		guests = append(guests, row[1])
		cells := strings.Split(strings.Trim(row[2], "|"), "|")
		if len(cells) != len(layout.All) {
			t.Errorf("%s has %d cells, and there are %d generations", row[1], len(cells), len(layout.All))
		}
		for _, cell := range cells {
			if version := strings.TrimSpace(cell); version != "not played" {
				played = append(played, version)
			}
		}
	}
	slices.Sort(played)
	if played = slices.Compact(played); !slices.Equal(played, lima.TestedVersions()) {
		t.Errorf("guests are played with %q, and the suite builds %q", played, lima.TestedVersions())
	}
	if !slices.Equal(guests, Guests()) {
		t.Errorf("it has the guests %q, and there are %q", guests, Guests())
	}
}
