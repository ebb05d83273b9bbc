package scenario

import "testing"

// The table is what repairs are judged by: at least 45 kinds of damage, 35 of them on a real VM, most without a boot.
func TestTheTableIsLargeEnough(t *testing.T) {
	faults, real, still := 0, 0, 0
	for _, s := range All() {
		if len(s.Faults) == 0 || s.Options != (Options{}) || s.NoSimulation {
			continue
		}
		faults++
		if len(s.Sees) == 0 && s.Kind == "" && len(s.Want) > 0 && s.SimulationOnly == "" {
			t.Errorf("%s: nothing is said of what a report sees", s.Name)
		}
		if s.SimulationOnly == "" {
			real++
			if !s.Boots {
				still++
			}
		}
	}
	if faults < 45 || real < 35 || 2*still < real {
		t.Errorf("%d faults, %d on a real VM, %d of those without a boot", faults, real, still)
	}
	t.Logf("%d faults, %d on a real VM, %d of those without a boot", faults, real, still)
}
