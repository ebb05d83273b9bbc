package checks

import (
	"context"
	"errors"
	"os/exec"
	"strings"
)

// sysctl is what a Mac says about name. Each Mac knows others: one that is unknown has known false, and no error.
func (h Host) sysctl(ctx context.Context, name string) (value string, known bool, err error) {
	out, err := h.Run(ctx, "sysctl", name)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return err.Error(), false, nil
	}
	_, value, _ = strings.Cut(out, ":")
	return strings.TrimSpace(value), err == nil, err
}

// isSet says whether name is known and 1.
func (h Host) isSet(ctx context.Context, name string) (bool, error) {
	value, known, err := h.sysctl(ctx, name)
	return known && value == "1", err
}
