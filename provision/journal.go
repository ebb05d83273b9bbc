package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
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

// lock takes the VM's lock, which the kernel releases when the process ends, however it ends.
func lock(spec Spec, now time.Time) (unlock func(), err error) {
	if err := os.MkdirAll(spec.StateDir, 0o700); err != nil {
		return nil, &Error{
			Kind: KindPrerequisite, What: "the state directory cannot be made", Why: err.Error(),
			Next: "make it writable, or set XDG_STATE_HOME to a directory that is", Err: err,
		}
	}
	path := stateFile(spec, ".lock")
	held := flock.New(path, flock.SetPermissions(0o600))
	got, err := held.TryLock()
	if err != nil {
		return nil, &Error{
			Kind: KindPrerequisite, What: "the lock of this VM cannot be taken", Why: err.Error(),
			Next: "make the state directory " + spec.StateDir + " writable", Err: err,
		}
	}
	if !got {
		return nil, busy(spec, underWay(spec))
	}
	// Who holds it, for messages only.
	_ = os.WriteFile(path, fmt.Appendf(nil, "process %d, since %s\n", os.Getpid(), now.Format(time.RFC3339)), 0o600)
	end := announce(spec)
	return func() { end(); _ = held.Unlock() }, nil
}
