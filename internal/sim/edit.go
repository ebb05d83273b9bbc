package sim

import (
	"context"
	"encoding/json"
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

// evaluate applies assignments of JSON constants, joined by " | ": all of the expression language that our client uses.
func evaluate(expression string, text []byte) ([]byte, error) {
	settings := map[string]any{}
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, fatal(err.Error())
	}
	for rest := expression; ; {
		match := assignment.FindStringSubmatch(rest)
		if match == nil {
			return nil, fmt.Errorf("sim: unexpected edit: %q", rest)
		}
		rest = rest[len(match[0]):]
		decoder := json.NewDecoder(strings.NewReader(rest))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("sim: unexpected value in an edit (%w): %q", err, rest)
		}
		assign(settings, strings.Split(match[1][1:], "."), plain(value))
		rest = rest[decoder.InputOffset():]
		if rest == "" {
			break
		}
		if !strings.HasPrefix(rest, " | ") {
			return nil, fmt.Errorf("sim: unexpected edit: %q", rest)
		}
		rest = rest[len(" | "):]
	}
	return yaml.MarshalWithOptions(settings, yaml.UseLiteralStyleIfMultiline(true))
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

// plain turns JSON's numbers into Go's, which YAML would write as text otherwise.
func plain(value any) any {
	switch value := value.(type) {
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		real, _ := value.Float64() // JSON has no others
		return real
	case []any:
		for i := range value {
			value[i] = plain(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = plain(value[key])
		}
	}
	return value
}
