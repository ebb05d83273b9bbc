//go:build !asmac

// Package platform is the machine that worldsetup takes itself to run on.
//
// Whatever differs on a Mac asks this package, and not package runtime, whose constants would compile the Mac's
// branches out of a program for Linux. So a program that is built with the tag asmac, as only tests do, runs all of
// them on Linux. What remains are a few files of system calls; docs/tested-on.md lists them, and a test holds that
// list.
package platform

import "runtime"

// OS returns the operating system, as Go calls it: "linux" or "darwin".
func OS() string { return runtime.GOOS }

// Arch returns the processor that this program was built for, as Go calls it: "amd64" or "arm64".
func Arch() string { return runtime.GOARCH }

// File returns where the system's file path is read: at path itself.
func File(path string) string { return path }
