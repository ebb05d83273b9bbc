//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkCreate measures a first setup against a bare `limactl start` of the very same profile, one after the other, and a
// rerun on the healthy world. The ratio should be 1.05 at most. Run it on an otherwise idle machine: make bench.
func BenchmarkCreate(b *testing.B) {
	var ours, bare, rerun time.Duration
	rounds := 0
	for b.Loop() {
		home, err := makeHome()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(home.destroy)
		timed := func(name string, args ...string) time.Duration {
			cmd := home.command(b.Context(), name, args...)
			begun := time.Now()
			if err := cmd.Run(); err != nil {
				b.Fatalf("%v: %v", cmd.Args, err)
			}
			return time.Since(begun)
		}
		setup := []string{"--non-interactive", "--json", "--agent", "builtin", "--profile", suite.image.Profile, home.userHome()}
		ours += timed(suite.binary, setup...)
		rerun += timed(suite.binary, setup...)
		profile, err := os.ReadFile(filepath.Join(string(home), vm, "lima.yaml"))
		if err != nil {
			b.Fatal(err)
		}
		timed(suite.host.Lima, "--tty=false", "delete", "--force", vm)
		same := filepath.Join(home.files(), "same.yaml")
		if err := os.WriteFile(same, profile, 0o644); err != nil {
			b.Fatal(err)
		}
		bare += timed(suite.host.Lima, "--tty=false", "start", "--name", "bare", same)
		timed(suite.host.Lima, "--tty=false", "delete", "--force", "bare")
		rounds++
	}
	n := float64(rounds)
	b.ReportMetric(ours.Seconds()/n, "s/setup")
	b.ReportMetric(bare.Seconds()/n, "s/bare-start")
	b.ReportMetric(ours.Seconds()/bare.Seconds(), "ratio")
	b.ReportMetric(rerun.Seconds()/n, "s/rerun")
	b.ReportMetric(0, "ns/op")
}
