package provision

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// sweep removes the files that killed runs have left: profiles that Lima was asked about, and sockets that were forwarded
// for a proof. What somebody still uses stays, and what cannot be removed does no harm.
func sweep(ctx context.Context, dir string) {
	profiles, _ := filepath.Glob(filepath.Join(os.TempDir(), lima.ProfilePrefix+"*.yaml"))
	for _, path := range profiles {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), lima.ProfilePrefix), "-")
		if pid, err := strconv.Atoi(text); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.Remove(path)
		}
	}
	entries, _ := os.ReadDir(dir) // no VM, no sockets
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		ours, _ := filepath.Match("p.????????.sock", entry.Name())
		if ours && entry.Type() == os.ModeSocket && !accepts(ctx, path) {
			_ = os.Remove(path)
		}
	}
}
