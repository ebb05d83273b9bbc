// Package inside opens the files of a project, and no others: a repository may come from anyone, and has no business
// with other files of this machine.
package inside

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Open opens the file called name, with slashes, in the project directory. It follows links, as long as they stay in
// the project.
func Open(project, name string) (*os.File, error) {
	base, err := filepath.EvalSymlinks(project)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(base)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	const flags = os.O_RDONLY | syscall.O_NONBLOCK // opening a FIFO would wait for a writer
	file, err := root.OpenFile(filepath.FromSlash(name), flags, 0)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	real, realErr := filepath.EvalSymlinks(filepath.Join(base, filepath.FromSlash(name)))
	if realErr != nil {
		return nil, err
	}
	below, relErr := filepath.Rel(base, real)
	if relErr != nil || !filepath.IsLocal(below) {
		return nil, fmt.Errorf("it is outside of the project: it leads to %s", real)
	}
	return root.OpenFile(below, flags, 0) // for a Root, each absolute link leads out
}
