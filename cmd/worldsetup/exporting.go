package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/atomize-hq/worldsetup/provision"
)

// exportHealth writes a report into the state folder, as JSON, for its owner only, and all of it or nothing. It returns
// the path.
func exportHealth(stateDir string, health provision.Health) (path string, err error) {
	text, err := json.MarshalIndent(health, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return "", err
	}
	file, err := os.CreateTemp(stateDir, ".health-*") // of mode 0600
	if err != nil {
		return "", err
	}
	_, err = file.Write(append(text, '\n'))
	path = filepath.Join(stateDir, fmt.Sprintf("%s-health-%s.json", health.VM, health.Time.UTC().Format("20060102T150405Z")))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return path, nil
}
