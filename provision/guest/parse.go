package guest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// ParseObservation reads what the script "observe" printed of a layout, for the given number of mount points and those
// who asked the agent meanwhile. The rules are: the version line comes first and "end" last, every line is of a known
// key, and keys that must be there once are. Anything else is an error, since the engine would act on an incomplete
// observation.
func ParseObservation(reply Reply, of layout.Layout, mounts int, ask ...string) (*Observation, error) {
	lines, err := body(reply.Stdout, "worldsetup-observe 1")
	if err != nil {
		return nil, err
	}
	p := observationParser{
		Observation: Observation{
			Layout: of, Files: map[string]File{}, Units: map[string]Unit{}, Mounts: make([]Mount, mounts),
		},
		middle: reply.Sent.Add(reply.Received.Sub(reply.Sent) / 2),
		seen:   map[string]bool{},
	}
	if len(ask) > 0 {
		p.Answers = map[string]Answer{}
	}
	p.ClockError = reply.Received.Sub(reply.Sent) / 2
	for _, line := range lines {
		key, value, found := strings.Cut(line, "=")
		if strings.HasPrefix(line, "u_str ") {
			key, value, found = "listener", line, true
		}
		if !found && line != endOfUnit {
			return nil, fmt.Errorf("the guest's observation has a line without a key: %q", line)
		}
		if err := p.line(key, value); err != nil {
			return nil, fmt.Errorf("the guest's observation has a bad line %q: %w", line, err)
		}
	}
	if err := p.unit("", ""); err != nil {
		return nil, err
	}
	if p.seen["blind"] {
		p.Listening = nil
	}
	p.dropIns()
	p.Strangers = slices.DeleteFunc(p.Strangers, func(s Stranger) bool { return p.otherGeneration(s.Unit) })
	if p.Untouched {
		p.assume()
	}
	for _, key := range []string{"user", "home", "session-groups", "account-groups", "group", "sudo", "linger", "df",
		"time"} {
		if !p.seen[key] {
			return nil, fmt.Errorf("the guest's observation lacks %q", key)
		}
	}
	if err := errors.Join(p.lacksMount(), lacksAnswer(p.Answers, ask)); err != nil {
		return nil, err
	}
	for _, name := range p.units() {
		// Anyone who cannot enter /run cannot ask systemd either.
		if _, found := p.Units[name]; !found && p.Files["/run"].Open() {
			return nil, fmt.Errorf("the guest's observation lacks the unit %q", name)
		}
	}
	return &p.Observation, nil
}

// assume fills in the assumptions about a new guest.
func (p *observationParser) assume() {
	p.Sudo, p.DiskAvailable = true, math.MaxInt64
	p.seen["sudo"], p.seen["df"], p.seen["time"] = true, true, true
	for _, name := range p.units() {
		p.Units[name] = Unit{Load: "not-found", Active: "inactive", Sub: "dead"}
	}
}

// ParseMounts reads what the script "mounts" printed for the given number of mount points, as [ParseObservation] does.
func ParseMounts(reply Reply, mounts int) ([]Mount, error) {
	lines, err := body(reply.Stdout, "worldsetup-observe 1")
	if err != nil {
		return nil, err
	}
	p := observationParser{Observation: Observation{Mounts: make([]Mount, mounts)}, seen: map[string]bool{}}
	for _, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		err := fmt.Errorf("its key is unknown")
		switch key {
		case "mount":
			err = p.mount(value)
		case "entry":
			err = p.entry(value)
		case "answers":
			err = p.answers(value)
		}
		if err != nil {
			return nil, fmt.Errorf("the guest's list of mounts has a bad line %q: %w", line, err)
		}
	}
	return p.Mounts, p.lacksMount()
}

// lacksMount is the error of a mount point of which nothing was reported.
func (p *observationParser) lacksMount() error {
	for i := range p.Mounts {
		if !p.seen["mount="+strconv.Itoa(i)] {
			return fmt.Errorf("the guest's observation lacks mount point %d", i)
		}
	}
	return nil
}

// listenerPattern is a line of `ss -xle`, with the number of the file that a socket was bound to.
var listenerPattern = lazyregexp.New(`^u_str +LISTEN .* ino:([0-9]+) `)

// End is the last line that the scripts "observe" and "verify" print.
const End = "end"

// body returns the lines between the version line and End.
func body(text []byte, version string) ([]string, error) {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if lines[0] != version {
		return nil, fmt.Errorf("the guest printed %q, expected %q", lines[0], version)
	}
	if lines[len(lines)-1] != End {
		return nil, fmt.Errorf("the guest's answer was cut off after %q", lines[len(lines)-1])
	}
	return lines[1 : len(lines)-1], nil
}

type observationParser struct {
	Observation
	listed string    // the path whose access list is being read
	middle time.Time // of the round trip, in host time
	seen   map[string]bool
	block  map[string]string // of systemctl show
	text   []string          // of systemctl cat
}

func (p *observationParser) line(key, value string) (err error) {
	if name, isUnit := strings.CutPrefix(key, "unit."); isUnit {
		return p.unit(name, value)
	}
	if isAnswer(key) {
		return addAnswer(p.Answers, key, value)
	}
	switch key {
	case "stat":
		return p.stat(value)
	case "sha256":
		return p.sum(value)
	case "missing":
		p.Missing = append(p.Missing, value)
		return notEmpty(value)
	case "mount":
		return p.mount(value)
	case "entry":
		return p.entry(value)
	case "answers":
		return p.answers(value)
	case "text":
		p.text = append(p.text, value)
		return nil
	case "file-sets":
		file, text, _ := strings.Cut(value, "|")
		p.FileVariables = append(p.FileVariables, Variable{file, text})
		return notEmpty(text)
	case "all-have":
		p.AllHave = append(p.AllHave, value)
		return notEmpty(value)
	case "unwanted":
		p.Unwanted = append(p.Unwanted, value)
		return notEmpty(value)
	case "stranger":
		return p.stranger(value)
	case "listener":
		return p.listener(value)
	case "etc-group", "etc-passwd", "etc-gshadow":
		p.entryOfEtc(key, strings.Split(value, "|"))
		return nil
	case "sources":
		database, sources, _ := strings.Cut(value, "|")
		if p.Sources == nil {
			p.Sources = map[string][]string{}
		}
		p.Sources[database] = strings.Fields(sources)
		return nil
	case "acl":
		return p.accessList(value)
	case "broker", "pin":
		return p.ofTool(key, value)
	case "df":
		return p.df(value)
	case "way":
		p.way(value)
		return nil
	}
	if p.seen[key] {
		return fmt.Errorf("it comes twice")
	}
	p.seen[key] = true
	switch key {
	case "user":
		p.User = value
		return notEmpty(value)
	case "home":
		p.Home = value
		return notEmpty(value)
	case "session-groups":
		p.SessionGroups = strings.Fields(value)
	case "account-groups":
		p.AccountGroups = strings.Fields(value)
	case "group":
		p.Group, err = parseGroup(value)
	case "sudo":
		p.Sudo, err = parseYes(value)
	case "sudo-output":
		p.SudoOutput = strings.TrimSpace(value)
	case "marker":
		p.Marker, p.MarkerText, err = parseMarker(value)
	case "python":
		p.PythonFault = value
		return notEmpty(value)
	case "linger":
		p.Linger, err = parseYes(value)
	case "untouched":
		p.Untouched, err = parseYes(value)
	case "root-fs":
		p.ReadOnlyRoot = value == "ro"
	case "agent-runs":
		p.Runs = value
	case "resolver":
		p.Resolver = value
		return notEmpty(value)
	case "listeners":
		p.listening()
	case "time":
		err = p.clock(value)
	default:
		err = fmt.Errorf("its key is unknown")
	}
	return err
}

// maxOfTools bounds what is kept of what tools have left.
const maxOfTools = 16

// serverPattern is what the script takes for the address of a name server.
var serverPattern = lazyregexp.New(`^[0-9a-fA-F.:#]+$`)

// ofTool reads a variable of a broker, by its unit, or a fixed name server, by its file.
func (p *observationParser) ofTool(key, value string) error {
	at, text, _ := strings.Cut(value, "|")
	known := &p.Pins
	valid := slices.Contains(PinFiles, at) && serverPattern.MatchString(text)
	if key == "broker" {
		known = &p.Broker
		valid = slices.Contains(layout.BrokerVariables, text) &&
			slices.ContainsFunc(layout.All, func(of layout.Layout) bool { return of.Service() == at })
	}
	switch {
	case !valid:
		return fmt.Errorf("it names what was not asked for")
	case *known == nil:
		*known = map[string][]string{}
	}
	if len((*known)[at]) < maxOfTools {
		(*known)[at] = append((*known)[at], text)
	}
	return nil
}

func (p *observationParser) stat(value string) error {
	fields := strings.SplitN(value, "|", 7)
	if len(fields) != 7 {
		return fmt.Errorf("it wants 7 fields")
	}
	size, err := parseSize(fields[4])
	if err != nil {
		return err
	}
	inode, err := strconv.ParseUint(fields[5], 10, 64)
	if _, twice := p.Files[fields[6]]; twice {
		return fmt.Errorf("it comes twice")
	}
	p.Files[fields[6]] = File{Type: fields[0], Mode: fields[1], Owner: fields[2], Group: fields[3],
		Size: size, Inode: inode}
	return err
}

// dropIns gives the drop-ins of both units their lines: those of `systemctl cat`, in which each file has its name
// before it.
func (p *observationParser) dropIns() {
	var current *DropIn
	for _, line := range p.text {
		for name, unit := range p.Units {
			if line == "# "+unit.FragmentPath {
				current = nil
			}
			for i := range unit.DropIns {
				if line == "# "+unit.DropIns[i].Path {
					current = &p.Units[name].DropIns[i]
				}
			}
		}
		if current != nil {
			current.Lines = append(current.Lines, line)
		}
	}
}

// unitPattern is a unit's name.
var unitPattern = lazyregexp.New(`^[A-Za-z0-9:_.\\@-]{0,255}$`)

// stranger reads "UNIT|PID".
func (p *observationParser) stranger(value string) error {
	unit, number, _ := strings.Cut(value, "|")
	pid, err := strconv.Atoi(number)
	if err == nil && !unitPattern.MatchString(unit) {
		err = fmt.Errorf("it wants a unit's name")
	}
	if s := (Stranger{unit, pid}); !slices.Contains(p.Strangers, s) {
		p.Strangers = append(p.Strangers, s)
	}
	return err
}

func (p *observationParser) listener(value string) error {
	match := listenerPattern.FindStringSubmatch(value)
	if match == nil { // a kernel without unix_diag does not know the files
		p.seen["blind"] = true
		return nil
	}
	inode, err := strconv.ParseUint(match[1], 10, 64)
	p.listening()[inode] = true
	return err
}

func (p *observationParser) listening() map[uint64]bool {
	if p.Listening == nil {
		p.Listening = map[uint64]bool{}
	}
	return p.Listening
}

var sumPattern = lazyregexp.New(`^[0-9a-f]{64}$`)

func (p *observationParser) sum(value string) error {
	sum, path, found := strings.Cut(value, "  ")
	file, known := p.Files[path]
	if !found || !known || !sumPattern.MatchString(sum) {
		return fmt.Errorf("it wants a SHA-256 and the path of a file named before")
	}
	if path == MarkerPath && sum == p.Layout.MarkerSum() {
		p.Marker = p.Layout.Marker
	}
	file.SHA256 = sum
	p.Files[path] = file
	return nil
}

// MaxMarker is how much of the marker is read, in bytes: a name has one less, with the end of its line.
const MaxMarker = 65

// markerPattern is a marker that names a layout.
var markerPattern = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]*\n$`)

// parseMarker reads the first bytes of a marker that does not name the observation's layout, in hexadecimal.
func parseMarker(value string) (name, text string, err error) {
	bytes, err := hex.DecodeString(strings.ReplaceAll(value, " ", ""))
	if err == nil && len(bytes) > MaxMarker {
		err = fmt.Errorf("it is too long")
	}
	if markerPattern.Match(bytes) && len(bytes) < MaxMarker {
		return strings.TrimSuffix(string(bytes), "\n"), "", err
	}
	return "", string(bytes), err
}

// endOfUnit separates the properties of one unit from those of the next.
const endOfUnit = "unit."

// unit collects the properties of one unit; an empty name ends it.
func (p *observationParser) unit(name, value string) error {
	if name != "" {
		if p.block == nil {
			p.block = map[string]string{}
		}
		p.block[name] = value
		return nil
	}
	if p.block == nil {
		return nil
	}
	block := p.block
	p.block = nil
	unit := Unit{
		Load: block["LoadState"], Active: block["ActiveState"], Sub: block["SubState"],
		FileState:   block["UnitFileState"],
		NeedsReload: block["NeedDaemonReload"] == "yes", Result: block["Result"],
		FragmentPath: block["FragmentPath"],
	}
	for _, path := range words(block["DropInPaths"]) {
		unit.DropIns = append(unit.DropIns, DropIn{Path: path})
	}
	if text := block["NRestarts"]; text != "" { // services only
		restarts, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		unit.Restarts = restarts
	}
	if block["Id"] == "" || unit.Load == "" || unit.Active == "" {
		return fmt.Errorf("the guest's observation of a unit lacks its name or state: %v", block)
	}
	if name := block["Id"]; !slices.Contains(p.units(), name) {
		return fmt.Errorf("the guest's observation has an unexpected unit: %q", name)
	}
	p.Units[block["Id"]] = unit
	return nil
}

func (p *observationParser) mount(value string) error {
	number, rest, _ := strings.Cut(value, "|")
	index, err := p.index(number)
	if err != nil {
		return err
	}
	if p.seen["mount="+number] {
		return fmt.Errorf("it comes twice")
	}
	p.seen["mount="+number] = true
	fstype, options, _ := strings.Cut(rest, " ")
	mount := &p.Mounts[index]
	mount.FSType, mount.Silent = fstype, fstype != "" && !p.seen["answers="+number]
	for option := range strings.SplitSeq(options, ",") {
		mount.ReadOnly = mount.ReadOnly || option == "ro"
	}
	return nil
}

// answers reads "INDEX|ANSWER": a mount has answered, by a directory ("yes") or not; "refused" is the host's answer.
func (p *observationParser) answers(value string) error {
	number, answer, _ := strings.Cut(value, "|")
	index, err := p.index(number)
	if err != nil {
		return err
	}
	if p.seen["answers="+number] {
		return fmt.Errorf("it comes twice")
	}
	p.seen["answers="+number] = true
	mount := &p.Mounts[index]
	mount.Silent = false
	if answer == "refused" {
		mount.Refused = true
		return nil
	}
	alive, err := parseYes(answer)
	mount.Dead = !alive
	return err
}

func (p *observationParser) entry(value string) error {
	fields := strings.SplitN(value, "|", 5)
	if len(fields) != 5 || len(fields[1]) != 1 {
		return fmt.Errorf("it wants 5 fields")
	}
	index, err := p.index(fields[0])
	if err != nil {
		return err
	}
	size, err := parseSize(fields[2])
	if err != nil {
		return err
	}
	seconds, err := parseSeconds(fields[3])
	if err != nil {
		return err
	}
	entry := Entry{Name: fields[4], Type: fields[1][0], Size: size, ModTime: time.Unix(int64(math.Floor(seconds)), 0)}
	p.Mounts[index].Entries = append(p.Mounts[index].Entries, entry)
	return notEmpty(entry.Name)
}

func (p *observationParser) index(text string) (int, error) {
	index, err := strconv.Atoi(text)
	if err == nil && (index < 0 || index >= len(p.Mounts)) {
		err = fmt.Errorf("there is no mount point %d", index)
	}
	return index, err
}

// df reads a line of df: device, size, used, available, percent, inodes available, their percent, mount point.
func (p *observationParser) df(value string) error {
	fields := strings.Fields(value)
	if len(fields) < 8 {
		return fmt.Errorf("it wants 8 fields")
	}
	available, err := parseSize(fields[3])
	if err != nil {
		return err
	}
	used, err := strconv.Atoi(strings.TrimSuffix(fields[4], "%"))
	if err != nil {
		return err
	}
	files, err := parseSize(fields[5])
	if fields[6] == "-" { // a file system without a limit
		files, err = math.MaxInt64, nil
	}
	if p.Rooms == nil {
		p.Rooms = map[string]Room{}
	}
	p.Rooms[fields[7]] = Room{Available: available << 10, Files: files}
	if fields[7] == "/" {
		p.seen["df"], p.DiskAvailable, p.DiskUsed = true, available<<10, used
	}
	return err
}

func (p *observationParser) clock(value string) error {
	seconds, err := parseSeconds(value)
	if err != nil {
		return err
	}
	guest := time.UnixMicro(int64(seconds * 1e6))
	p.ClockAhead = guest.Sub(p.middle)
	return nil
}

func parseGroup(value string) (*Group, error) {
	if value == "" {
		return nil, nil
	}
	fields := strings.Split(value, ":")
	if len(fields) != 4 {
		return nil, fmt.Errorf("it wants 4 fields")
	}
	gid, err := strconv.Atoi(fields[2])
	if err != nil {
		return nil, err
	}
	group := &Group{GID: gid}
	if fields[3] != "" {
		group.Members = strings.Split(fields[3], ",")
	}
	return group, nil
}

// parseSize reads a number of something that cannot be negative.
func parseSize(value string) (int64, error) {
	size, err := strconv.ParseUint(value, 10, 63)
	return int64(size), err
}

// parseSeconds reads a plausible time in seconds since 1970.
func parseSeconds(value string) (float64, error) {
	seconds, err := strconv.ParseFloat(value, 64)
	if err == nil && !(math.Abs(seconds) < 1e11) {
		err = fmt.Errorf("it wants a time")
	}
	return seconds, err
}

func parseYes(value string) (bool, error) {
	switch value {
	case "yes":
		return true, nil
	case "no":
		return false, nil
	}
	return false, fmt.Errorf("it wants yes or no")
}

func notEmpty(value string) error {
	if value == "" {
		return fmt.Errorf("its value is missing")
	}
	return nil
}
