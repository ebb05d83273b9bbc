//go:build asmac

// Package platform is a Mac, whatever this machine is: the program was built with the tag of the tests that need one.
package platform

import (
	"os"
	"path/filepath"
)

// OS returns "darwin".
func OS() string { return "darwin" }

// Arch returns the processor that the environment variable ASMAC_ARCH names, "arm64" or "amd64".
func Arch() string { return os.Getenv("ASMAC_ARCH") }

// File returns where the system's file path is read: below the directory ASMAC_ROOT, which holds what this machine
// lacks of a Mac or has otherwise, or at path itself.
func File(path string) string {
	root := os.Getenv("ASMAC_ROOT")
	if own := filepath.Join(root, path); root != "" && filepath.IsAbs(path) {
		if _, err := os.Lstat(own); err == nil {
			return own
		}
	}
	return path
}
