package lima

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
)

// Where the agent's socket is in the guest, and where Lima forwards it to on the host, below the instance's directory.
const (
	GuestSocket = "/run/substrate.sock"
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
	Project                 string // host directory, mounted writable at ProjectMount
	ProjectMount            string
	Rosetta                 bool // run binaries for x86_64 on Apple silicon
}

// ParseProfile reads a profile strictly: a field that Lima's types do not have is an error.
func ParseProfile(text []byte) (*limatype.LimaYAML, error) {
	var profile limatype.LimaYAML
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict(), yaml.DisallowUnknownField())
	err := decoder.Decode(&profile)
	if errors.Is(err, io.EOF) || err == nil && reflect.ValueOf(profile).IsZero() {
		return nil, errors.New("it holds no settings")
	}
	return &profile, err
}

// MarshalProfile writes a profile as YAML.
func MarshalProfile(profile *limatype.LimaYAML) ([]byte, error) {
	return yaml.MarshalWithOptions(profile, yaml.UseLiteralStyleIfMultiline(true))
}

// Apply writes w to profile, which may be empty, and leaves the rest of it alone.
func (w Wanted) Apply(profile *limatype.LimaYAML) {
	set(&profile.VMType, w.VMType)
	set(&profile.Arch, w.Arch)
	set(&profile.MountType, w.MountType)
	if w.CPUs != 0 {
		profile.CPUs = &w.CPUs
	}
	set(&profile.Memory, size(w.Memory))
	set(&profile.Disk, size(w.Disk))
	if len(w.Images) > 0 {
		profile.Images = w.Images
	}
	if w.Rosetta {
		if profile.VMOpts == nil {
			profile.VMOpts = limatype.VMOpts{}
		}
		enabled := true
		profile.VMOpts[limatype.VZ] = limatype.VZOpts{Rosetta: limatype.Rosetta{Enabled: &enabled, BinFmt: &enabled}}
	}
	profile.Mounts = w.mounts(profile.Mounts)
	profile.PortForwards = w.forwards(profile.PortForwards)
	profile.Provision = w.provision(profile.Provision)
}

// mounts are the wanted ones, and those of others at other places.
func (w Wanted) mounts(others []limatype.Mount) []limatype.Mount {
	readOnly, writable := false, true
	home, project := literal(w.Home), w.ProjectMount
	mounts := []limatype.Mount{
		{Location: home, MountPoint: &home, Writable: &readOnly},
		{Location: literal(w.Project), MountPoint: &project, Writable: &writable},
	}
	for _, mount := range others {
		if point := mountPoint(mount); point != w.Home && point != w.ProjectMount {
			mounts = append(mounts, mount)
		}
	}
	return mounts
}

// forwards come first, since Lima takes the first rule that fits.
func (w Wanted) forwards(others []limatype.PortForward) []limatype.PortForward {
	forwards := []limatype.PortForward{
		{GuestPort: AgentPort, Ignore: true},
		{GuestSocket: GuestSocket, HostSocket: "{{.Dir}}/" + HostSocket},
	}
	for _, forward := range others {
		if forward.GuestSocket != GuestSocket && !ignoresAgentPort(forward) {
			forwards = append(forwards, forward)
		}
	}
	return forwards
}

func (w Wanted) provision(others []limatype.Provision) []limatype.Provision {
	script := embed.BootGroup()
	provision := []limatype.Provision{{Mode: limatype.ProvisionModeBoot, Script: &script}}
	for _, other := range others {
		if !isBootGroup(other) {
			provision = append(provision, other)
		}
	}
	return provision
}

// Differences lists the parts of w that config, the configuration of an existing instance as `limactl list` prints it,
// lacks, as text for a user. What can be changed in place is in editable, the rest would need another VM.
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
	if !hasMount(config.Mounts, w.Home, w.Home, false) {
		missing = append(missing, fmt.Sprintf("%s is not mounted read-only", w.Home))
	}
	if !hasMount(config.Mounts, w.Project, w.ProjectMount, true) {
		missing = append(missing, fmt.Sprintf("%s is not mounted writable at %s", w.Project, w.ProjectMount))
	}
	var forward, ignored, boot bool
	for _, rule := range config.PortForwards {
		if rule.GuestSocket == GuestSocket && rule.HostSocket == HostSocketPath(instance) && !rule.Reverse {
			forward = true
		}
		ignored = ignored || ignoresAgentPort(rule)
	}
	for _, provision := range config.Provision {
		boot = boot || isBootGroup(provision)
	}
	if !forward {
		missing = append(missing, GuestSocket+" is not forwarded to the host")
	}
	if !ignored {
		missing = append(missing, fmt.Sprintf("the guest's port %d is not kept off the host", AgentPort))
	}
	if !boot {
		missing = append(missing, "no boot script gives the user the agent's group")
	}
	return missing
}

// Settings returns the edits that make the configuration of an existing instance satisfy w.
func (w Wanted) Settings(instance *limatype.Instance) []Setting {
	edited := *instance.Config
	w.Apply(&edited)
	settings := []Setting{
		{".mounts", edited.Mounts},
		{".portForwards", edited.PortForwards},
		{".provision", edited.Provision},
	}
	if w.CPUs != 0 {
		settings = append(settings, Setting{".cpus", w.CPUs})
	}
	if w.Memory != 0 {
		settings = append(settings, Setting{".memory", size(w.Memory)})
	}
	if w.Disk != 0 {
		settings = append(settings, Setting{".disk", size(w.Disk)})
	}
	if w.MountType != "" {
		settings = append(settings, Setting{".mountType", w.MountType})
	}
	return settings
}

// stampPrefix begins the comment at the top of each profile that worldsetup creates a VM from. Lima keeps comments.
const stampPrefix = "# worldsetup made this VM, in the run "

// Stamp puts a comment before a profile that shows that worldsetup created a VM from it, and in which run.
func Stamp(profile []byte, run string) []byte {
	return append([]byte(stampPrefix+run+"\n"), profile...)
}

// Stamped reports whether the text of a lima.yaml has the stamp of a run.
func Stamped(text []byte, run string) bool { return bytes.Contains(text, []byte(stampPrefix+run+"\n")) }

// Signs returns what in the text of an instance's lima.yaml shows that it is a world, even if parts of it were removed
// since; nothing for other instances. What Lima merges from elsewhere does not count: it is in all instances.
func Signs(text []byte) (signs []string) {
	if bytes.Contains(text, []byte(stampPrefix)) {
		signs = append(signs, "lima.yaml has the stamp of worldsetup")
	}
	var config limatype.LimaYAML
	if yaml.Unmarshal(text, &config) != nil {
		if bytes.Contains(text, []byte(GuestSocket)) {
			signs = append(signs, "lima.yaml names "+GuestSocket)
		}
		return signs
	}
	if slices.ContainsFunc(config.PortForwards, func(rule limatype.PortForward) bool {
		return rule.GuestSocket == GuestSocket
	}) {
		signs = append(signs, "it forwards "+GuestSocket)
	}
	if slices.ContainsFunc(config.Provision, isBootGroup) {
		signs = append(signs, "it has the boot script of a world")
	}
	return signs
}

// HostSocketPath is where the agent's socket is forwarded to on the host.
func HostSocketPath(instance *limatype.Instance) string {
	return filepath.Join(instance.Dir, filepath.FromSlash(HostSocket))
}

func hasMount(mounts []limatype.Mount, location, point string, writable bool) bool {
	for _, mount := range mounts {
		if mountPoint(mount) == point {
			return mount.Location == location && (mount.Writable != nil && *mount.Writable) == writable
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

func set(field **string, value string) {
	if value != "" {
		*field = &value
	}
}

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
