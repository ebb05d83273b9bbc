package checks

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"
)

// docs/checks.md lists the checks as they are, in their order.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	var told, real []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(text), -1) {
		told = append(told, row[1]+": "+row[2])
	}
	for _, check := range List(Target{}) {
		real = append(real, fmt.Sprintf("%s: %s", check.ID, check.Title))
	}
	if !slices.Equal(told, real) {
		t.Errorf("docs/checks.md tells of\n%q\nand there are\n%q", told, real)
	}
}
