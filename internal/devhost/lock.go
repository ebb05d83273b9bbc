package devhost

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// The locks of the cache. A lock of one thing in it may be waited for while the others are free.
const machineLock = "lock" // of what the whole machine shares: packages, the user, Lima

// lock keeps two preparations of the same thing apart, and makes the cache. The kernel drops it when the process dies.
func (h *Host) lock(name string) (unlock func(), err error) {
	if err := os.MkdirAll(h.Cache, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(h.Cache, name), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the cache's lock: %w", err)
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		h.logf("waiting for %s, which another build or run holds", f.Name())
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock the cache: %w", err)
		}
	}
	return func() { f.Close() }, nil
}

// staging makes an empty folder beside the place where its contents end up, readable by the ordinary user.
func staging(target string) (dir string, err error) {
	parent := filepath.Dir(target)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(parent, ".new-"); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}
