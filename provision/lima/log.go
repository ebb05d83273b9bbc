package lima

import (
	"encoding/json"
	"strings"
)

// LogEntry is one line of limactl's log (--log-format json). A line that is not JSON is an entry with that text and no level.
type LogEntry struct {
	Level   string `json:"level"` // debug, info, warning, error, fatal, or empty
	Message string `json:"msg"`
	Error   string `json:"error"`
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
	return entry
}
