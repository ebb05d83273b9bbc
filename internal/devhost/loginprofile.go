package devhost

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// profileMark ends the one line of ~/.profile that is ours.
const profileMark = "# worldsetup: no usable KVM"

// keepLoginProfile puts the emulation variable into the ~/.profile of a user that we made, or takes it out where KVM
// works, so that a plain `limactl start` in a login shell behaves like ours. It works as the user: the home is theirs.
func (h *Host) keepLoginProfile(ctx context.Context) error {
	if !h.User.Made {
		return nil
	}
	file := filepath.Join(h.User.Home, ".profile")
	old, err := h.Command(ctx, "sh", "-c", `test ! -e "$1" || cat -- "$1"`, "sh", file).Output()
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	var line string
	if !h.Accel.KVM {
		name, value := emulation(runtime.GOARCH)
		line = fmt.Sprintf("export %s=%q %s", name, value, profileMark)
	}
	changed := withLine(string(old), line)
	if changed == string(old) {
		return nil
	}
	h.logf("user: noting the kind of acceleration in %s", file)
	cmd := h.Command(ctx, "sh", "-c", `cat >"$1.new" && mv -- "$1.new" "$1"`, "sh", file)
	cmd.Stdin = strings.NewReader(changed)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write %s: %s: %w", file, bytes.TrimSpace(out), err)
	}
	return nil
}

// withLine is the text with our marked line replaced by another one, added where there is none, or taken out when it is
// "".
func withLine(text, line string) string {
	var out strings.Builder
	for old := range strings.Lines(text) {
		if !strings.HasSuffix(strings.TrimSpace(old), profileMark) {
			out.WriteString(old)
		}
	}
	if line == "" {
		return out.String()
	}
	if text := out.String(); text != "" && !strings.HasSuffix(text, "\n") {
		out.WriteByte('\n')
	}
	out.WriteString(line + "\n")
	return out.String()
}
