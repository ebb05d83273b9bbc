//go:build e2e

package e2e

import "testing"

func testScenarios(t *testing.T, w *world) {}
