// Package results keeps how scenarios ended: a file of JSON lines, which docs/tested-on.md is made from.
package results

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Line is one line of the file: how a scenario ended on a rig, or, without a Scenario, what the rig consists of.
type Line struct {
	Rig  string
	When time.Time `json:",omitzero"`

	Scenario string `json:",omitempty"`
	Table    string `json:",omitempty"` // of a scenario that package scenario doesn't have
	Passed   bool
	Seconds  float64 `json:",omitempty"` // how long it took
	Known    string  `json:",omitempty"` // why it is known to fail on this rig

	Versions map[string]string `json:",omitempty"` // of the programs that worldsetup meets there
}

// File is a file of results that lines are appended to. Its methods may be called side by side.
type File struct {
	mu   sync.Mutex
	file *os.File
}

// Open opens a file of results, which keeps the lines that it has.
func Open(path string) (*File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	return &File{file: file}, err
}

// Append appends a line.
func (f *File) Append(line Line) error {
	line.When = time.Now().UTC().Truncate(time.Second)
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err = f.file.Write(append(text, '\n'))
	return err
}

// Read reads the lines of a file.
func Read(from io.Reader) (lines []Line, err error) {
	scanner := bufio.NewScanner(from)
	for scanner.Scan() {
		var line Line
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(lines)+1, err)
		}
		if line.Rig == "" {
			return nil, fmt.Errorf("line %d names no rig", len(lines)+1)
		}
		lines = append(lines, line)
	}
	return lines, scanner.Err()
}
