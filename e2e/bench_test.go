//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkCreate measures a first setup against a bare `limactl start` of the very same profile, and a rerun on the
// healthy world. The two take turns in going first, after a setup that does not count: the first VM in a while finds
// neither the image nor memory at hand, and takes a tenth longer. The ratio should be 1.05 at most. Run it on an
// otherwise idle machine: make bench.
func BenchmarkCreate(b *testing.B) {
	home, err := suite.rigs[0].makeHome()
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
	same := filepath.Join(home.files(), "same.yaml")
	setUp := func() (first, again time.Duration) {
		args := []string{"--non-interactive", "--json", "--agent", "builtin", "--profile",
			home.rig.profile, home.userHome()}
		first, again = timed(suite.binary, args...), timed(suite.binary, args...)
		profile, err := os.ReadFile(filepath.Join(home.dir, vm, "lima.yaml"))
		if err == nil {
			err = os.WriteFile(same, profile, 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
		timed(home.rig.host.Lima, "--tty=false", "unprotect", vm)
		timed(home.rig.host.Lima, "--tty=false", "delete", "--force", vm)
		return first, again
	}
	var ours, bare, rerun time.Duration
	countSetup := func() {
		first, again := setUp()
		ours, rerun = ours+first, rerun+again
	}
	countBare := func() {
		bare += timed(home.rig.host.Lima, "--tty=false", "start", "--name", "bare", same)
		timed(home.rig.host.Lima, "--tty=false", "delete", "--force", "bare")
	}
	setUp()
	turns := 0
	for b.Loop() {
		if turns++; turns%2 == 1 {
			countBare()
			countSetup()
		} else {
			countSetup()
			countBare()
		}
		b.Logf("after %d turns: setups took %v, bare starts %v", turns, ours, bare)
	}
	n := float64(turns)
	b.ReportMetric(ours.Seconds()/n, "s/setup")
	b.ReportMetric(bare.Seconds()/n, "s/bare-start")
	b.ReportMetric(ours.Seconds()/bare.Seconds(), "ratio")
	b.ReportMetric(rerun.Seconds()/n, "s/rerun")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkWatch measures what being watched costs a healthy guest: the processor time of the watcher in it.
func BenchmarkWatch(b *testing.B) {
	home, err := suite.rigs[0].makeHome()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(home.destroy)
	w := &world{limaHome: home, project: home.userHome()}
	w.setup(b, "--agent", "builtin").wantReady(b)
	cmd := w.command(b.Context(), suite.binary, "status", "--watch", "--json")
	output, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }()
	if !bufio.NewScanner(output).Scan() { // the first report: from here on it watches
		b.Fatal("the watch ended")
	}
	const spent = `awk '{ print $14 + $15 }' "/proc/$(pgrep -f 'my @points = @ARGV' | head -1)/stat"`
	ticks := func() (n float64) {
		if _, err := fmt.Sscan(w.root(b, spent), &n); err != nil {
			b.Fatal(err)
		}
		return n
	}
	before, begun := ticks(), time.Now()
	for b.Loop() {
		time.Sleep(20 * time.Second)
	}
	const tick = 10 // ms, the kernel's USER_HZ as /proc shows it on every system that Lima runs
	b.ReportMetric((ticks()-before)*tick/time.Since(begun).Minutes(), "guest-ms/min")
	b.ReportMetric(0, "ns/op")
}
