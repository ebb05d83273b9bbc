package lima

import (
	"encoding/json"
	"strings"
)

// LogEntry is one line of limactl's log (--log-format json). A line that is not JSON is an entry with that text and no
// level.
type LogEntry struct {
	Level   string `json:"level"` // debug, info, warning, error, fatal, or empty
	Message string `json:"msg"`
	Error   string `json:"error"`
	// Location is the address or file that the line is about.
	Location string `json:"location"`
}

// ParseLogLine reads one line of limactl's log.
func ParseLogLine(line string) LogEntry {
	var entry LogEntry
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Message == "" {
		return LogEntry{Message: line}
	}
	entry.Message = strings.TrimPrefix(entry.Message, "[hostagent] ")
	if entry.Error != "" {
		entry.Message += ": " + entry.Error
	}
	entry.Message = WithoutExcerpts(entry.Message)
	return entry
}

// Fetches reports that the line announces that a file is being fetched from an address.
func (e LogEntry) Fetches() bool {
	return strings.HasPrefix(e.Message, "Attempting to download ") && strings.Contains(e.Location, "://")
}
