package finding

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
)

func TestAsError(t *testing.T) {
	cause := errors.New("no such file")
	known := &Error{Kind: KindBusy, What: "another run", Err: cause}
	if got := AsError(fmt.Errorf("wrapped: %w", known)); got != known || !errors.Is(got, cause) {
		t.Errorf("%+v", got)
	}
	if got := AsError(cause); got.Kind != KindInternal || got.Why != "no such file" || got.Next == "" ||
		!errors.Is(got, cause) {
		t.Errorf("%+v", got)
	}
	if AsError(nil) != nil {
		t.Error("nil is an error")
	}
}

func TestErrorJSON(t *testing.T) {
	problem := Error{Kind: KindPrerequisite, What: "w", Why: "y", Next: "n", Err: errors.New("hidden")}
	const want = `{"kind":"prerequisite","what":"w","why":"y","next":"n"}`
	if text, err := json.Marshal(problem); err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
	if problem.Error() != "w: y" || (&Error{What: "w"}).Error() != "w" {
		t.Errorf("%+v", problem)
	}
}
