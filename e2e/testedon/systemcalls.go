package main

// systemCall is a file that is compiled for macOS and not for Linux, so that no test here executes it.
type systemCall struct {
	file, reason string
}

// systemCalls are all of them: calls that Linux does not have, without decisions. Whatever decides something asks
// internal/platform and is executed on Linux as well.
var systemCalls = []systemCall{
	{"checks/edges_other.go", "Answers for what macOS lacks or Lima does not look at there: KVM, inotify, and whether " +
		"a directory is on NFS. The checks of the first two are not made on a Mac."},
	{"internal/process/attributes_other.go", "The attributes of a child process: macOS has no parent-death signal."},
	{"provision/internal/lock/fcntl_other.go", "The numbers of fcntl's two commands for locks that belong to an open " +
		"file."},
	{"provision/lima/arguments_darwin.go", "Reads the command line of a process by sysctl kern.procargs2. What it " +
		"returns is parsed in provision/lima/pidfile.go, and tested with a recording."},
}

// writeSystemCalls writes what of the program only a Mac executes.
func writeSystemCalls(line func(string, ...any)) {
	line("## What only a Mac executes")
	line("")
	line("Everything that differs on a Mac asks [internal/platform](../internal/platform), so that tests execute it on")
	line("Linux. These files hold system calls that Linux lacks, and are only built and vetted:")
	line("")
	row(line, []string{"file", "why"})
	row(line, rule(2))
	for _, call := range systemCalls {
		row(line, []string{"[" + call.file + "](../" + call.file + ")", call.reason})
	}
	line("")
}
