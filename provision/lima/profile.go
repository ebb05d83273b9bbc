package lima

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Where the agent's socket is in the guest, and where Lima forwards it to on the host, below the instance's directory.
const (
	GuestSocket = layout.AgentSocket
	HostSocket  = "sock/substrate.sock"
)

// AgentPort is the guest's loopback port on which older agents listened as well. It is never forwarded: on the host's
// loopback every local user could reach it.
const AgentPort = 61337

// Wanted is the part of a VM's configuration that a world needs. Zero values mean that anything will do.
type Wanted struct {
	VMType, Arch, MountType string
	CPUs                    int
	Memory, Disk            int64 // bytes
	Images                  []limatype.Image
	Home                    string // host directory, mounted read-only at its own path
	NoHome                  bool   // no mount shows Home, but one within it may be there, and the project
	Project                 string // host directory, mounted writable at [layout.ProjectMount]
	NoMounts                bool   // neither is mounted: the project is staged
	Rosetta                 bool   // run binaries for x86_64 on Apple silicon
	NoRosetta               bool   // don't, even if a profile does
}

// parseTime bounds the reading of a profile, which takes milliseconds. The parser's time grows with the square of the
// nesting: 64 KiB of brackets keep it busy for 15 s, and the 1 MiB that a profile may have for an hour.
const parseTime = 5 * time.Second

// ParseProfile reads a profile or the configuration of a VM. Fields that Lima's types do not have are left to Lima,
// which may be newer.
func ParseProfile(text []byte) (*limatype.LimaYAML, error) {
	type result struct {
		profile *limatype.LimaYAML
		err     error
	}
	done := make(chan result, 1)
	go crash.Guard(func() {
		profile, err := parseProfile(text)
		done <- result{profile, err}
	})()
	select {
	case read := <-done:
		return read.profile, read.err
	case <-time.After(parseTime): // the parser can't be stopped
		return new(limatype.LimaYAML), fmt.Errorf("it could not be read within %v: it is nested too deeply", parseTime)
	}
}

// lastRead is the lima.yaml that was read last: a run asks for the signs in that of its VM several times.
var lastRead reading

// reading keeps what ParseProfile returned for a text, for who doesn't change it.
type reading struct {
	mu     sync.Mutex
	text   []byte
	config *limatype.LimaYAML // nil before the first
	err    error
}

func (r *reading) parse(text []byte) (*limatype.LimaYAML, error) {
	if len(text) == 0 { // there is no VM; that of another one may be asked for again
		return &limatype.LimaYAML{}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config == nil || !bytes.Equal(text, r.text) {
		r.config, r.err = ParseProfile(text)
		r.text = bytes.Clone(text)
	}
	return r.config, r.err
}

func parseProfile(text []byte) (profile *limatype.LimaYAML, err error) {
	defer recovered(&err)
	profile = &limatype.LimaYAML{}
	err = yaml.UnmarshalWithOptions(text, profile,
		yaml.CustomUnmarshaler(func(bases *limatype.BaseTemplates, text []byte) error {
			readBases(bases, text)
			return nil
		}),
		yaml.CustomUnmarshaler(textOr[limatype.Disk](func(disk *limatype.Disk) *string { return &disk.Name })),
		yaml.CustomUnmarshaler(textOr[limatype.LocatorWithDigest](
			func(file *limatype.LocatorWithDigest) *string { return &file.URL })),
	)
	return profile, err
}

// recovered turns a panic of the YAML library, to which some texts lead it, into an error.
func recovered(err *error) {
	if problem := recover(); problem != nil {
		*err = fmt.Errorf("it can't be read as YAML: %v", problem)
	}
}

// readBases reads the locators of bases. What they may be otherwise is for Lima to know: it is one without a locator.
func readBases(bases *limatype.BaseTemplates, text []byte) {
	var one limatype.LocatorWithDigest
	locator := textOr(func(file *limatype.LocatorWithDigest) *string { return &file.URL })
	if locator(&one, text) == nil {
		*bases = limatype.BaseTemplates{one}
		return
	}
	var list []limatype.LocatorWithDigest
	if yaml.UnmarshalWithOptions(text, &list, yaml.CustomUnmarshaler(locator)) != nil || len(list) == 0 {
		list = []limatype.LocatorWithDigest{{}}
	}
	*bases = list
}

// Refers reports whether a profile refers to others, or to the files of scripts.
func Refers(profile *limatype.LimaYAML) bool {
	return len(profile.Base) > 0 ||
		slices.ContainsFunc(profile.Provision, func(p limatype.Provision) bool { return p.File != nil }) ||
		slices.ContainsFunc(profile.Probes, func(p limatype.Probe) bool { return p.File != nil })
}

var variable = lazyregexp.New(`\$(?:(HOME|PROJECT)\b|\{(HOME|PROJECT)\})`)

// Substitute returns a profile with the variables HOME and PROJECT in it replaced, as envsubst does, if it was written
// for that: scripts mean their own HOME, so only variables beside them show it.
func Substitute(text []byte, home, project string) []byte {
	if !variable.Match(text) {
		return text
	}
	values, err := anyValues(text)
	if err != nil {
		return text
	}
	for _, key := range []string{"provision", "probes", "message", "env"} {
		delete(values, key)
	}
	if settings, err := yaml.Marshal(values); err != nil || !variable.Match(settings) {
		return text
	}
	return variable.ReplaceAllFunc(text, func(name []byte) []byte {
		if bytes.Contains(name, []byte("HOME")) {
			return []byte(home)
		}
		return []byte(project)
	})
}

func anyValues(text []byte) (values map[string]any, err error) {
	defer recovered(&err)
	err = yaml.Unmarshal(text, &values)
	return values, err
}

// UseNames gives the directories the names that they have in the configuration of a VM.
func (w *Wanted) UseNames(config *limatype.LimaYAML) {
	home := w.Home
	if w.NoHome {
		home = "" // none of its names is there
	}
	for _, mount := range config.Mounts {
		location, point := mount.Location, filepath.Clean(mountPoint(mount))
		switch {
		case point == layout.ProjectMount && SameDirectory(location, w.Project):
			w.Project = location
		case home != "" && point == home && SameDirectory(location, home):
			w.Home = home
			home = "" // the name of this user is there: no other one counts
		case home != "" && point != layout.ProjectMount && SameDirectory(location, home) && SameDirectory(point, home):
			w.Home = point
		}
	}
}

// textOr reads a T that can also be written as a text, which goes into one of its fields.
func textOr[T any](field func(*T) *string) func(*T, []byte) error {
	return func(value *T, text []byte) error {
		var plain string
		if yaml.Unmarshal(text, &plain) == nil {
			*field(value) = plain
			return nil
		}
		return yaml.Unmarshal(text, value)
	}
}

// Differences lists the parts of w that the configuration of an existing instance, as `limactl list` prints it, lacks,
// as text for a user. What can be changed in place is in editable, the rest would need another VM.
func (w Wanted) Differences(instance *limatype.Instance) (editable, replace []string) {
	config := instance.Config
	if w.VMType != "" && instance.VMType != w.VMType {
		replace = append(replace, fmt.Sprintf("its VM type is %s, and %s was asked for", instance.VMType, w.VMType))
	}
	if w.Arch != "" && instance.Arch != w.Arch {
		replace = append(replace, fmt.Sprintf("its processor is %s, and %s is needed", instance.Arch, w.Arch))
	}
	if len(w.Images) > 0 && (len(config.Images) == 0 || config.Images[0].Location != w.Images[0].Location) {
		replace = append(replace, fmt.Sprintf("it was not made from the image %s", w.Images[0].Location))
	}
	if w.Disk != 0 && w.Disk < instance.Disk {
		replace = append(replace, fmt.Sprintf("its disk has %s, and a disk never shrinks to %s", size(instance.Disk),
			size(w.Disk)))
	}
	if w.Disk > instance.Disk {
		editable = append(editable, fmt.Sprintf("its disk has %s, and %s was asked for", size(instance.Disk),
			size(w.Disk)))
	}
	if w.CPUs != 0 && w.CPUs != instance.CPUs {
		editable = append(editable, fmt.Sprintf("it has %d processors, and %d were asked for", instance.CPUs, w.CPUs))
	}
	if w.Memory != 0 && w.Memory != instance.Memory {
		editable = append(editable, fmt.Sprintf("it has %s of memory, and %s was asked for", size(instance.Memory),
			size(w.Memory)))
	}
	if w.MountType != "" && config.MountType != nil && *config.MountType != w.MountType {
		editable = append(editable, fmt.Sprintf("its mount type is %s, and %s was asked for", *config.MountType,
			w.MountType))
	}
	return append(editable, w.missing(instance)...), replace
}

// missing lists the mounts, forwards and scripts that the instance's configuration lacks.
func (w Wanted) missing(instance *limatype.Instance) (missing []string) {
	config := instance.Config
	if config.Plain != nil && *config.Plain {
		missing = append(missing, "it is plain: Lima mounts nothing and forwards no sockets")
	}
	switch {
	case w.NoMounts:
		for _, mount := range config.Mounts {
			point := mountPoint(mount)
			if filepath.Clean(point) == layout.ProjectMount || w.showsHome(mount.Location, point) {
				missing = append(missing, fmt.Sprintf(
					"%s is mounted at %s, and the project is to be a copy in the guest", mount.Location, point))
			}
		}
	case w.NoHome:
		for _, mount := range config.Mounts {
			if w.showsHome(mount.Location, mountPoint(mount)) {
				missing = append(missing, fmt.Sprintf("%s is mounted, and your home directory is to be left out",
					mount.Location))
			}
		}
	case !hasMount(config.Mounts, w.Home, w.Home, false):
		missing = append(missing, fmt.Sprintf("%s is not mounted read-only", w.Home))
	}
	if !w.NoMounts && !hasMount(config.Mounts, w.Project, layout.ProjectMount, true) {
		missing = append(missing, fmt.Sprintf("%s is not mounted writable at %s", w.Project, layout.ProjectMount))
	}
	forwards := func(rule limatype.PortForward) bool {
		return rule.GuestSocket == GuestSocket && !rule.Reverse &&
			SameDirectory(rule.HostSocket, HostSocketPath(instance))
	}
	if !slices.ContainsFunc(config.PortForwards, forwards) {
		missing = append(missing, GuestSocket+" is not forwarded to the host")
	}
	if !keepsAgentPort(config.PortForwards) {
		missing = append(missing, fmt.Sprintf("the guest's port %d is not kept off the host", AgentPort))
	}
	if !slices.ContainsFunc(config.Provision, isBootGroup) {
		missing = append(missing, "no boot script gives the user the agent's group")
	}
	if units := UnitsWritten(config); len(units) > 0 {
		missing = append(missing, fmt.Sprintf("a provision script, as %s has one, writes %s again at every boot: it is "+
			"taken out, and lima.yaml is kept as %s", layout.ToolWarm, and(units), KeptConfig))
	}
	return missing
}

// stampPrefix begins the comment at the top of each profile that worldsetup creates a VM from. Lima keeps comments.
const stampPrefix = "# worldsetup made this VM, in the run "

// Stamp puts a comment before a profile that shows that worldsetup created a VM from it, and in which run.
func Stamp(profile []byte, run string) []byte {
	return append([]byte(stampPrefix+run+"\n"), profile...)
}

// HasStamp reports whether the text of a lima.yaml has the stamp of any run.
func HasStamp(text []byte) bool { return bytes.Contains(text, []byte(stampPrefix)) }

// Stamped reports whether the text of a lima.yaml has the stamp of a run.
func Stamped(text []byte, run string) bool { return bytes.Contains(text, []byte(stampPrefix+run+"\n")) }

// Signs returns what in the text of an instance's lima.yaml shows that it is a world, even if parts of it were removed
// since; nothing for other instances. What Lima merges from elsewhere does not count: it is in all instances.
func Signs(text []byte) (signs []string) {
	if HasStamp(text) {
		signs = append(signs, "lima.yaml has the stamp of worldsetup")
	}
	config, err := lastRead.parse(text)
	if err != nil {
		if bytes.Contains(text, []byte(GuestSocket)) {
			signs = append(signs, "lima.yaml names "+GuestSocket)
		}
		return signs
	}
	return append(signs, SignsIn(config)...)
}

// ForwardSign is the sign that others leave as well.
const ForwardSign = "it forwards " + GuestSocket

// SignsIn returns what in a configuration shows that the VM is a world.
func SignsIn(config *limatype.LimaYAML) (signs []string) {
	if ForwardsAgent(config) {
		signs = append(signs, ForwardSign)
	}
	if slices.ContainsFunc(config.Provision, isBootGroup) {
		signs = append(signs, "it has the boot script of a world")
	}
	return signs
}

// ForwardsAgent reports whether a configuration forwards the agent's socket.
func ForwardsAgent(config *limatype.LimaYAML) bool {
	return slices.ContainsFunc(config.PortForwards, func(rule limatype.PortForward) bool {
		return rule.GuestSocket == GuestSocket
	})
}

// homeLeftOut is a line at the top of the lima.yaml of a VM that is not to show the home directory. Lima keeps
// comments.
const homeLeftOut = "# worldsetup leaves the home directory out of this VM's mounts"

// HomeLeftOut reports whether the text of a lima.yaml says that the home directory is to be left out.
func HomeLeftOut(text []byte) bool {
	return slices.ContainsFunc(slices.Collect(bytes.Lines(text)), isHomeLeftOut)
}

func isHomeLeftOut(line []byte) bool {
	return string(bytes.TrimRight(line, " \r\n")) == homeLeftOut // with spaces before it, it may be in a script
}

// staged begins a line at the top of the lima.yaml of a VM that has a copy of its project, with the path in quotes.
const staged = "# worldsetup copies the project into this VM: "

// StagedProject returns the project that the text of a lima.yaml says to be copied into the VM; empty for none.
func StagedProject(text []byte) (project string) {
	for line := range bytes.Lines(text) {
		if isStaged(line) {
			project, _ = strconv.Unquote(string(bytes.TrimSpace(line[len(staged):]))) // empty for what is not quoted
		}
	}
	return project
}

func isStaged(line []byte) bool { return bytes.HasPrefix(line, []byte(staged)) }

// HostSocketPath is where the agent's socket is forwarded to on the host.
func HostSocketPath(instance *limatype.Instance) string { return HostSocketIn(instance.Dir) }

// HostSocketIn is HostSocketPath for the directory of an instance.
func HostSocketIn(dir string) string { return filepath.Join(dir, filepath.FromSlash(HostSocket)) }

func hasMount(mounts []limatype.Mount, location, point string, writable bool) bool {
	for _, mount := range mounts {
		if filepath.Clean(mountPoint(mount)) == point {
			return SameDirectory(mount.Location, location) && (mount.Writable != nil && *mount.Writable) == writable
		}
	}
	return false
}

func mountPoint(mount limatype.Mount) string {
	if mount.MountPoint != nil {
		return *mount.MountPoint
	}
	return mount.Location
}

// keepsAgentPort reports whether the first rule for the agent's port, which is the one that counts, ignores it.
func keepsAgentPort(rules []limatype.PortForward) bool {
	first := slices.IndexFunc(rules, coversAgentPort)
	return first >= 0 && ignoresAgentPort(rules[first])
}

// coversAgentPort reports whether a rule is for the agent's port on the guest's loopback: one without a port is for
// all.
func coversAgentPort(rule limatype.PortForward) bool {
	low, high := rule.GuestPortRange[0], rule.GuestPortRange[1]
	ports := rule.GuestPort == AgentPort || low <= AgentPort && AgentPort <= high || rule.GuestPort == 0 && high == 0
	loopback := rule.GuestIP == nil || rule.GuestIP.IsLoopback() || rule.GuestIP.IsUnspecified()
	onlyZero := rule.GuestIP.Equal(net.IPv4zero)
	if rule.GuestIPMustBeZero != nil {
		onlyZero = *rule.GuestIPMustBeZero
	}
	return ports && loopback && !onlyZero && rule.GuestSocket == "" && !rule.Reverse && rule.Proto != limatype.ProtoUDP
}

func ignoresAgentPort(rule limatype.PortForward) bool {
	return rule.Ignore && (rule.GuestPort == AgentPort || rule.GuestPortRange == [2]int{AgentPort, AgentPort}) &&
		(rule.GuestIPMustBeZero == nil || !*rule.GuestIPMustBeZero)
}

// isBootGroup compares from the line on that no template changes; Lima has put the user's name in above it.
func isBootGroup(provision limatype.Provision) bool {
	if provision.Mode != limatype.ProvisionModeBoot || provision.Script == nil {
		return false
	}
	_, want, _ := strings.Cut(embed.BootGroup(), "{{.User}}")
	_, have, _ := strings.Cut(*provision.Script, "\nuser='")
	return strings.HasSuffix(strings.TrimSpace(have), strings.TrimSpace(want))
}

// literal keeps Lima from reading a path as a template.
func literal(path string) string { return strings.ReplaceAll(path, "{{", "{{`{{`}}") }

// size writes a number of bytes as Lima reads it; 0 is empty.
func size(bytes int64) string {
	switch {
	case bytes == 0:
		return ""
	case bytes%(1<<30) == 0:
		return strconv.FormatInt(bytes>>30, 10) + "GiB"
	case bytes%(1<<20) == 0:
		return strconv.FormatInt(bytes>>20, 10) + "MiB"
	}
	return strconv.FormatInt(bytes, 10)
}
