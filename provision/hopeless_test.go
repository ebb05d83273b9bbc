package provision_test

import (
	"slices"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
)

// TestWhatNoRealGuestIsBroughtInto: guests that stay broken after every start, or in ways that a real one can't be put
// back from. Each ends in a ready world, or in a failure that reports why.
func TestWhatNoRealGuestIsBroughtInto(t *testing.T) {
	condition := func(change func(*fake.Conditions)) func(*fake.VM) {
		return func(vm *fake.VM) { vm.Change(change) }
	}
	restart := []provision.StepID{provision.StepStop, provision.StepStart}
	for name, test := range map[string]struct {
		damage func(*fake.VM)
		steps  []provision.StepID
		kind   provision.Kind // empty: it ends ready
		words  string
	}{
		"no one gets in": {
			condition(func(c *fake.Conditions) { c.Dead = true }), restart,
			provision.KindUnhealthy, "--replace=substrate",
		},
		"sudo asks for a password after a boot as well": {
			condition(func(c *fake.Conditions) { c.NoSudo = true }), restart,
			provision.KindUnhealthy, "sudo asks the user",
		},
		"sudo asks for a password until a boot": {(*fake.VM).RemoveSudoRule, restart, "", ""},
		"no key and no open connection":         {(*fake.VM).RemoveKey, restart, "", ""},
		"linger can't be enabled": {
			func(vm *fake.VM) {
				vm.SetLinger(false)
				vm.Change(func(c *fake.Conditions) { c.NoLinger = true })
			},
			[]provision.StepID{provision.StepLinger}, provision.KindProvisioning, "loginctl enable-linger",
		},
		"boot script failed": {
			func(vm *fake.VM) {
				vm.RemoveGroup()
				vm.Change(func(c *fake.Conditions) { c.BootScriptFails = true })
				vm.KillDriver()
			},
			[]provision.StepID{provision.StepStart, provision.StepGroup, provision.StepConnection,
				provision.StepActivate}, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := replacing(t)
			b.spec.Replace = ""
			test.damage(b.VM("substrate"))
			err := b.run(t)
			if test.kind == "" && err != nil {
				t.Errorf("it failed: %v", err)
			} else if test.kind != "" {
				wantKind(t, err, test.kind, test.words)
			}
			steps := slices.DeleteFunc(b.steps(),
				func(id provision.StepID) bool { return id == provision.StepWaitForBoot })
			if !slices.Equal(steps, test.steps) {
				t.Errorf("the steps were %v, want %v", steps, test.steps)
			}
		})
	}
}
