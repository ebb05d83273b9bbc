package main

import (
	"fmt"
	"strings"
)

// fileHeader begins a file of choices.
func fileHeader(user bool) string {
	if user {
		return `# What worldsetup keeps for all projects. Flags, environment variables and a project's own worldsetup.yaml beat it.
# ` + "`worldsetup plan`" + ` shows where each value comes from.
`
	}
	return `# What worldsetup keeps for this project. Flags and environment variables beat it; it beats the user's own file.
# ` + "`worldsetup plan`" + ` shows where each value comes from. Relative paths start here.
`
}

// fileTemplate is a file with all keys, commented out, and what they mean.
func fileTemplate(user bool) string {
	var text strings.Builder
	text.WriteString(fileHeader(user))
	for _, setting := range settings() {
		if key, can := keyOf(setting.flag); can {
			fmt.Fprintf(&text, "\n# %s\n#%s: %s\n", setting.help, key.flag, key.example)
		}
	}
	return text.String()
}
