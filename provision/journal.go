package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// stateFile is the path of one of a VM's files in the state directory. VMs of the same name in different Lima homes have different ones.
func stateFile(spec Spec, suffix string) string {
	hash := sha256.Sum256([]byte(spec.LimaHome))
	return filepath.Join(spec.StateDir, spec.VM+"-"+hex.EncodeToString(hash[:4])+suffix)
}

// LogPath is the file that holds the events of the last run that could change something, one JSON object a line. The one
// before it has ".old" at the end. They are for reading; no run ever trusts them.
func LogPath(spec Spec) string { return stateFile(spec, ".log") }

// journal is that file. A nil journal takes nothing down.
type journal struct{ file *os.File }

func openJournal(spec Spec) (*journal, error) {
	path := LogPath(spec)
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &journal{file}, nil
}

// write takes an event down. A full disk must not stop a repair: the journal is a convenience.
func (j *journal) write(event Event) {
	if j == nil || event.Type == EventHeartbeat {
		return
	}
	if line, err := json.Marshal(event); err == nil {
		_, _ = j.file.Write(append(line, '\n'))
	}
}

func (j *journal) close() {
	if j != nil {
		_ = j.file.Close()
	}
}
