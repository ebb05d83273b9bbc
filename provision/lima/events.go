package lima

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/hostagent/events"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// Boot is a VM's latest boot, according to the events of Lima's host agent. Lima truncates them at every start.
type Boot struct {
	SSHPort int  // at which the VM's ssh server answers, or will; 0 while the driver is starting
	Ended   bool // the host agent has done all that it does at a boot
	Exiting bool // the host agent has ended without that
	// Degraded is what the host agent could not do at a boot that has ended; empty for nothing. Lima's start fails then,
	// and the VM runs. It may have worked since: a guest agent that was silent for a minute is asked again and again.
	Degraded string
}

// ReadBoot reads the events of an instance from its directory. A VM that was never started has none, which is an error.
func ReadBoot(dir string) (boot Boot, err error) {
	file, err := os.Open(filepath.Join(dir, filenames.HostAgentStdoutLog))
	if err != nil {
		return boot, err
	}
	defer file.Close()
	for decoder := json.NewDecoder(file); !boot.Ended && !boot.Exiting; {
		var event events.Event
		if decoder.Decode(&event) != nil {
			break // it is being written
		}
		boot = Boot{SSHPort: event.Status.SSHLocalPort, Ended: event.Status.Running, Exiting: event.Status.Exiting}
		if event.Status.Degraded {
			boot.Degraded = cmp.Or(degradedBy(event.Status.Errors), "Lima does not say why")
		}
	}
	return boot, nil
}

// degradedLine is how much of each of the host agent's errors is shown, in bytes: some have a script's output.
const degradedLine = 200

// degradedBy returns the first line of each of the host agent's errors.
func degradedBy(found []string) string {
	var lines []string
	for _, text := range found {
		line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		lines = append(lines, clip(plaintext.Line(line), degradedLine))
	}
	return strings.Join(lines, "; ")
}
