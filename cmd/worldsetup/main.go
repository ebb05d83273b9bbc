// Command worldsetup sets up a Substrate world on this machine, from a shell or from a script.
//
// The rules are: what to do is package provision's business, and this command only turns flags and environment into a
// provision.Spec, shows the events through a face (wizard, plain lines or JSON lines), and turns errors into exit codes by one
// table. On a terminal the wizard of package tui is the face. Results go to standard output and errors to standard error,
// and beside the wizard's no output ever holds an escape sequence.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], system())) }
