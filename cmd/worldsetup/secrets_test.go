package main

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// plantedSecret is a secret in an address that was not escaped.
const (
	plantedSecret  = "S3cretPw"
	plantedAddress = `https://CORP\ada:x/` + plantedSecret + `@images.example/noble.img`
)

// plant puts text into each text in value: in all fields, behind pointers, and in slices and maps.
func plant(value reflect.Value, text string) {
	switch value.Kind() {
	case reflect.String:
		if value.Type() == reflect.TypeFor[string]() || value.String() == "" {
			value.SetString("see " + text + " there")
		}
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		plant(value.Elem(), text)
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		plant(value.Index(0), text)
		plant(value.Index(1), text)
	case reflect.Map:
		key, element := reflect.New(value.Type().Key()).Elem(), reflect.New(value.Type().Elem()).Elem()
		plant(key, text)
		plant(element, text)
		value.Set(reflect.MakeMap(value.Type()))
		value.SetMapIndex(key, element)
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Field(i).CanSet() {
				plant(value.Field(i), text)
			}
		}
	}
}

func planted[T any](change func(*T)) (object T) {
	plant(reflect.ValueOf(&object).Elem(), plantedAddress)
	if change != nil {
		change(&object)
	}
	return object
}

// TestNoSecretIsShown plants a secret in all that the faces show.
func TestNoSecretIsShown(t *testing.T) {
	var events []provision.Event
	for _, kind := range []provision.EventType{
		provision.EventStarted, provision.EventWaiting, provision.EventCheck, provision.EventPlan, provision.EventStep,
		provision.EventLog, provision.EventHeartbeat, provision.EventProgress, provision.EventHealth,
		provision.EventFinished,
	} {
		for _, outcome := range []provision.Outcome{provision.OK, provision.Failed, provision.Warning} {
			events = append(events, planted(func(event *provision.Event) {
				event.Type, event.Check.Outcome, event.Step.State = kind, outcome, provision.StepFailed
				for i := range event.Health.Items {
					event.Health.Items[i].Outcome, event.Health.Access[i].Outcome = outcome, outcome
				}
			}))
		}
	}
	var plain, json strings.Builder
	for _, face := range []face{newPlainFace(newLines(&plain, true)), &jsonFace{out: &json}} {
		for _, event := range events {
			face.show(event)
		}
	}
	to := newLines(&plain, false)
	failure := planted[provision.Error](nil)
	printError(to, &failure)
	showPlan(to, planted(func(plan *provision.Plan) { plan.Blocked = nil }), "")
	showPlan(to, planted(func(plan *provision.Plan) { plan.Blocked, plan.Steps = nil, nil }), "")
	showPlan(to, planted[provision.Plan](nil), "")
	showSources(to, planted[[]value](nil))
	showChange(to, planted(func(health *provision.Health) { health.Run = nil }))
	showChange(to, planted[provision.Health](nil))
	results := planted[[]checks.Result](nil)
	results[0].Outcome, results[1].Outcome = checks.Failed, checks.OK
	for _, all := range []bool{false, true} {
		showChecks(to, nil, results, all)
		showHealth(to, planted[provision.Health](nil), time.Now(), all)
	}
	(&jsonFace{out: &json}).result(checksObject{provision.Schema, results})
	(&jsonFace{out: &json}).fail(&failure)
	printError(to, provision.AsError(checkError(nil, results)))
	(&jsonFace{out: &json}).result(planted[planObject](nil))
	path, err := exportHealth(t.TempDir(), planted(func(health *provision.Health) { health.VM = "substrate" }))
	if err != nil {
		t.Fatal(err)
	}
	exported, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"lines": plain.String(), "JSON": json.String(), "file": string(exported)} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, plantedSecret) {
				t.Errorf("%s: %.300s", name, line)
			}
		}
		if !strings.Contains(text, "***@images.example") {
			t.Errorf("%s shows nothing of what was planted", name)
		}
	}
}
