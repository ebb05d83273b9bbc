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
	var listed, real []string
	rows := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([^|]+) \\|")
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, row[1]+": "+row[2])
	}
	for _, check := range List(Target{}) {
		real = append(real, fmt.Sprintf("%s: %s", check.ID, check.Title))
	}
	if !slices.Equal(listed, real) {
		t.Errorf("docs/checks.md lists\n%q\nand there are\n%q", listed, real)
	}
}
