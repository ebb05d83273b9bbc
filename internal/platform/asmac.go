//go:build asmac

// Package platform is a Mac, whatever this machine is: the program was built with the tag of the tests that need one.
package platform

import "os"

// OS returns "darwin".
func OS() string { return "darwin" }

// Arch returns the processor that the environment variable ASMAC_ARCH names, "arm64" or "amd64".
func Arch() string { return os.Getenv("ASMAC_ARCH") }
