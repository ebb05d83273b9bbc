package provision

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// clockRepair is how far the guest's clock may be off before it is set: what is nearer, time synchronization brings back.
const clockRepair = 10 * time.Second

// machineSteps are those by which the guest can be written to at all.
var machineSteps = []StepID{StepClock, StepWritable, StepRoom, StepEntry}

// machine plans for what the whole guest suffers from, before anything is written there.
func (p *Plan) machine(s State) {
	o := s.Guest
	if off := o.ClockAhead.Abs(); off > clockRepair+o.ClockError {
		p.add(StepClock, fmt.Sprintf("the guest's clock is %s from the host's", signed(o.ClockAhead)))
	}
	if o.ReadOnlyRoot && !s.Tried[StepWritable] {
		p.add(StepWritable, "the root file system of the guest is read-only")
	}
	if full(o) {
		p.add(StepRoom, fmt.Sprintf("the disk of the guest is full: %d KiB are free", o.DiskAvailable>>10))
	}
	switch {
	case s.SSHSetting != "":
		p.Blocked = sshdForbids(s)
	case !s.Tried[StepEntry]:
		p.add(StepEntry, entryReasons(s)...)
	case s.Locked != "":
		p.Blocked = lastWay(s)
	}
}

// entryReasons are why sshd lets nobody in with Lima's key, or would not after a restart: it takes none from where others can
// write. A group of the user's own may, on Debian.
func entryReasons(s State) (reasons []string) {
	o := s.Guest
	for _, path := range []string{o.Home, o.Home + "/.ssh", o.Home + "/.ssh/authorized_keys"} {
		file := o.Files[path]
		if mode, err := strconv.ParseUint(file.Mode, 8, 32); err == nil && (mode&0o2 != 0 || mode&0o20 != 0 && file.Group != o.User) {
			reasons = append(reasons, fmt.Sprintf("others can write to %s, from where ssh then takes no key: its mode is %s", path, file.Mode))
		}
	}
	if s.SSHSetting != "" {
		reasons = append(reasons, "the setting of sshd forbids what a world needs: "+s.SSHSetting)
	}
	if s.Locked != "" {
		reasons = append(reasons, "a fresh ssh connection is not let in: "+s.Locked)
	}
	return reasons
}

func full(o *guest.Observation) bool { return o.DiskAvailable < roomNeeded<<10 }

func signed(d time.Duration) string { return fmt.Sprintf("%+.1f s", d.Seconds()) }

// closedDirectories are those on the way to our files that not everybody can look into. Behind them nothing was seen.
func closedDirectories(o *guest.Observation) (closed []string) {
	for _, path := range []string{
		"/", "/run", "/usr", "/usr/local", "/usr/local/bin", "/etc", "/etc/systemd", "/etc/systemd/system", "/var", "/var/lib",
	} {
		if file, found := o.Files[path]; found && !file.Open() {
			closed = append(closed, path)
		}
	}
	return closed
}

// open plans to open them, and nothing else, since what is missing behind them may be there.
func (p *Plan) open(closed []string) {
	step := step(StepDirectories)
	step.Reason = fmt.Sprintf("not everybody gets through %s", strings.Join(closed, ", "))
	step.operands = closed
	p.Steps = append(p.Steps, step)
	p.Unseen = true
}
