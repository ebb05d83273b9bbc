package tui

import (
	"bytes"
	"context"
	"io"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/atomize-hq/worldsetup/provision"
)

// flood is an engine that emits 50,000 lines a second until it is stopped.
type flood struct {
	Engine
	emit func(provision.Event)
}

func (flood) Plan(context.Context) (provision.Plan, error) {
	return provision.Plan{VM: "substrate", Steps: []provision.Step{{ID: provision.StepStart, Title: "start the VM"}}},
		nil
}

func (f flood) Run(ctx context.Context) (provision.Health, error) {
	line := logged("[   12.345678] systemd[1]: Started a unit with a name of the usual length, and some words more.")
	for ctx.Err() == nil {
		for range 500 {
			f.emit(line)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return provision.Health{}, ctx.Err()
}

// BenchmarkKeyToFrame types into the search of the log of a flooded wizard, on a real terminal, and waits for what was
// typed to be drawn. p99-ms/key should be 25 at most, and cores a quarter; the latter counts the flood and this
// program's own reading as well.
//
//	make bench-tui
func BenchmarkKeyToFrame(b *testing.B) {
	screen, terminal, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer screen.Close()
	defer terminal.Close()
	if err := pty.Setsize(screen, &pty.Winsize{Rows: 40, Cols: 120}); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Options{
			VM: "substrate", UTF8: true, Settle: -1, Input: terminal, Output: terminal,
			Engine: func(r Request) Engine { return flood{emit: r.Events} },
		})
		ended <- err
	}()
	drawn := newSight(screen)
	see := func(text string) {
		if !drawn.wait(text) {
			b.Fatalf("%q was never drawn", text)
		}
	}
	press := func(keys string) {
		if _, err := io.WriteString(screen, keys); err != nil {
			b.Fatal(err)
		}
	}
	see("start")
	press("\r")
	see("stop")
	press("l/")
	see("find")
	used, begun := processorTime(), time.Now()
	var took []time.Duration
	for b.Loop() {
		pressed := time.Now()
		press("é")
		see("é")
		took = append(took, time.Since(pressed))
		press("\x7f")
		time.Sleep(107 * time.Millisecond) // until it is deleted again; and so that keys come at all phases of a beat
	}
	share := float64(processorTime()-used) / float64(time.Since(begun))
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	stop()
	<-ended
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms/key")
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms/key")
	b.ReportMetric(share, "cores")
	b.ReportMetric(float64(memory.HeapInuse)/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// sight reads what is drawn, and waits for texts.
type sight struct {
	chunks chan []byte
	seen   []byte
}

func newSight(from *os.File) *sight {
	s := &sight{chunks: make(chan []byte, 1024)}
	go func() {
		defer close(s.chunks)
		for {
			buffer := make([]byte, 64<<10)
			n, err := from.Read(buffer)
			s.chunks <- buffer[:n]
			if err != nil {
				return
			}
		}
	}()
	return s
}

// wait waits for text, and forgets what came before it.
func (s *sight) wait(text string) bool {
	deadline := time.After(20 * time.Second)
	for {
		if at := bytes.Index(s.seen, []byte(text)); at >= 0 {
			s.seen = s.seen[at+len(text):]
			return true
		}
		select {
		case chunk, open := <-s.chunks:
			if !open {
				return false
			}
			s.seen = append(s.seen[max(0, len(s.seen)-len(text)):], chunk...)
		case <-deadline:
			return false
		}
	}
}
