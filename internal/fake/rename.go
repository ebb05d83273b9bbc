package fake

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// rename does what Lima 2.1 does: it makes the new directory and moves file by file, in the order of their names, so
// that being killed leaves two halves. Not moved are sockets and files of process numbers, nor the protection;
// directories arrive without any permission; and the identity of a VZ machine arrives empty.
func (w *World) rename(_ context.Context, _ *console, words []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	vm, to := w.vms[words[0]], filepath.Join(w.options.LimaHome, words[1])
	if vm == nil {
		return fatalf("instance `%s` not found", words[0])
	}
	if vm.running() {
		return fatal("cannot rename a running instance")
	}
	if err := checkName(words[1]); err != nil {
		return err
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return fatalf("instance %q already exists", words[1])
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return fatal(err.Error())
	}
	moved := 0
	err := filepath.WalkDir(vm.dir, func(path string, entry fs.DirEntry, err error) error {
		base := filepath.Base(path)
		if base == "protected" || slices.Contains([]string{".pid", ".sock", ".tmp"}, filepath.Ext(base)) {
			return nil
		}
		if err != nil {
			return err
		}
		if moved++; w.Faults.TornRename > 0 && moved > w.Faults.TornRename {
			return errTorn
		}
		destination := filepath.Join(to, strings.TrimPrefix(path, vm.dir))
		switch {
		case entry.IsDir():
			return os.MkdirAll(destination, 0)
		case base == "vz-identifier":
			return os.WriteFile(destination, nil, 0o666)
		}
		return os.Rename(path, destination)
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(vm.dir)
}

// errTorn is what the caller of a limactl sees that was killed in the middle of a rename.
var errTorn = errors.New("signal: killed")
