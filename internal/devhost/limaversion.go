package devhost

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// limaModule is Lima's name on the Go module proxy.
const limaModule = "github.com/lima-vm/lima/v2"

// minimumLima is the oldest limactl whose commands and fields worldsetup knows.
var minimumLima = [3]int{2, 0, 0}

// versionNumber finds the number in "limactl version 2.1.4", whatever follows it.
var versionNumber = regexp.MustCompile(`\b[vV]?(\d+)\.(\d+)\.(\d+)`)

// parseVersion reads the first version number in a text. A limactl that was built without one prints "<unknown>".
func parseVersion(text string) (version [3]int, ok bool) {
	found := versionNumber.FindStringSubmatch(text)
	if found == nil {
		return version, false
	}
	for i, digits := range found[1:] {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return version, false
		}
		version[i] = n
	}
	return version, true
}

// recentEnough tells whether what `limactl --version` printed is a Lima that worldsetup works with.
func recentEnough(output string) bool {
	version, ok := parseVersion(output)
	if !ok {
		return false
	}
	for i, least := range minimumLima {
		if version[i] != least {
			return version[i] > least
		}
	}
	return true
}

// pinnedLima reads Lima's version, such as "2.1.4", out of what `go mod edit -json` prints.
func pinnedLima(mod []byte) (string, error) {
	var file struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(mod, &file); err != nil {
		return "", fmt.Errorf("read the pinned version of Lima: %w", err)
	}
	for _, require := range file.Require {
		if require.Path == limaModule {
			return strings.TrimPrefix(require.Version, "v"), nil
		}
	}
	return "", fmt.Errorf("the go.mod requires no %s", limaModule)
}
