package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/atomize-hq/worldsetup/internal/crash"
)

// onSignals lets SIGINT, SIGTERM and SIGHUP cancel the run; a second SIGINT or SIGTERM closes again. SIGPIPE no longer
// kills, so that a failed write is an error. Call stop when done.
func onSignals(cancel context.CancelCauseFunc) (again <-chan struct{}, stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		signal.Notify(signals, syscall.SIGHUP)
	}
	// Notified and not ignored: children would inherit an ignored one.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)

	insist := make(chan struct{})
	go crash.Guard(func() { handle(signals, cancel, insist) })()
	return insist, sync.OnceFunc(func() {
		signal.Stop(pipe)
		signal.Stop(signals)
		close(signals)
	})
}

// insistAfter is how long after the first signal another one is still the same request: timeout(1) sends its signal
// to the process and to its group, so that it arrives twice.
const insistAfter = time.Second

// handle cancels at the first signal, and closes insist at a later one of a user or supervisor that doesn't want to
// wait.
func handle(signals <-chan os.Signal, cancel context.CancelCauseFunc, insist chan<- struct{}) {
	var first time.Time
	for received := range signals {
		switch {
		case first.IsZero():
			first = time.Now()
			cancel(signalError{received})
		case received != syscall.SIGHUP && time.Since(first) >= insistAfter:
			close(insist)
			return
		}
	}
}

// signalError is the cause of a context that a signal has ended.
type signalError struct{ os.Signal }

func (e signalError) Error() string { return signalNames[e.Signal] + " was received" }

// signalNames are the names of the signals, with their usual causes.
var signalNames = map[os.Signal]string{
	syscall.SIGINT: "SIGINT (Ctrl-C)", syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP (the terminal was closed)",
}
