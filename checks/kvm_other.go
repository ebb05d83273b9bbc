//go:build !linux

package checks

import (
	"errors"
	"fmt"
)

// kvm exists on Linux only.
func kvm() error { return fmt.Errorf("KVM: %w", errors.ErrUnsupported) }
