package provision

import (
	"fmt"
	"strings"
	"testing"
)

// TestAgreedList: what later plans do to the list of a run.
func TestAgreedList(t *testing.T) {
	first := "vm-create vm-start group units packages vm-boot-wait marker"
	for name, test := range map[string]struct {
		done, plan string // of the list; IDs
		whole      bool
		want       string
	}{
		"the rest":            {"1 2", "group units packages vm-boot-wait marker", true, "3 4 5 6 7"},
		"some are not needed": {"1 2", "units vm-boot-wait marker", true, "4 6 7, without 3 5"},
		"one on top": {"1 2", "clock units packages vm-boot-wait marker", true,
			"+8 4 5 6 7, without 3"},
		"it is not seen yet, and waited for": {"1 2", "vm-boot-wait", false, "+8"},
		"it is not seen, and in turn":        {"1 2", "group", false, "3"},
		"another order":                      {"1 2", "units group packages", true, "4 +8 5, without 3 6 7"},
		"once more":                          {"1 2 3 4 5 6", "vm-stop vm-start group marker", true, "+8 +9 +10 7"},
		"nothing is left":                    {"1 2 3 4 5 6 7", "", true, ""},
	} {
		plan := func(ids string) (p Plan) {
			for _, id := range strings.Fields(ids) {
				p.Steps = append(p.Steps, newStep(StepID(id), "why"))
			}
			return p
		}
		var list agreedList
		agreedTo, _ := list.update(plan(first), false)
		for _, number := range strings.Fields(test.done) {
			step := list.begin(agreedTo.Steps[number[0]-'1'])
			list.end(step, StepDone)
		}
		now, skipped := list.update(plan(test.plan), test.whole)
		var have, without []string
		for _, step := range now.Steps {
			have = append(have, map[bool]string{true: "+"}[step.Added]+fmt.Sprint(step.Number))
		}
		for _, step := range skipped {
			without = append(without, fmt.Sprint(step.Number))
		}
		text := strings.Join(have, " ")
		if len(without) > 0 {
			text += ", without " + strings.Join(without, " ")
		}
		if text != test.want {
			t.Errorf("%s: %q, want %q", name, text, test.want)
		}
		if again, more := list.update(plan(test.plan), test.whole); len(more) > 0 ||
			fmt.Sprint(again.Steps) != fmt.Sprint(now.Steps) {
			t.Errorf("%s: the same plan once more is %v, without %v", name, again.Steps, more)
		}
	}
}

// TestDegradedDoesNotHold: what Lima could not do is named where a repair has no effect.
func TestDegradedDoesNotHold(t *testing.T) {
	step := newStep(StepStart, "nothing is mounted there")
	if why := doesNotHold("w", step, "no sshfs").Why; !strings.Contains(why, step.Reason) ||
		!strings.Contains(why, "degraded: no sshfs") {
		t.Errorf("got %q", why)
	}
	if why := doesNotHold("w", step, "").Why; why != step.Reason {
		t.Errorf("of a whole boot: %q", why)
	}
}
