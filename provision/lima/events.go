package lima

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/hostagent/events"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
)

// Boot is a VM's latest boot, according to the events of Lima's host agent. Lima truncates them at every start.
type Boot struct {
	SSHPort int  // at which the VM's ssh server answers, or will; 0 while the driver is starting
	Ended   bool // the host agent has done all that it does at a boot
}

// ReadBoot reads the events of an instance from its directory. A VM that was never started has none, which is an error.
func ReadBoot(dir string) (boot Boot, err error) {
	file, err := os.Open(filepath.Join(dir, filenames.HostAgentStdoutLog))
	if err != nil {
		return boot, err
	}
	defer file.Close()
	for decoder := json.NewDecoder(file); !boot.Ended; {
		var event events.Event
		if decoder.Decode(&event) != nil {
			break // it is being written
		}
		boot = Boot{SSHPort: event.Status.SSHLocalPort, Ended: event.Status.Running}
	}
	return boot, nil
}
