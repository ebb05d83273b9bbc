//go:build linux

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/atomize-hq/worldsetup/e2e/bed/wire"
)

// makeGroup makes the control group of the guest of a stand-in, and removes those of stand-ins that are gone.
func makeGroup(standIn int) (string, error) {
	left, err := filepath.Glob(wire.Group("*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		pid, err := strconv.Atoi(dir[strings.LastIndexByte(dir, '-')+1:])
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			removeGroup(dir)
		}
	}
	group := wire.Group(strconv.Itoa(standIn))
	removeGroup(group) // a stand-in that is gone may have had the same process id
	return group, os.Mkdir(group, 0o755)
}

// removeGroup removes a control group and those that the guest made in it. It can't remove one with processes.
func removeGroup(group string) {
	var dirs []string
	_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	for i := len(dirs) - 1; i >= 0; i-- {
		_ = syscall.Rmdir(dirs[i]) // not os.Remove, which would try to unlink
	}
}
