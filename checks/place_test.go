package checks

import (
	"strings"
	"testing"
)

// TestProjectPlace: what macOS guards is known by whatever name, and what only sounds like it is not meant.
func TestProjectPlace(t *testing.T) {
	links := map[string]string{
		"/Users/ada/work": "/Users/ada/Documents/work", "/Users/ada/Desktop": "/Users/ada/Library/Mobile Documents/Desktop",
		"/Users/ada/disk": "/Volumes/Extern/app",
	}
	h := Host{OS: "darwin", Real: func(path string) (string, error) {
		if real := links[path]; real != "" {
			return real, nil
		}
		return path, nil
	}}
	for project, want := range map[string]string{
		"/Users/ada/src/app": "", "/Users/ada/Documents.old/app": "", "/Users/ada/Documents": "below ~/Documents",
		"/Users/ada/Downloads/app": "below ~/Downloads", "/Users/ada/work": "below ~/Documents",
		"/Users/ada/Desktop/app":                                  "below ~/Desktop",
		"/Users/ada/Library/Mobile Documents/com~apple~CloudDocs": "below ~/Library/Mobile Documents",
		"/Volumes/Extern/app":                                     "below /Volumes", "/Users/ada/disk": "below /Volumes",
	} {
		result := h.projectPlace("/Users/ada", project)(t.Context())
		if (result.Outcome == OK) != (want == "") || !strings.Contains(result.Found, want) {
			t.Errorf("%s: %+v", project, result)
		}
		if want != "" && !strings.Contains(result.Next, "Privacy & Security") {
			t.Errorf("%s: %s", project, result.Next)
		}
	}
}
