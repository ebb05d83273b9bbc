// Package perf measures pairs of things side by side and writes a page about what came out.
//
// The rules are:
//   - The two of a pair take turns in one run: A, B, B, A, A, B… Only the ratio of their medians is judged, since
//     times depend on the machine and on what else it does.
//   - The first turn warms up caches and does not count.
//   - A row that misses its target is shown as missed, and one that could not be measured with the reason.
package perf

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Turns is how often each of a pair is measured, unless its row says otherwise.
const Turns = 10

// ErrAbsent is the error of a measurement of what the program doesn't have (yet).
var ErrAbsent = errors.New("to be measured: this build does not have it")

// Measure takes one measurement. It returns a value in the row's unit, and prepares and cleans up outside of that.
type Measure func() (float64, error)

// Row is what is measured, and against what.
type Row struct {
	Group   string
	What    string
	Against string // what Other measures, or a note about an absolute value
	Ours    Measure
	Other   Measure // nil: the value itself is judged
	Unit    string  // "s" when empty
	// Target is the largest ratio, or the largest value when there is no Other; 0 for none.
	Target float64
	// AtLeast turns Target around: the ratio must not be smaller. The ratio is then that of Other to Ours.
	AtLeast bool
	Turns   int  // Turns when 0
	Single  bool // no warm-up: for what takes minutes
}

// Result is what was measured of a row.
type Result struct {
	Row
	Values, Others []float64
	Err            error // the row could not be measured
}

// Run measures a row.
func Run(row Row) Result {
	result := Result{Row: row}
	turns := row.Turns
	if turns == 0 {
		turns = Turns
	}
	for turn := range turns + 1 {
		if turn == 0 && row.Single {
			continue
		}
		ours, other, err := pair(row, turn%2 == 0)
		if err != nil {
			result.Err = err
			return result
		}
		if turn == 0 {
			continue
		}
		result.Values = append(result.Values, ours)
		if row.Other != nil {
			result.Others = append(result.Others, other)
		}
	}
	return result
}

func pair(row Row, oursFirst bool) (ours, other float64, err error) {
	take := func(of Measure, value *float64) {
		if err == nil && of != nil {
			*value, err = of()
		}
	}
	if oursFirst {
		take(row.Ours, &ours)
	}
	take(row.Other, &other)
	if !oursFirst {
		take(row.Ours, &ours)
	}
	return ours, other, err
}

// Ratio is the ratio of the medians; 0 for a row without Other.
func (r Result) Ratio() float64 {
	switch {
	case len(r.Others) == 0:
		return 0
	case r.AtLeast:
		return quantile(r.Others, 0.5) / quantile(r.Values, 0.5)
	}
	return quantile(r.Values, 0.5) / quantile(r.Others, 0.5)
}

// Missed reports whether a row that was measured misses its target.
func (r Result) Missed() bool {
	if r.Err != nil || r.Target == 0 {
		return false
	}
	judged := r.Ratio()
	if r.Other == nil {
		judged = quantile(r.Values, 0.5)
	}
	if r.AtLeast {
		return judged < r.Target
	}
	return judged > r.Target
}

// quantile returns the value below which a part of the values lie, between neighbours in proportion (type 7 of Hyndman
// and Fan, Sample Quantiles in Statistical Packages, 1996).
func quantile(values []float64, part float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := part * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// Time makes a measurement of how long something takes.
func Time(do func() error) Measure {
	return func() (float64, error) {
		begun := time.Now()
		err := do()
		return time.Since(begun).Seconds(), err
	}
}

// After makes a measurement that something precedes each time, which does not count.
func After(before func() error, measure Measure) Measure {
	return func() (float64, error) {
		if err := before(); err != nil {
			return 0, fmt.Errorf("prepare: %w", err)
		}
		return measure()
	}
}
