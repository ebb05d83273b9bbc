package checks

import (
	"context"
)

// processor checks that there are worlds for this processor, and that worldsetup itself runs on it without translation: a
// VM has the processor that worldsetup believes to see.
func processor(h Host) Check {
	return Check{
		ID: "processor", Title: "processor",
		Probe: func(ctx context.Context) Finding {
			if h.Arch != "amd64" && h.Arch != "arm64" {
				return failed("there are no worlds for the processor "+h.Arch, "they exist for x86_64 and aarch64", "use a machine with one of those")
			}
			if h.OS != "darwin" {
				return ok("%s", h.Arch)
			}
			translated, err := h.isSet(ctx, "sysctl.proc_translated")
			if err != nil {
				return Finding{Found: err.Error()}
			}
			if translated {
				return failed("worldsetup runs under Rosetta", "sysctl.proc_translated is 1: this is the Intel build of worldsetup, or a terminal for Intel, on Apple silicon",
					"build and run the one for Apple silicon, in a native shell (arch -arm64 /bin/zsh): GOARCH=arm64 go build ./cmd/worldsetup")
			}
			return ok("%s", h.Arch)
		},
	}
}

// appleSilicon says what the hardware is, whatever this program was built for.
func (h Host) appleSilicon(ctx context.Context) (bool, error) {
	if h.Arch == "arm64" {
		return true, nil
	}
	return h.isSet(ctx, "hw.optional.arm64")
}
