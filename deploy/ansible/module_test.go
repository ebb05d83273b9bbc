// Package ansible has the tests of the Ansible role; there is no code of Go in it.
package ansible

import (
	"os/exec"
	"testing"
)

// TestModule runs the tests of the module's logic.
func TestModule(t *testing.T) {
	if out, err := exec.Command("python3", "tests/test_module.py").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
