package lazyregexp

import "testing"

func TestABadOneFailsAtOnceInTests(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it did not panic")
		}
	}()
	New(`(`)
}

func TestCompiledAtFirstUse(t *testing.T) {
	inTest = false
	defer func() { inTest = true }()
	bad, good := New(`(`), New(`^a+$`)
	if !good.MatchString("aa") || good.MatchString("ab") || good.String() != `^a+$` {
		t.Error("it does not match what its text says")
	}
	defer func() {
		if recover() == nil {
			t.Error("a bad one did not panic when it was used")
		}
	}()
	bad.MatchString("a")
}
