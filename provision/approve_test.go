package provision_test

import (
	"context"
	"errors"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

func TestApprove(t *testing.T) {
	b := newBench(t)
	refused := errors.New("not today")
	setup := b.setup()
	setup.Approve = func(_ context.Context, plan provision.Plan) error {
		if len(plan.Steps) == 0 || plan.Steps[0].ID != provision.StepCreate {
			t.Errorf("asked about %+v", plan)
		}
		return refused
	}
	if _, err := setup.Run(t.Context()); !errors.Is(err, refused) || len(b.steps()) > 0 || b.VM(provision.DefaultVM) != nil {
		t.Errorf("%v, and the steps were %v", err, b.steps())
	}
	asked := 0
	setup = b.setup()
	setup.Approve = func(context.Context, provision.Plan) error { asked++; return nil }
	for range 2 { // the second time there is nothing to approve of
		if _, err := setup.Run(t.Context()); err != nil || asked != 1 {
			t.Errorf("asked %d times: %v", asked, err)
		}
	}
}
