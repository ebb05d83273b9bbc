package provision

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
)

// dir is the directory of the VM with suffix.
func (r *run) dir(suffix string) string {
	return filepath.Join(r.target.spec.LimaHome, r.target.spec.VM+suffix)
}

// hasConfig says whether Lima would take dir for an instance.
func hasConfig(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, filenames.LimaYAML))
	return err == nil
}

// isProtected says whether somebody told Lima that the instance in dir must not be removed.
func isProtected(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, filenames.Protected))
	return err == nil
}

// alive is an error that names a process of the instance in dir, if one lives.
func alive(dir string) error {
	entries, _ := os.ReadDir(dir) // without a directory there is none
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".pid" {
			continue
		}
		text, _ := os.ReadFile(filepath.Join(dir, entry.Name()))
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil && pid > 0 && syscall.Kill(pid, 0) == nil {
			return fmt.Errorf("%s still runs: process %d, by %s", filepath.Base(dir), pid, filepath.Join(dir, entry.Name()))
		}
	}
	return nil
}
