package scenario

import "testing"

// The table is the standard for repairs: at least 150 kinds of damage, each with the items by which the report shows
// it.
func TestTheTableIsLargeEnough(t *testing.T) {
	faults := 0
	for _, s := range All() {
		if len(s.Faults) == 0 {
			continue
		}
		faults++
		if len(s.Sees) == 0 && s.Kind == "" && len(s.Want) > 0 && s.Options == (Options{}) {
			t.Errorf("%s: nothing is said of what a report sees", s.Name)
		}
	}
	if faults < 150 {
		t.Errorf("%d faults", faults)
	}
}
