package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// onSignals has SIGINT, SIGTERM and SIGHUP end the run in order; a second SIGINT or SIGTERM sends on again. SIGPIPE no
// longer kills, so that a failed write is seen as such. Call stop when done.
func onSignals(cancel context.CancelCauseFunc) (again <-chan struct{}, stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup asked for that
		signal.Notify(signals, syscall.SIGHUP)
	}
	// Notified and not ignored: children would inherit an ignored one.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)

	insists := make(chan struct{})
	go heed(signals, cancel, insists)
	return insists, sync.OnceFunc(func() {
		signal.Stop(pipe)
		signal.Stop(signals)
		close(signals)
	})
}

// insistAfter is how long after the first signal another one is still the same request: timeout(1) sends its signal to the
// process and to its group, so that it arrives twice.
const insistAfter = time.Second

// heed cancels at the first signal and closes insists at a later one that a person or a supervisor would send to insist.
func heed(signals <-chan os.Signal, cancel context.CancelCauseFunc, insists chan<- struct{}) {
	var first time.Time
	for received := range signals {
		switch {
		case first.IsZero():
			first = time.Now()
			cancel(fmt.Errorf("%s was received", signalName(received)))
		case received != syscall.SIGHUP && time.Since(first) >= insistAfter:
			close(insists)
			return
		}
	}
}

func signalName(received os.Signal) string {
	switch received {
	case syscall.SIGINT:
		return "SIGINT (Ctrl-C)"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP (the terminal was closed)"
	}
	return received.String()
}
