package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is what the Go toolchain knows of this build: the module's version, or the commit.
func version() string {
	version := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" && version == "(devel)" {
				version += " " + setting.Value
			}
		}
	}
	return fmt.Sprintf("%s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
