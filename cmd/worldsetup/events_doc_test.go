package main

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

func eventsDocument(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The examples are what the JSON face would write, byte for byte, and every event type has one.
func TestEventsDocumentExamples(t *testing.T) {
	var seen []string
	for _, section := range strings.Split(eventsDocument(t), "\n## ")[1:] {
		title, rest, _ := strings.Cut(section, "\n")
		title = strings.Trim(title, "`")
		for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(rest, -1) {
			for line := range strings.Lines(block[1]) {
				var object any
				switch title {
				case "The plan on its own":
					object = &planObject{}
				case "The health report on its own":
					object = &provision.Health{}
				case "The quick status":
					object = &provision.QuickStatus{}
				default:
					object = &provision.Event{}
				}
				decoder := json.NewDecoder(strings.NewReader(line))
				decoder.DisallowUnknownFields()
				if err := decoder.Decode(object); err != nil {
					t.Errorf("%s: %v: %s", title, err, line)
				}
				var again strings.Builder
				(&jsonFace{out: &again}).write(object)
				if again.String() != line {
					t.Errorf("%s: the example\n%swould be\n%s", title, line, again.String())
				}
				if event, ok := object.(*provision.Event); ok &&
					(event.Schema != provision.Schema || string(event.Type) != title) {
					t.Errorf("%s: schema %d, type %s", title, event.Schema, event.Type)
				}
				seen = append(seen, title)
			}
		}
	}
	for _, name := range constants(t, "event.go", "EventType") {
		if !slices.Contains(seen, name) {
			t.Errorf("no example of %s", name)
		}
	}
}

// The document has every field and every value that scripts may compare.
func TestEventsDocumentIsComplete(t *testing.T) {
	words := fields(reflect.TypeFor[provision.Event](), map[reflect.Type]bool{})
	words = append(words, constants(t, "event.go", "StepState")...)
	words = append(words, stepIDs()...)
	words = append(words, constants(t, "internal/verify/verify.go", "Who")...)
	words = append(words, constants(t, "finding/finding.go", "Kind")...)
	words = append(words, constants(t, "finding/finding.go", "Outcome")...)
	text := eventsDocument(t)
	for _, word := range words {
		if !strings.Contains(text, "`"+word+"`") {
			t.Errorf("docs/events.md lacks `%s`", word)
		}
	}
}

// The README and the page for users of lima-warm.sh name no flag that is not there.
func TestReadmeFlags(t *testing.T) {
	known := []string{"json", "workdir", "unix-socket"} // the latter two are those of limactl and curl
	root := (&app{errors: &lines{}, getenv: os.Getenv}).rootCommand()
	for _, command := range append(root.Commands(), root) {
		command.InitDefaultHelpFlag()
		command.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
	}
	for _, document := range []string{"README.md", "docs/from-lima-warm.md"} {
		text, err := os.ReadFile("../../" + document)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`--([a-z][a-z-]+)`).FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(known, match[1]) {
				t.Errorf("%s names --%s", document, match[1])
			}
		}
	}
}

// The page for users of lima-warm.sh has each of its variables, with the flag that stands for it; its commands are
// there.
func TestFromLimaWarm(t *testing.T) {
	text, err := os.ReadFile("../../docs/from-lima-warm.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vm", "profile", "build-profile", "skip-guest-build", "netfilter"} {
		o := optionNamed(name)
		row := regexp.MustCompile("(?m)^\\| `" + o.env[len(o.env)-1] + "[^|]*\\|[^|]*`--" + name + "[ `].*$")
		if !row.Match(text) {
			t.Errorf("there is no row about %s and --%s", o.env[len(o.env)-1], name)
		}
	}
	root := (&app{errors: &lines{}, getenv: os.Getenv}).rootCommand()
	for _, match := range regexp.MustCompile("(?m)^[$] worldsetup ([a-z]+)").FindAllStringSubmatch(string(text), -1) {
		if command, _, err := root.Find([]string{match[1]}); err != nil || command == root {
			t.Errorf("it names the command %q: %v", match[1], err)
		}
	}
	for _, words := range []string{lima.KeptConfig, "`--worktree=self`", "exit code 2", layout.BrokerVariables[0]} {
		if !strings.Contains(string(text), words) {
			t.Errorf("it doesn't say %q", words)
		}
	}
}

// fields are the JSON names of a type's fields and of those of the types in it.
func fields(typ reflect.Type, seen map[reflect.Type]bool) (names []string) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || seen[typ] || typ.PkgPath() == "time" {
		return nil
	}
	seen[typ] = true
	for field := range typ.Fields() {
		field := field
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		names = append(names, name)
		names = append(names, fields(field.Type, seen)...)
	}
	return names
}

func stepIDs() (words []string) {
	for _, id := range provision.StepIDs() {
		words = append(words, string(id))
	}
	return words
}
