package provision

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
	"github.com/opencontainers/go-digest"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

func images(spec Spec, arch limatype.Arch) []limatype.Image {
	if spec.Image == "" {
		return nil
	}
	return []limatype.Image{{File: limatype.File{Location: spec.Image, Arch: arch,
		Digest: digest.Digest(spec.ImageDigest)}}}
}

// wantedMounts returns what is mounted in the world, or must not be.
func (t target) wantedMounts() []mounts.Mount {
	none := !t.layout.Mounts()
	return []mounts.Mount{
		{Directory: t.wanted.Home, Point: t.wanted.Home, ReadOnly: true, LeftOut: t.wanted.NoHome || none},
		{Directory: t.wanted.Project, Point: t.wanted.ProjectMount, LeftOut: none},
	}
}

// mountPoints returns the points at which something must be mounted.
func (t target) mountPoints() (points []string) {
	for _, m := range t.wantedMounts() {
		if !m.LeftOut {
			points = append(points, m.Point)
		}
	}
	return points
}

// homeLeftOut reports whether the home directory was left out of an instance, which may be nil.
func homeLeftOut(instance *limatype.Instance) bool {
	if instance == nil {
		return false
	}
	return lima.HomeLeftOut(configText(instance))
}

// configText is the text of an instance's lima.yaml; empty without one.
func configText(instance *limatype.Instance) []byte {
	text, _ := os.ReadFile(filepath.Join(instance.Dir, filenames.LimaYAML)) // without one, nothing was chosen
	return text
}

// embedder returns the profile in a file, with all that it refers to.
type embedder func(path string) ([]byte, error)

// embedderOf returns what resolves profiles; nil when Lima does not answer, for findErr.
func embedderOf(ctx context.Context, client lima.Client, findErr error) embedder {
	if findErr != nil {
		return nil
	}
	return func(path string) ([]byte, error) { return client.Embed(ctx, path) }
}

// baseProfile is the profile that a new VM starts from.
func baseProfile(spec Spec, embedded embedder) ([]byte, *limatype.LimaYAML, error) {
	if spec.Profile == "" {
		text := embed.Profile()
		profile, err := lima.ParseProfile(text)
		return text, profile, err
	}
	name := "the profile " + spec.Profile
	if err := spec.checkProfileDigest(); err != nil {
		return nil, nil, err
	}
	text, err := readfile.Limited(spec.Profile, maxProfile)
	if err != nil {
		return nil, nil, about("profile", usage("name a readable file: --profile FILE", "%s cannot be read: %v", name,
			err))
	}
	profile, err := lima.ParseProfile(text)
	if err == nil {
		written := text
		if text = lima.Substitute(written, os.Getenv("HOME"), spec.Project); !bytes.Equal(text, written) {
			profile, err = lima.ParseProfile(text)
		}
	}
	if err == nil && embedded != nil && lima.Refers(profile) {
		if text, err = embedded(spec.Profile); err == nil {
			text = lima.Substitute(text, os.Getenv("HOME"), spec.Project)
			profile, err = lima.ParseProfile(text)
		}
	}
	if changed := spec.checkProfileDigest(); changed != nil { // while it was read
		return nil, nil, changed
	}
	if err == nil && reflect.ValueOf(*profile).IsZero() {
		err = errors.New("it holds no settings that Lima knows")
	}
	if err != nil {
		failure := about("profile", usage("fix it; `limactl validate FILE` checks one", "%s is not a Lima profile",
			name))
		failure.Why, failure.Err = lima.WithoutExcerpts(err.Error()), err
		if refused, ok := errors.AsType[*lima.CommandError](err); ok {
			failure.What = fmt.Sprintf("Lima can't resolve what %s refers to", name)
			failure.Why = refused.Detail()
		}
		return nil, nil, failure
	}
	if profile.Plain != nil && *profile.Plain {
		failure := about("profile", usage("remove that line from it", "%s has `plain: true`, and a world can't be plain",
			name))
		failure.Why = noPlain
		return nil, nil, failure
	}
	return text, profile, nil
}

const noPlain = "Lima mounts nothing in a plain VM and forwards no sockets, so that no agent could be reached"

func archOf(c *limatype.LimaYAML) *string { return c.Arch }

func vmTypeOf(c *limatype.LimaYAML) *string { return c.VMType }

func defaultVMType() string {
	if platform.OS() == "darwin" {
		return limatype.VZ
	}
	return limatype.QEMU
}

// onAppleSilicon reports whether the VM is one that Rosetta is for.
func (t target) onAppleSilicon() bool { return t.vmType == limatype.VZ && t.arch == limatype.AARCH64 }

// hasRosetta reports whether this Mac has it.
func hasRosetta() bool {
	_, err := os.Stat(platform.File(checks.RosettaFile))
	return err == nil
}

// rosettaReason says in the plan of a new VM whether it has Rosetta; empty where there is no question.
func (t target) rosettaReason() string {
	switch {
	case !t.onAppleSilicon():
		return ""
	case t.rosetta:
		return "; with Rosetta, so that it runs programs for x86_64 as well"
	}
	return "; without Rosetta, which this Mac lacks: programs for x86_64 won't run in it"
}

// rosettaLost reports whether an instance is to have Rosetta, and this Mac lacks it.
func (t target) rosettaLost(instance *limatype.Instance) bool {
	return t.onAppleSilicon() && !t.rosetta && lima.RosettaOn(configText(instance))
}

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
			Kind: KindUsage, What: "worldsetup can't edit the configuration of the VM in the form that it has",
			Why: fmt.Sprintf("%s: %v", path, err), Err: err,
			Next: fmt.Sprintf("edit it yourself (limactl edit %s), then run worldsetup again", t.spec.VM),
		}
	}
	return edited, nil
}

func mountTypeOf(c *limatype.LimaYAML) *string { return c.MountType }

// driverRefuses returns why Lima's driver would not run a VM with this configuration on a machine of that system and
// processor, as Go calls it; nil when it would. `limactl validate` never asks the driver: create and edit do, the
// latter after the VM was stopped (validateConfig in pkg/driver/vz and pkg/driver/qemu).
func (t target) driverRefuses(config *limatype.LimaYAML, goos, goarch string) *Error {
	mounts := t.setting(mountTypeOf, deref(config.MountType))
	native := limatype.NewArch(goarch)
	vz, mac := t.vmType == limatype.VZ, goos == "darwin"
	switch {
	case vz && mounts == limatype.NINEP:
		return about("mount-type", usage("use --mount-type virtiofs, or reverse-sshfs",
			"VMs of the type vz have no mounts of the type 9p"))
	case !vz && mac && mounts == limatype.VIRTIOFS:
		return about("mount-type", usage("use --mount-type 9p, or --vm-type vz",
			"on a Mac, VMs of the type %s have no mounts of the type virtiofs", t.vmType))
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

func memoryOf(profile *limatype.LimaYAML) *string { return profile.Memory }

func diskOf(profile *limatype.LimaYAML) *string { return profile.Disk }

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

func firstSize(sizes ...int64) int64 {
	for _, size := range sizes {
		if size != 0 {
			return size
		}
	}
	return 0
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
			g.mark("project", projectOf(old) != g.Project)
		}
	}
	if old == nil || t.spec.Replace != "" || s.HalfCreated {
		g.CPUs = t.cpus()
		g.Memory = t.sizeOf(memoryOf, t.wanted.Memory, DefaultMemory)
		g.Disk = t.sizeOf(diskOf, t.wanted.Disk, DefaultDisk)
		if places := t.imagePlaces(); len(places) > 0 {
			g.Image = places[0]
			g.Download = isURL(g.Image) && !cached(g.Image)
		}
		g.mark("image", t.spec.Image != "")
	} else {
		g.CPUs, g.Memory = firstInt(t.wanted.CPUs, cpus), firstSize(t.wanted.Memory, memory)
		g.Disk = firstSize(t.wanted.Disk, disk)
	}
	g.mark("cpus", g.CPUs != cpus)
	g.mark("memory", g.Memory != memory)
	g.mark("disk", g.Disk != disk)
	g.mark("vm_type", g.Type != defaultVMType() && old == nil || old != nil && old.VMType != "" && g.Type != old.VMType)
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
		g.Agent, g.Probe = "as installed", installed == sum(embed.ProbeAgent())
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
	return firstInt(append(configured, DefaultCPUs)...)
}

func firstInt(numbers ...int) int {
	for _, number := range numbers {
		if number != 0 {
			return number
		}
	}
	return 0
}

// cached reports whether Lima has url in its cache (its pkg/downloader).
func cached(url string) bool {
	cache, err := os.UserCacheDir()
	key := sha256.Sum256([]byte(url))
	if err == nil {
		_, err = os.Stat(filepath.Join(cache, "lima", "download", "by-url-sha256", hex.EncodeToString(key[:]), "data"))
	}
	return err == nil
}

// maxProfileFiles bounds how many files of this machine a profile may refer to.
const maxProfileFiles = 32

// ProfileDigest identifies what a profile says now: its text, and that of the files of this machine that it refers to.
// See [Spec.ProfileDigest].
func ProfileDigest(path string) (string, error) {
	files, err := profileFiles(path)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, file := range files {
		fmt.Fprintf(hash, "%d %s", len(file.text), file.text) // their texts say which files they are
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}

// ProfileOpens describes what the profile and the image of a resolved Spec open on this machine, as [Plan.Opens] does,
// without Lima: what a profile refers to elsewhere than on this machine is named, and not read.
func ProfileOpens(spec Spec) (opens []string, err error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	wanted := lima.Wanted{
		Home: filepath.Clean(home), NoHome: spec.MountHome == Off, Project: spec.Project, ProjectMount: guest.ProjectMount,
	}
	if spec.Profile == "" {
		return imageOpens(wanted, images(spec, ""))
	}
	wanted.Images = images(spec, "")
	files, err := profileFiles(spec.Profile)
	for _, file := range files {
		if !file.profile {
			continue
		}
		more, err := wanted.Opens(lima.Substitute(file.text, os.Getenv("HOME"), spec.Project))
		if err != nil {
			return nil, fmt.Errorf("%s: %s", file.path, lima.WithoutExcerpts(err.Error()))
		}
		for _, one := range more {
			if !slices.Contains(opens, one) {
				opens = append(opens, one)
			}
		}
	}
	return opens, err
}

func imageOpens(wanted lima.Wanted, list []limatype.Image) ([]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	wanted.Images = list
	return wanted.Opens([]byte("{}"))
}

// profileFile is a profile, or a file that one refers to.
type profileFile struct {
	path    string
	text    []byte
	profile bool // and no script
}

// profileFiles reads a profile and the files of this machine that it refers to, each once.
func profileFiles(path string) (files []profileFile, err error) {
	files = []profileFile{{path: path, profile: true}}
	for i := 0; i < len(files); i++ {
		file := &files[i]
		if file.text, err = readfile.Limited(file.path, maxProfile); err != nil {
			return nil, err
		}
		if !file.profile {
			continue
		}
		profile, err := lima.ParseProfile(file.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", file.path, lima.WithoutExcerpts(err.Error()))
		}
		bases := lima.Bases(profile)
		for at, locator := range append(bases, lima.Files(profile)...) {
			next, local := localFile(locator, filepath.Dir(file.path))
			known := slices.ContainsFunc(files, func(f profileFile) bool { return f.path == next })
			if !local || known {
				continue
			}
			if len(files) == maxProfileFiles {
				return nil, fmt.Errorf("the profile %s refers to more than %d files", path, maxProfileFiles)
			}
			files = append(files, profileFile{path: next, profile: at < len(bases)})
			file = &files[i]
		}
	}
	return files, nil
}

// localFile returns the file of this machine that a locator in a file of directory names.
func localFile(locator, directory string) (path string, local bool) {
	if at, err := url.Parse(locator); err == nil && len(at.Scheme) > 1 && at.Scheme != "file" {
		return "", false
	}
	path = strings.TrimPrefix(locator, "file://")
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, _ := os.UserHomeDir()
		return filepath.Join(home, rest), true
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path), true
	}
	return filepath.Join(directory, path), true
}
