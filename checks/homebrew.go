package checks

import (
	"context"
	"strings"
)

// homebrew says which Homebrew there is. Nothing needs it but remedies; on Apple silicon the one for Intel brings an
// Intel Lima.
func homebrew(h Host) Check {
	return Check{
		ID: "homebrew", Title: "Homebrew",
		Probe: func(ctx context.Context) Finding {
			brew := h.brew()
			if brew == "" {
				return Finding{Outcome: Info, Found: "none; https://brew.sh has it"}
			}
			out, err := h.Run(ctx, brew, "--prefix")
			prefix := strings.TrimSpace(out)
			if err != nil {
				return Finding{Found: err.Error()}
			}
			apple, err := h.appleSilicon(ctx)
			if err == nil && apple && prefix == "/usr/local" {
				return warning("in %s", prefix).because("this Homebrew is for Intel", "on Apple silicon it installs programs that run under Rosetta, which Lima refuses",
					"use the one for Apple silicon: https://brew.sh puts it into /opt/homebrew; have /opt/homebrew/bin first in PATH")
			}
			return ok("in %s", prefix)
		},
	}
}
