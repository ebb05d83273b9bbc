package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// newProfile is the profile of a new VM, as YAML.
func (t target) newProfile() ([]byte, error) {
	wanted := t.wanted
	wanted.VMType, wanted.Arch = t.vmType, t.arch
	wanted.Rosetta = t.onAppleSilicon() && t.rosetta
	wanted.NoRosetta = t.onAppleSilicon() && !t.rosetta
	if wanted.CPUs == 0 && !t.has(func(c *limatype.LimaYAML) bool { return c.CPUs != nil }) {
		wanted.CPUs = DefaultCPUs
	}
	if wanted.Memory == 0 && !t.has(func(c *limatype.LimaYAML) bool { return c.Memory != nil }) {
		wanted.Memory = DefaultMemory
	}
	if wanted.Disk == 0 && !t.has(func(c *limatype.LimaYAML) bool { return c.Disk != nil }) {
		wanted.Disk = DefaultDisk
	}
	text, err := wanted.Edit(t.text, "")
	if err != nil {
		failure := about("profile", usage("write it in another form", "the profile can't be completed"))
		failure.Why, failure.Err = err.Error(), err
		return nil, failure
	}
	return text, nil
}

// editedConfig is the configuration of the VM in dir with what is wanted.
func (t target) editedConfig(dir string) ([]byte, error) {
	path := filepath.Join(dir, filenames.LimaYAML)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	edited, err := t.wanted.Edit(text, dir)
	if err != nil {
		return nil, &Error{
			Kind: KindUsage, What: "worldsetup can't edit the configuration of the VM in its current form",
			Why: fmt.Sprintf("%s: %v", path, err), Err: err,
			Next: fmt.Sprintf("edit it yourself (limactl edit %s), then run worldsetup again", t.spec.VM),
		}
	}
	return edited, nil
}

// driverRefuses returns why Lima's driver would not run a VM with this configuration on a machine of that system and
// processor, as Go calls it; nil when it would. `limactl validate` never asks the driver: create and edit do, the
// latter after the VM was stopped (validateConfig in pkg/driver/vz and pkg/driver/qemu).
func (t target) driverRefuses(config *limatype.LimaYAML, goos, goarch string) *Error {
	mounts := t.setting(profile.MountType, deref(config.MountType))
	native := limatype.NewArch(goarch)
	vz, mac := t.vmType == limatype.VZ, goos == "darwin"
	switch {
	case vz && mounts == limatype.NINEP:
		return about("mount-type", usage("use --mount-type virtiofs, or reverse-sshfs",
			"VMs of the type vz don't support mounts of the type 9p"))
	case !vz && mac && mounts == limatype.VIRTIOFS:
		return about("mount-type", usage("use --mount-type 9p, or --vm-type vz",
			"on a Mac, VMs of the type %s don't support mounts of the type virtiofs", t.vmType))
	case vz && t.arch != native:
		return about("vm-type", usage("use --vm-type qemu, which emulates it, or an image for this Mac's processor",
			"VMs of the type vz have the processor of this Mac, %s, and %s was asked for", native, t.arch))
	}
	for _, image := range config.Firmware.Images {
		if vz && image.Arch == t.arch && (image.VMType == "" || image.VMType == limatype.VZ) {
			return about("profile", usage("remove firmware.images from it, or use --vm-type qemu",
				"VMs of the type vz have firmware of their own, and the profile names another"))
		}
	}
	return nil
}

// imagePlaces returns the places where a new VM's image may come from.
func (t target) imagePlaces() (places []string) {
	images := t.wanted.Images
	if len(images) == 0 && t.profile != nil {
		images = t.profile.Images
	}
	for _, image := range images {
		if image.Arch == "" || image.Arch == t.arch {
			places = append(places, image.Location)
		}
	}
	return places
}

// sizeOf is the size that counts in a new VM.
func (t target) sizeOf(field func(*limatype.LimaYAML) *string, wanted, initial int64) int64 {
	text := t.setting(field, "")
	if wanted != 0 {
		text = t.setting(field, strconv.FormatInt(wanted, 10))
	}
	bytes, err := units.RAMInBytes(text)
	if err != nil || bytes == 0 {
		return initial // none is named, or one that Lima will refuse
	}
	return bytes
}

// getsOf describes the world of a target, in the present state.
func getsOf(t target, s State) *Gets {
	g := &Gets{Project: t.spec.Project, Home: t.wanted.Home, Type: t.vmType, Arch: t.arch, Layout: t.layout.Name,
		Worktree: t.linked}
	if t.wanted.NoHome || !t.layout.Mounts() {
		g.Home = ""
	}
	if !t.layout.Mounts() {
		g.Staged = t.layout.Current()
	}
	g.mark("home", t.wanted.NoHome != (s.Instance != nil && s.HomeLeftOut))
	cpus, memory, disk := DefaultCPUs, int64(DefaultMemory), int64(DefaultDisk)
	old := s.Instance
	if old != nil {
		cpus, memory, disk = old.CPUs, old.Memory, old.Disk
		if old.Config != nil {
			g.mark("project", profile.Project(old) != g.Project)
		}
	}
	if old == nil || t.spec.Replace != "" || s.HalfCreated {
		g.CPUs = t.cpus()
		g.Memory = t.sizeOf(profile.Memory, t.wanted.Memory, DefaultMemory)
		g.Disk = t.sizeOf(profile.Disk, t.wanted.Disk, DefaultDisk)
		if places := t.imagePlaces(); len(places) > 0 {
			g.Image = places[0]
			g.Download = isURL(g.Image) && !lima.Cached(g.Image)
		}
		g.mark("image", t.spec.Image != "")
	} else {
		g.CPUs, g.Memory = cmp.Or(t.wanted.CPUs, cpus), cmp.Or(t.wanted.Memory, memory)
		g.Disk = cmp.Or(t.wanted.Disk, disk)
	}
	g.mark("cpus", g.CPUs != cpus)
	g.mark("memory", g.Memory != memory)
	g.mark("disk", g.Disk != disk)
	g.mark("vm_type",
		g.Type != profile.DefaultVMType() && old == nil || old != nil && old.VMType != "" && g.Type != old.VMType)
	g.agent(t, s)
	return g
}

// agent describes where the agent comes from.
func (g *Gets) agent(t target, s State) {
	installed := ""
	if s.Guest != nil {
		installed = s.Guest.Files[s.Guest.Layout.Agent()].SHA256
	}
	switch a := t.agent; {
	case a == nil && s.Instance == nil:
		g.Agent = "none"
	case a == nil:
		g.Agent, g.Probe = "as installed", installed == guest.Checksum(embed.ProbeAgent())
	case a.Source == SourceBuiltin:
		g.Agent, g.Probe = "the built-in probe", true
	default:
		if g.Agent = a.Path; g.Project != "" {
			g.Agent = strings.TrimPrefix(a.Path, strings.TrimSuffix(g.Project, "/")+"/")
		}
		if g.Probe = a.Probe; a.Source == SourceBuild {
			g.Agent = "built in the VM from " + g.Agent
		}
	}
	g.mark("agent", t.spec.Agent != "" && t.spec.Agent != AgentBuiltin && s.Instance == nil ||
		t.agent != nil && installed != "" && t.agent.SHA256 != "" && t.agent.SHA256 != installed)
}

// cpus is the number of processors that counts in a new VM.
func (t target) cpus() int {
	configured := []int{t.wanted.CPUs}
	if t.profile != nil && t.profile.CPUs != nil {
		configured = append(configured, *t.profile.CPUs)
	}
	for _, file := range t.files {
		if file.Config.CPUs != nil && file.Overrides() {
			return *file.Config.CPUs
		}
		if file.Config.CPUs != nil {
			configured = append(configured, *file.Config.CPUs)
		}
	}
	return cmp.Or(append(configured, DefaultCPUs)...)
}

// ProfileOpens describes what the profile and the image of a resolved Spec open on this machine, as [Plan.Opens] does,
// without Lima: what a profile refers to elsewhere than on this machine is named, and not read.
func ProfileOpens(spec Spec) (opens []string, err error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	wanted := lima.Wanted{
		Home: filepath.Clean(home), NoHome: spec.MountHome == Off, Project: spec.Project,
		Images: profile.Images(spec.Image, spec.ImageDigest, ""),
	}
	if spec.Profile == "" {
		return profile.ImageOpens(wanted)
	}
	files, err := profile.Files(spec.Profile)
	for _, file := range files {
		if !file.Profile {
			continue
		}
		more, err := wanted.Opens(lima.Substitute(file.Text, os.Getenv("HOME"), spec.Project))
		if err != nil {
			return nil, fmt.Errorf("%s: %s", file.Path, lima.WithoutExcerpts(err.Error()))
		}
		for _, one := range more {
			if !slices.Contains(opens, one) {
				opens = append(opens, one)
			}
		}
	}
	return opens, err
}

// validate has Lima validate the planned configuration before the first change.
func (t target) validate(ctx context.Context, client lima.Client, state State, plan Plan) error {
	var text []byte
	var err error
	switch {
	case plan.has(StepCreate), plan.has(StepReplaceCreate):
		if err := t.checkDigest(); err != nil {
			return err
		}
		text, err = t.newProfile()
	case plan.has(StepConfigure):
		text, err = t.editedConfig(state.Instance.Dir)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	config, err := lima.ParseProfile(text)
	if err != nil {
		return err
	}
	if refused := t.driverRefuses(config, platform.OS(), platform.Arch()); refused != nil {
		return refused
	}
	err = client.Validate(ctx, "", text)
	if refused, ok := errors.AsType[*lima.CommandError](err); ok {
		next := "correct the profile or the flag that it names"
		if strings.Contains(refused.Detail(), "reserved internal home directory") {
			next = `use another home directory for worldsetup: HOME=DIR LIMA_HOME="${LIMA_HOME:-$HOME/.lima}" worldsetup`
		}
		failure := &Error{
			Kind: KindUsage, What: "Lima refuses the configuration that was asked for", Why: refused.Detail(),
			Next: next, Err: err,
		}
		explainNetworks(t.spec.LimaHome, failure, err)
		return failure
	}
	if err != nil {
		return limaError(ctx, "Lima could not check the configuration", err)
	}
	return nil
}
