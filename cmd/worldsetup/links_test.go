package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)#\s]*)(#[^)\s]*)?[^)]*\)`)
	code     = regexp.MustCompile("(?ms)^```.*?^```")
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noAnchor = regexp.MustCompile(`[^\pL\pN _-]`)
)

// anchors are those of a document's headings.
func anchors(text string) map[string]bool {
	found := map[string]bool{"": true}
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		title := regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(match[1], "$1")
		found["#"+strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(title), ""), " ", "-")] = true
	}
	return found
}

// Every link of a document that stays in the repository leads to something, and to a heading of it.
func TestLinksLeadSomewhere(t *testing.T) {
	var documents []string
	for _, pattern := range []string{
		"../../*.md", "../../docs/*.md", "../../docs/decisions/*.md", "../../deploy/*.md", "../../.github/*.md",
		"../../.github/*/*.md",
	} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, paths...)
	}
	if len(documents) < 20 {
		t.Fatalf("%d documents", len(documents))
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		text = code.ReplaceAll(text, nil)
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(match[1], "://") || match[1]+match[2] == "" {
				continue
			}
			target := document
			if match[1] != "" {
				target = filepath.Join(filepath.Dir(document), match[1])
			}
			info, err := os.Stat(target)
			if err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			if info.IsDir() || filepath.Ext(target) != ".md" {
				continue
			}
			if there, _ := os.ReadFile(target); !anchors(string(there))[match[2]] {
				t.Errorf("%s: %s has no heading %s", document, target, match[2])
			}
		}
	}
}

// The program in docs/library.md is the one that is compiled.
func TestLibraryDocument(t *testing.T) {
	document, err := os.ReadFile("../../docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("../../docs/examples/world/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(document), "```go\n"+string(program)+"```\n") {
		t.Error("docs/library.md has another program than docs/examples/world/main.go")
	}
}
