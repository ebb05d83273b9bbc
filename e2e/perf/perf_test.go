package perf

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// counted returns values in turn, and notes the order of the calls.
func counted(name string, order *[]string, values ...float64) Measure {
	i := 0
	return func() (float64, error) {
		*order = append(*order, name)
		i++
		return values[(i-1)%len(values)], nil
	}
}

func TestTheTwoTakeTurns(t *testing.T) {
	var order []string
	result := Run(Row{Ours: counted("a", &order, 100, 4), Other: counted("b", &order, 2), Turns: 3, Target: 2})
	if got := strings.Join(order, ""); got != "abbaabba" {
		t.Errorf("the order is %s", got)
	}
	if want := []float64{4, 100, 4}; !slices.Equal(result.Values, want) || len(result.Others) != 3 {
		t.Errorf("with the warm-up: %v, %v", result.Values, result.Others)
	}
	if result.Ratio() != 2 || result.Missed() {
		t.Errorf("ratio %v, missed %v", result.Ratio(), result.Missed())
	}
}

func TestJudged(t *testing.T) {
	for name, test := range map[string]struct {
		row    Row
		ours   float64
		missed bool
	}{
		"a ratio that is too large": {Row{Target: 1.5}, 3.2, true},
		"one that is as large":      {Row{Target: 1.5}, 3, false},
		"one that is too small":     {Row{Target: 12, AtLeast: true}, 1, true},
		"one that is large enough":  {Row{Target: 2, AtLeast: true}, 1, false},
		"no target":                 {Row{}, 99, false},
	} {
		var order []string
		test.row.Ours, test.row.Other = counted("a", &order, test.ours), counted("b", &order, 2)
		if got := Run(test.row).Missed(); got != test.missed {
			t.Errorf("%s: missed is %v", name, got)
		}
	}
	var order []string
	if !Run(Row{Ours: counted("a", &order, 41), Unit: "MB", Target: 40}).Missed() {
		t.Error("a value above its target is not missed")
	}
}

func TestWhatCannotBeMeasuredIsNoSuccess(t *testing.T) {
	broken := Run(Row{What: "x", Target: 1, Ours: func() (float64, error) { return 0, errors.New("no | way\nmore") }})
	if cells := broken.Cells(); cells[6] != `not measured: no \| way` || broken.Missed() {
		t.Errorf("%q", cells)
	}
	absent := Run(Row{What: "x", Ours: func() (float64, error) { return 0, ErrAbsent }})
	if cells := absent.Cells(); cells[6] != ErrAbsent.Error() {
		t.Errorf("%q", cells)
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{4, 1, 3, 2}
	for part, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 1: 4} {
		if got := quantile(values, part); got != want {
			t.Errorf("quantile %v is %v, want %v", part, got, want)
		}
	}
}

func TestPage(t *testing.T) {
	var order []string
	var text strings.Builder
	page := Page{
		Machine:  []string{"Linux"},
		Sections: []Section{{"a", "Commands", "On a healthy world."}, {"b", "Empty", "Nothing."}},
		Results: []Result{
			Run(Row{Group: "a", What: "status", Against: "ssh", Target: 1.5, Turns: 4,
				Ours: counted("a", &order, 0.5), Other: counted("b", &order, 0.25)}),
			Run(Row{Group: "a", What: "memory", Unit: "MB", Target: 40, Turns: 1, Ours: counted("a", &order, 30)}),
		},
	}
	if err := page.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"- Linux\n", "## Commands\n\nOn a healthy world.\n\n| what |",
		"| status | 500 ms (500 ms–500 ms) | ssh | 250 ms (250 ms–250 ms) | 2.00 | ≤ 1.5 × | **missed** |\n",
		"| memory | 30 MB |  |  |  | ≤ 40 MB | met |\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "Empty") {
		t.Error("a section without rows is shown")
	}
}
