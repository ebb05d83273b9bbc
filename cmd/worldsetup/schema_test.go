package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/demo"
	"github.com/atomize-hq/worldsetup/provision"
)

const schemaFile = "../../docs/schema/events.schema.json"

// object is a JSON object whose keys are sorted when it is written.
type object = map[string]any

// schemaMaker makes the schemas of types, each under its name.
type schemaMaker struct {
	enums map[reflect.Type][]string
	defs  object
}

// of returns the schema of a value of a type. Readers have to ignore fields that they don't know: none is forbidden.
func (m *schemaMaker) of(typ reflect.Type) object {
	switch typ.Kind() {
	case reflect.Pointer:
		return m.of(typ.Elem())
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		if values := m.enums[typ]; len(values) > 0 {
			return object{"enum": values}
		}
		return object{"type": "string"}
	case reflect.Slice:
		return object{"type": "array", "items": m.of(typ.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": m.of(typ.Elem())}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Struct:
		if typ == reflect.TypeFor[time.Time]() {
			return object{"type": "string", "format": "date-time"}
		}
		return m.named(typ)
	case reflect.Interface:
		return object{}
	}
	return object{"type": "integer"}
}

// named returns a reference to the schema of a struct.
func (m *schemaMaker) named(typ reflect.Type) object {
	name := strings.ToLower(typ.Name()[:1]) + typ.Name()[1:]
	if typ == reflect.TypeFor[checks.Result]() {
		name = "check" // it shares its name with the result of a run
	}
	if _, known := m.defs[name]; !known {
		m.defs[name] = nil // for types in themselves
		properties, required := object{}, []string{}
		m.fields(typ, properties, &required)
		m.defs[name] = object{"type": "object", "properties": properties, "required": required}
	}
	return object{"$ref": "#/$defs/" + name}
}

func (m *schemaMaker) fields(typ reflect.Type, properties object, required *[]string) {
	for field := range typ.Fields() {
		name, flags, _ := strings.Cut(field.Tag.Get("json"), ",")
		embedded := field.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		switch {
		case name == "-":
		case field.Anonymous && name == "":
			m.fields(embedded, properties, required)
		case field.IsExported():
			properties[name] = m.of(field.Type)
			if name == "schema" {
				properties[name] = object{"const": provision.Schema}
			}
			if !strings.Contains(flags, "omit") {
				*required = append(*required, name)
			}
		}
	}
}

// documents are the objects that commands write, by the name of their schema.
func documents() map[string]reflect.Type {
	return map[string]reflect.Type{
		"planDocument": reflect.TypeFor[planObject](), "healthDocument": reflect.TypeFor[provision.Health](),
		"quickDocument":  reflect.TypeFor[provision.QuickStatus](),
		"worldsDocument": reflect.TypeFor[worldsObject](), "versionDocument": reflect.TypeFor[versionObject](),
		"bundleDocument": reflect.TypeFor[bundleObject](), "removedDocument": reflect.TypeFor[removedObject](),
		"checksDocument": reflect.TypeFor[struct {
			Schema int            `json:"schema"`
			Checks []checks.Check `json:"checks"` // see below
		}](),
		"initDocument": reflect.TypeFor[struct {
			Schema   int               `json:"schema"`
			Path     string            `json:"path"`
			Settings map[string]string `json:"settings"`
		}](),
		"trustDocument": reflect.TypeFor[struct {
			Schema int `json:"schema"`
			claim
		}](),
	}
}

// carries is which field each type of event has.
var carries = map[provision.EventType]string{
	provision.EventStarted: "message", provision.EventWaiting: "message", provision.EventCheck: "check",
	provision.EventPlan: "plan", provision.EventStep: "step", provision.EventLog: "step",
	provision.EventHeartbeat: "step", provision.EventProgress: "step", provision.EventHealth: "health",
	provision.EventFinished: "result",
}

// makeSchema makes the schema of all that is written with --json, from the code.
func makeSchema(t *testing.T) string {
	m := &schemaMaker{defs: object{}, enums: map[reflect.Type][]string{
		reflect.TypeFor[provision.EventType]():  constants(t, "event.go", "EventType"),
		reflect.TypeFor[provision.StepState]():  constants(t, "event.go", "StepState"),
		reflect.TypeFor[provision.Outcome]():    constants(t, "finding/finding.go", "Outcome"),
		reflect.TypeFor[provision.Kind]():       constants(t, "finding/finding.go", "Kind"),
		reflect.TypeFor[provision.StepID]():     stepIDs(),
		reflect.TypeFor[provision.Disruption](): constants(t, "plan.go", "Disruption"),
	}}
	event := m.named(reflect.TypeFor[provision.Event]())
	var rules []object
	for _, name := range constants(t, "event.go", "EventType") {
		rules = append(rules, object{
			"if":   object{"properties": object{"type": object{"const": name}}},
			"then": object{"required": []string{carries[provision.EventType(name)]}},
		})
	}
	m.defs["event"].(object)["allOf"] = rules
	var anyOf []object
	all := documents()
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range all {
			if !yield(name) {
				return
			}
		}
	}) {
		properties, required := object{}, []string{}
		if name == "checksDocument" {
			m.named(reflect.TypeFor[checks.Result]())
			listed := object{"type": "object", "required": []string{"id", "title"},
				"properties": object{"id": object{"type": "string"}, "title": object{"type": "string"}},
				"not":        object{"required": []string{"outcome"}}}
			properties = object{"schema": object{"const": provision.Schema}, "checks": object{"type": "array",
				"items": object{"anyOf": []object{{"$ref": "#/$defs/check"}, listed}}}}
			required = []string{"schema", "checks"}
		} else {
			m.fields(all[name], properties, &required)
		}
		m.defs[name] = object{"type": "object", "properties": properties, "required": required}
		anyOf = append(anyOf, object{"$ref": "#/$defs/" + name})
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "a line of worldsetup --json",
		"description": "An event, or the one object that a command writes. docs/events.md describes the fields. " +
			"Readers ignore fields and types of events that they don't know.",
		"type": "object",
		"if":   object{"required": []string{"seq"}},
		"then": event, "else": object{"anyOf": anyOf}, "$defs": m.defs,
	}); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// The file is made from the code: go test ./cmd/worldsetup -update
func TestSchemaFile(t *testing.T) { golden(t, schemaFile, makeSchema(t)) }

// schema is the file, compiled.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	return compiler.Compile(schemaFile)
})

// fitsSchema reports how a line that was written differs from the schema.
func fitsSchema(line []byte) error {
	compiled, err := schema()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

// fitSchema holds all JSON lines of an output against the schema.
func fitSchema(output string) error {
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, `{"schema":`) {
			if err := fitsSchema([]byte(line)); err != nil {
				return fmt.Errorf("%.300s: %w", line, err)
			}
		}
	}
	return nil
}

// All that runs, plans and reports of the demo's worlds write fits the schema. The scripts hold all output of theirs
// against it as well.
func TestSchemaFitsRealOutput(t *testing.T) {
	seen := map[string]bool{}
	for _, scenario := range demo.Scenarios {
		world, err := demo.New(scenario, 1e6)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		face := &jsonFace{out: &out}
		ctx := context.Background()
		plan, _ := world.Engine(provision.Setup{Spec: world.Spec()}).Plan(ctx)
		face.result(planObject{Schema: provision.Schema, Plan: plan, Settings: []value{}})
		_, _ = world.Engine(provision.Setup{Spec: world.Spec(), Events: face.show}).Run(ctx)
		health, _ := world.Engine(provision.Setup{Spec: world.Spec()}).Status(ctx)
		face.result(health)
		quick, _ := world.Engine(provision.Setup{Spec: world.Spec()}).Quick(ctx)
		face.result(quick)
		face.result(worldsObject{provision.Schema, []provision.Health{health}})
		world.Close()
		if err := fitSchema(out.String()); err != nil {
			t.Errorf("%s: %v", scenario.Name, err)
		}
		for _, match := range regexp.MustCompile(`"type":"([a-z]+)"`).FindAllStringSubmatch(out.String(), -1) {
			seen[match[1]] = true
		}
	}
	for _, kind := range []string{"started", "check", "plan", "step", "health", "finished"} {
		if !seen[kind] {
			t.Errorf("no %s was seen", kind)
		}
	}
	faces, err := filepath.Glob("testdata/faces/*.json.golden")
	if err != nil || len(faces) == 0 {
		t.Fatalf("%v, %v", faces, err)
	}
	for _, path := range faces {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := fitSchema(string(text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// The examples in the document fit as well, and what breaks a rule does not.
func TestSchemaRefuses(t *testing.T) {
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(eventsDocument(t), -1) {
		if err := fitSchema(block[1]); err != nil {
			t.Error(err)
		}
	}
	const fine = `{"schema":2,"seq":1,"time":"2026-03-14T09:26:53Z","type":"started","message":"x"}`
	if err := fitsSchema([]byte(fine)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"schema":2`, `"schema":1`}, {`"seq":1`, `"seq":"1"`}, {`"started"`, `"begun"`}, {`,"message":"x"`, ``},
		{`"2026-03-14T09:26:53Z"`, `"yesterday"`}, {`"message":"x"`, `"message":5`}, {`"started"`, `"finished"`},
		{`"seq":1,`, ``},
	} {
		broken := strings.Replace(fine, change[0], change[1], 1)
		if fitsSchema([]byte(broken)) == nil {
			t.Errorf("%s fits", broken)
		}
	}
}
