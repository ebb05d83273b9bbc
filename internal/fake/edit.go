package fake

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

func (w *World) edit(_ context.Context, c *console, words []string) error {
	expression, name := words[0], words[1]
	w.mu.Lock()
	defer w.mu.Unlock()
	vm := w.vms[name]
	if vm == nil {
		return fatalf("instance `%s` not found", name)
	}
	if vm.running() {
		return fatal("cannot edit a running instance")
	}
	before, err := os.ReadFile(vm.file("lima.yaml"))
	if err != nil {
		return fatal(err.Error())
	}
	after, err := evaluate(expression, before)
	if err != nil {
		return err
	}
	if _, err := w.load(c, vm.file("lima.yaml"), vm.dir, after); err != nil {
		return err
	}
	if err := os.WriteFile(vm.file("lima.yaml"), after, 0o644); err != nil {
		return fatal(err.Error())
	}
	c.info("Instance `%s` configuration edited", name)
	return nil
}

var assignment = regexp.MustCompile(`^((?:\.[A-Za-z0-9]+)+) = `)

// evaluate applies assignments of constants, joined by " | ": all of the expression language that a client of ours
// uses.
func evaluate(expression string, text []byte) ([]byte, error) {
	settings := map[string]any{}
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, fatal(err.Error())
	}
	for rest := expression; ; rest = rest[len(" | "):] {
		match := assignment.FindStringSubmatch(rest)
		if match == nil {
			return nil, fmt.Errorf("fake: unexpected edit: %q", rest)
		}
		value, after, err := constant(rest[len(match[0]):])
		if err != nil {
			return nil, err
		}
		assign(settings, strings.Split(match[1][1:], "."), value)
		if rest = after; rest == "" {
			return yaml.MarshalWithOptions(settings, yaml.UseLiteralStyleIfMultiline(true))
		}
		if !strings.HasPrefix(rest, " | ") {
			return nil, fmt.Errorf("fake: unexpected edit: %q", rest)
		}
	}
}

func assign(settings map[string]any, path []string, value any) {
	for len(path) > 1 {
		inner, ok := settings[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			settings[path[0]] = inner
		}
		settings, path = inner, path[1:]
	}
	settings[path[0]] = value
}
