//go:build linux

// Command mactool is every program of a Mac that worldsetup asks: it answers by the name under which it was started, as
// a Mac was seen to answer. It belongs to the test bed.
//
// ASMAC_RECORDINGS names files in the form of checks/testdata/macs, separated by colons; of several that know a command
// the last counts. A command that none of them has is written to the file ASMAC_UNANSWERED: nothing is made up.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/tools/txtar"
)

func main() {
	command := filepath.Base(os.Args[0])
	for _, argument := range os.Args[1:] {
		if filepath.IsAbs(argument) && filepath.Base(argument) == "limactl" {
			argument = "/opt/homebrew/bin/limactl" // as it is recorded
		}
		command += " " + argument
	}
	stdout, stderr := recorded(command)
	switch {
	case stdout != nil:
		os.Stdout.Write(stdout)
	case stderr != nil:
		os.Stderr.Write(stderr)
		os.Exit(1)
	default:
		fmt.Fprintf(os.Stderr, "no Mac was seen to answer %q\n", command)
		if file, err := os.OpenFile(os.Getenv("ASMAC_UNANSWERED"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			fmt.Fprintln(file, command)
		}
		os.Exit(127)
	}
}

// recorded is what a Mac printed for command; stderr when it failed, with the exit code 1.
func recorded(command string) (stdout, stderr []byte) {
	for _, path := range filepath.SplitList(os.Getenv("ASMAC_RECORDINGS")) {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		for _, file := range archive.Files {
			switch file.Name {
			case command:
				stdout, stderr = append([]byte{}, file.Data...), nil
			case "exit 1: " + command:
				stdout, stderr = nil, append([]byte{}, file.Data...)
			}
		}
	}
	return stdout, stderr
}
