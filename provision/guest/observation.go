package guest

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Observation is the result of the script "observe" or "new". Modes are octal as stat(1) prints them, without a
// leading zero.
type Observation struct {
	User          string   // the SSH user
	Home          string   // its home directory
	SessionGroups []string // groups in force in the session that observed
	AccountGroups []string // groups of the account on paper
	Group         *Group   // the group "substrate"; nil when there is none
	Sudo          bool     // sudo works without a password
	SudoOutput    string   // sudo's own words when it doesn't, on one line
	Noise         string   // what the login shell's start-up files printed, the first of it

	// Untouched reports that the script "new" found nothing of ours; it observes nothing else. A new guest is assumed
	// to have sudo, disk space, the right time, and a systemd that has not read our units.
	Untouched bool

	Files  map[string]File // by path, only those that exist
	Marker string          // the layout that the marker names; empty when it names none
	// MarkerText is what the marker holds instead of a name, or the first of it: up to MaxMarker bytes.
	MarkerText string
	Layout     layout.Layout // whose names were looked for
	// UnitTexts are the texts of the units by name, as they should be; nil where they are worldsetup's own. The engine
	// adds them.
	UnitTexts map[string]string
	Units     map[string]Unit // by name; both units of the agent
	Linger    bool
	Missing   []string // commands that the agent needs and the guest lacks; Python, which only the built-in one needs
	// PythonFault is why Python does not run the built-in agent; empty when it does, or the service works without that.
	PythonFault string
	Mounts      []Mount           // one for each mount point asked for, in that order
	Answers     map[string]Answer // by who asked the agent meanwhile: Self, Root, Outsider

	// ACLs holds the access lists by path: the entries beyond those of the mode, as getfacl(1) prints them; none where
	// they can't be seen.
	ACLs map[string][]string
	Ways map[string]Way // by mount point: what is mounted on the way to our files, other than the root file system

	// Sources are the places in which the C library looks for groups, by database of nsswitch.conf(5): "group",
	// "initgroups". A database that is not there has the usual ones.
	Sources map[string][]string

	// Only root sees the following; without Sudo they are empty.
	Groups       []GroupEntry // of /etc/group
	Accounts     []Account    // of /etc/passwd
	ReadOnlyRoot bool
	// FileVariables are the lines about the agent in files with an environment, which drop-ins name.
	FileVariables []Variable
	// Runs reports what the service runs: RunsInstalled or RunsOther; empty when it does not run or that is unknown.
	Runs string
	// Listening are the numbers of the files at SocketPath, there or gone, whose sockets listen; nil when that was not
	// seen.
	Listening map[uint64]bool
	// Strangers listen at SocketPath beside us, or will from the next boot on.
	Strangers []Stranger

	AllHave  []string // NAME=VALUE: the agent's variables that systemd gives to every service
	Unwanted []string // what stands in the place of the links by which our units are started at a boot

	// Pins are the name servers that lima-warm.sh has fixed, by the file of PinFiles. Resolver is why names may not be
	// resolved beside that: ResolverOff or ResolverMissing; empty otherwise.
	Pins     map[string][]string
	Resolver string
	// Broker holds the variables by which service units, by name, show that the VM belongs to the broker of the system.
	Broker map[string][]string

	DiskUsed      int             // of the root file system, in percent
	DiskAvailable int64           // likewise, in bytes
	Rooms         map[string]Room // by mount point, of the file systems at / and /run
	// ClockAhead is how far the guest's clock is ahead of the host's, to within half of the round trip.
	ClockAhead time.Duration
	ClockError time.Duration // that half
}

// SudoRefusal is why sudo refused the user.
type SudoRefusal string

// The reasons of sudo.
const (
	SudoWorks         SudoRefusal = ""
	SudoWantsPassword SudoRefusal = "password" // no rule lets the user do without one, which Lima gives at a boot
	SudoWantsTerminal SudoRefusal = "terminal"
	SudoAccount       SudoRefusal = "account" // the account or its password has expired, or can't be validated
	SudoFiles         SudoRefusal = "files"   // others own or can change its program or its rules
	SudoMissing       SudoRefusal = "missing"
	SudoOther         SudoRefusal = "other"
)

// SudoRefusal returns why sudo refused the user. Its exit status is 1 for every reason, so only its messages show that;
// they were recorded with the sudo of Debian 13 and the sudo-rs of sid, LC_ALL=C.
func (o *Observation) SudoRefusal() SudoRefusal {
	output := strings.ToLower(o.SudoOutput)
	contains := func(words string) bool { return strings.Contains(output, words) }
	switch {
	case o.Sudo:
		return SudoWorks
	case contains("account validation failure"), contains("authentication token manipulation"):
		return SudoAccount
	case contains("setuid"), contains("writable"), contains("owned by"): // before it asks for a password
		return SudoFiles
	case output == "", contains("a password is required"), contains("is not in the sudoers file"),
		contains("interactive authentication is required"), contains("i'm afraid i can't do that"):
		return SudoWantsPassword
	case contains("sudo: not found"):
		return SudoMissing
	case contains("tty"):
		return SudoWantsTerminal
	case contains("account"):
		return SudoAccount
	}
	return SudoOther
}

// What is wrong with the guest's own way to resolve names.
const (
	ResolverOff     = "off"     // systemd-resolved is there, and switched off
	ResolverMissing = "missing" // /etc/resolv.conf leads nowhere
)

// What a service can run.
const (
	RunsInstalled = "installed" // the agent's file, or, when that is a script, its interpreter
	RunsOther     = "other"
)

// DropIn is a file of settings that systemd has read after a unit.
type DropIn struct {
	Path  string
	Lines []string // empty when only root can read it, and is not asked
}

// Stranger is a unit or a process that is not ours and listens at our path.
type Stranger struct {
	Unit string // empty for a process of a user's
	PID  int    // 1 for a socket that systemd holds; 0 for one that will listen from the next boot on
}

// Group is an entry of group(5).
type Group struct {
	GID     int
	Members []string
}

// GroupEntry is a line of /etc/group, with what /etc/gshadow adds.
type GroupEntry struct {
	Name    string
	GID     int
	Members []string
	// Password reports that all who know a password can join with newgrp(1). So can the administrators, who can also
	// add others, and those who are members in /etc/gshadow only.
	Password       bool
	Admins, Shadow []string
}

// Account is a line of /etc/passwd.
type Account struct {
	Name     string
	UID, GID int
}

// Room is what is left on a file system: bytes, and files that can be made.
type Room struct{ Available, Files int64 }

// Way is a mount on the way to our files.
type Way struct {
	ReadOnly, NoExec bool
	Bind             bool // its file system is not read-only itself
}

// File is a file as stat(1) sees it.
type File struct {
	Type   string // "regular file", "directory", "socket", …
	Mode   string // octal: "755"
	Owner  string
	Group  string
	Size   int64 // bytes
	Inode  uint64
	SHA256 string // hex; only of agent, units and the programs beside the agent
}

// Open reports that all users can read the directory.
func (f File) Open() bool {
	mode, err := strconv.ParseUint(f.Mode, 8, 32)
	return err == nil && mode&0o5 == 0o5
}

// Unit is a systemd unit as `systemctl show` sees it.
type Unit struct {
	Load         string // "loaded", "not-found", "masked", …
	Active       string // "active", "inactive", "failed", …
	Sub          string // "running", "listening", …
	FileState    string // "enabled", "disabled", …; empty without a unit file
	NeedsReload  bool
	Restarts     int
	Result       string   // "success", "exit-code", …
	FragmentPath string   // the file that it was read from
	DropIns      []DropIn // in the order in which they are read
}

// Mount is what is mounted at a mount point.
type Mount struct {
	FSType   string // empty when nothing is mounted there
	ReadOnly bool
	Silent   bool    // there was no answer: who asks it waits
	Dead     bool    // the program behind it has ended, or the user is not let in
	Refused  bool    // the host doesn't let the VM read it
	Entries  []Entry // up to 64 of the directory's entries, in no order
}

// Entry is a directory entry as find(1) sees it.
type Entry struct {
	Name    string
	Type    byte // 'f', 'd', 'l', … as find's %y
	Size    int64
	ModTime time.Time // good to a second: not every file system keeps more
}

// The paths and names that an Observation speaks of.
const (
	MarkerPath      = "/etc/substrate-lima-layout"
	StatePath       = "/var/lib/substrate"
	RuntimePath     = layout.RuntimePath
	GroupName       = "substrate"
	Python          = "python3"
	HomeStateSuffix = "/.substrate" // after Home
)

// PinFiles are the files in which lima-warm.sh fixes the guest's name servers.
var PinFiles = []string{"/etc/dnsmasq.d/substrate.conf", "/etc/resolv.conf"}

// Has reports whether a socket unit of a generation is installed. Of those whose units have the same names, it is the
// oldest, unless the marker names another one.
func (o *Observation) Has(of layout.Layout) bool {
	if _, found := o.Files[of.SocketPath()]; !found {
		return false
	}
	oldest := true
	for _, other := range of.Others() {
		if other.Unit != of.Unit {
			continue
		}
		if oldest = oldest && other.NewerThan(of); o.Marker == other.Marker {
			return false
		}
	}
	return oldest || o.Marker == of.Marker
}

// Marked returns the oldest generation that has the marker.
func (o *Observation) Marked() (of layout.Layout, found bool) {
	i := slices.IndexFunc(layout.All, func(l layout.Layout) bool { return l.Marker == o.Marker })
	if i < 0 {
		return of, false
	}
	return layout.All[i], true
}

// Older returns the generations before that of the observation of which a unit is installed, under another name.
func (o *Observation) Older() (older []layout.Layout) {
	for _, of := range o.Layout.Others() {
		_, service := o.Files[of.ServicePath()]
		if of.Unit != o.Layout.Unit && o.Layout.NewerThan(of) && (service || o.Has(of)) {
			older = append(older, of)
		}
	}
	return older
}

// Newer returns the generations after that of the observation of which a socket unit is installed.
func (o *Observation) Newer() (newer []layout.Layout) {
	for _, of := range o.Layout.Others() {
		if of.NewerThan(o.Layout) && o.Has(of) {
			newer = append(newer, of)
		}
	}
	return newer
}

// otherGeneration reports whether a unit is the installed one of another generation.
func (o *Observation) otherGeneration(unit string) bool {
	return slices.ContainsFunc(o.Layout.Others(), func(of layout.Layout) bool {
		return (unit == of.Socket() || unit == of.Service()) && o.Has(of)
	})
}

// Checksum is the SHA-256 of a content, as an observation has it.
func Checksum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}
