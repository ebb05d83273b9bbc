//go:build !linux

package checks

import (
	"errors"
	"fmt"
)

// inotify exists on Linux only.
func inotify() error { return fmt.Errorf("inotify: %w", errors.ErrUnsupported) }
