package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
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

// heed cancels at the first signal and closes insists at the second that a person or a supervisor would send to insist.
func heed(signals <-chan os.Signal, cancel context.CancelCauseFunc, insists chan<- struct{}) {
	first := true
	for received := range signals {
		if first {
			cancel(fmt.Errorf("%s was received", signalName(received)))
		} else if received != syscall.SIGHUP {
			close(insists)
			return
		}
		first = false
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
