package provision_test

import (
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// TestAdviceNamesTheVM: what is typed as it stands is about the VM that the report is about.
func TestAdviceNamesTheVM(t *testing.T) {
	b := newBench(t)
	b.spec.VM = "dev"
	b.mustRun(t)
	vm := b.VM("dev")
	vm.Chmod(guest.SocketPath, 0o666)
	vm.Remove(layout.AgentV1.Agent())
	health, err := b.setup().Status(t.Context())
	wantKind(t, err, "unhealthy", "dev")
	advice := []string{}
	for _, item := range health.Items {
		advice = append(advice, item.Next)
	}
	count := 0
	for _, next := range advice {
		for _, part := range plaintext.Advice(next) {
			if strings.HasPrefix(part.Command, "worldsetup") {
				count++
				if !strings.Contains(part.Command, " --vm dev") {
					t.Errorf("%q is about another VM", part.Command)
				}
			}
		}
	}
	if count < 2 {
		t.Errorf("%d commands in %q", count, advice)
	}
}
