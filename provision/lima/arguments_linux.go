package lima

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// arguments returns the command line of a process; empty for one that has ended and was not waited for.
func arguments(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(text) == 0 {
		return nil, err
	}
	return strings.Split(string(bytes.TrimSuffix(text, []byte{0})), "\x00"), nil
}
