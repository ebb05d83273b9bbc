package provision

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
	"github.com/opencontainers/go-digest"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/unittext"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// Spec describes the desired world. The zero value of a field means "as it is, or the default": it gets the default in
// a new VM and is left alone in an existing one.
type Spec struct {
	// VM is the name of the Lima instance; empty means DefaultVM. See [CheckName].
	VM string
	// Project is the directory that is mounted writable at /src; relative paths are taken from the working directory.
	// Empty means the working directory for a new VM, and for an existing one the one that is mounted there already.
	Project string
	// LimaHome is Lima's home directory; empty means $LIMA_HOME, else ~/.lima.
	LimaHome string
	// StateDir is where worldsetup keeps its logs; empty means $XDG_STATE_HOME/worldsetup, else
	// ~/.local/state/worldsetup.
	StateDir string

	// Profile is a Lima profile (YAML) to be used for a new VM in place of the built-in one. The world's own mounts,
	// socket forward and boot script are added to it.
	Profile string
	// ProfileDigest is what [ProfileDigest] returned for the Profile that was agreed to; a run refuses another one. Empty
	// means that it is not checked.
	ProfileDigest string
	// Image is the guest image of a new VM: an http(s) URL, or a file.
	Image string
	// ImageDigest is the digest that Image must have, as "sha256:…"; empty means that it is not checked.
	ImageDigest string
	// VMType is "vz" or "qemu"; empty means vz on macOS and qemu elsewhere.
	VMType string
	// MountType is "virtiofs", "9p" or "reverse-sshfs"; empty leaves it to Lima.
	MountType string
	// CPUs is the number of virtual processors; 0 means 4 in a new VM.
	CPUs int
	// Memory and Disk are in bytes; 0 means 4 GiB and 20 GiB in a new VM. A disk can grow and never shrinks.
	Memory, Disk int64

	// Agent is where the agent comes from: a file, AgentBuiltin, AgentBuild, or empty for the project directory's
	// own (see [FindAgent]) or, when there is none, the one that is installed already.
	Agent string
	// RebuildAgent rebuilds an agent that is built in the VM; without it, one that is installed there is enough.
	RebuildAgent bool
	// Companions is which programs beside the agent are installed; empty means CompanionsFound.
	Companions Companions
	// BuildProfile is the profile of Cargo for what is built in the VM; empty means "release".
	BuildProfile string
	// SkipGuestBuild builds nothing in the VM.
	SkipGuestBuild bool
	// Worktree is what a new world shows that is made in a linked worktree of git, and WorktreePrimary or WorktreeSelf.
	// Empty means the primary checkout, unless Project names a directory.
	Worktree string
	// MountHome mounts the user's home directory read-only. Unset means as it was chosen for the VM, and On in a new one.
	MountHome Switch
	// Layout is the name of the contract's generation, as in [layout.Names]. Empty takes the one that the agent is of,
	// else the one that the VM has, else the oldest.
	Layout string
	// Netfilter makes the agent filter network traffic (WORLD_NETFILTER_ENABLE=1). Unset leaves an existing world as it
	// is.
	Netfilter Switch

	// Replace is the consent to replace the VM of that name; it must be the name of the VM, or empty. With it, [Setup.Run]
	// replaces the VM, even a healthy one. Restore and Remove are the consents that [Setup.Restore] and [Setup.Remove]
	// need, likewise; none of the three stands for another.
	Replace, Restore, Remove string
	// Adopt is the consent to make a world of the VM of that name, although nothing shows that it is one; it must be
	// the name of the VM, or empty. Without it [Setup.Run] leaves such a VM alone, even if Replace is given.
	Adopt string
	// Allow is the deepest disruption that a run may cause, from DisruptionLive to DisruptionForce. Empty allows that
	// of the run's first plan: later plans that would interrupt more end the run, with an error of KindDisruption. It is
	// no consent to a replacement, and has no meaning for Restore and Remove.
	Allow Disruption
	// KeepOld keeps the VM that is replaced, stopped and under another name, for Restore.
	KeepOld bool
	// Protect keeps `limactl delete` from removing a VM that is created; Unset means On. Replacements and removals by
	// worldsetup lift that protection.
	Protect Switch
	// Wait waits for another run on the same VM to end; without it that is an error of KindBusy.
	Wait bool

	// Timeout bounds the whole run; 0 means DefaultTimeout. Building the agent in the guest alone may take half of
	// that.
	Timeout time.Duration
}

// Defaults of a Spec.
const (
	DefaultVM      = "substrate"
	DefaultCPUs    = 4
	DefaultMemory  = 4 << 30  // bytes
	DefaultDisk    = 20 << 30 // bytes
	DefaultTimeout = time.Hour
	// AgentBuiltin as Spec.Agent chooses the probe agent that is part of worldsetup and runs no commands.
	AgentBuiltin = agent.Builtin
	// AgentBuild as Spec.Agent builds the agent in the VM, from the project's Cargo workspace.
	AgentBuild = agent.Build
)

// Companions is a choice of programs that are installed beside the agent.
type Companions string

// The choices.
const (
	CompanionsNone  Companions = "none"  // none is installed, or changed
	CompanionsFound Companions = "found" // those that the project has for the VM
	CompanionsBuild Companions = "build" // as well, built in the VM, those that its Cargo workspace has the source of
)

// ParseCompanions returns the choice that a word stands for.
func ParseCompanions(word string) (Companions, error) {
	choices := []Companions{CompanionsNone, CompanionsFound, CompanionsBuild}
	if choice := Companions(word); slices.Contains(choices, choice) {
		return choice, nil
	}
	return "", usage("give none, found or build", "%q is no choice of companions", word)
}

// buildProfile is what Cargo takes for the name of a profile, as far as it can be a directory's.
var buildProfile = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$`)

// Switch is a setting that may also be left as it is.
type Switch int

// The values of a Switch.
const (
	Unset Switch = iota
	Off
	On
)

// The limits of sizes, below or above which Lima or a guest fails: a guest boots in 512 MiB, and no machine has more
// than the others.
const (
	minMemory, maxMemory = 512 << 20, 4 << 40
	minDisk, maxDisk     = 4 << 30, 64 << 40
	maxCPUs              = 256
)

// The rules for an instance's name are Lima's own (pkg/identifiers and pkg/limatype/dirnames, v2.1.4).
var namePattern = lazyregexp.New(`^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$`)

const maxName = 76

// CheckName reports why Lima would not take name for an instance; nil when it would.
func CheckName(name string) error {
	const next = "choose a name of letters, digits, and single . _ - between them, as in --vm substrate"
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return usage(next, "the VM's name is empty")
	case len(name) > maxName:
		return usage(next, "the VM's name has %d characters, and Lima takes at most %d", len(name), maxName)
	case !namePattern.MatchString(name):
		return usage(next, "%q cannot be the name of a VM", name)
	case strings.HasSuffix(lower, ".yml"), strings.HasSuffix(lower, ".yaml"):
		return usage(next, "%q cannot be the name of a VM: Lima would take it for a profile", name)
	case vmswap.Reserved(lower):
		return usage(next, "%q is the name of a backup that worldsetup keeps", name)
	}
	return nil
}

// Resolve fills in the defaults, makes paths absolute, and checks everything that can be checked without running
// anything. The error is of KindUsage.
func (s Spec) Resolve() (Spec, error) {
	var err error
	if s.VM == "" {
		s.VM = DefaultVM
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	if s.LimaHome, err = homeDir(s.LimaHome, "LIMA_HOME", ".lima"); err != nil {
		return s, err
	}
	if s.StateDir == "" && os.Getenv("XDG_STATE_HOME") != "" {
		s.StateDir = filepath.Join(os.Getenv("XDG_STATE_HOME"), "worldsetup")
	}
	if s.StateDir, err = homeDir(s.StateDir, "", ".local/state/worldsetup"); err != nil {
		return s, err
	}
	checks := []func(*Spec) error{
		func(s *Spec) error { return CheckName(s.VM) }, (*Spec).checkConsents,
		(*Spec).checkProject, (*Spec).checkSizes, (*Spec).checkTypes, (*Spec).checkProfile, (*Spec).checkImage,
	}
	for _, check := range checks {
		if err := check(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// homeDir makes path absolute; an empty one comes from the variable or from the user's home.
func homeDir(path, variable, underHome string) (string, error) {
	if path == "" && variable != "" {
		path = os.Getenv(variable)
	}
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usage("set HOME to your home directory", "your home directory is unknown: %v", err)
		}
		path = filepath.Join(home, filepath.FromSlash(underHome))
	}
	return filepath.Abs(path)
}

// nameReadable is the advice about a project directory that can't be used.
const nameReadable = "name an existing directory that you can read: worldsetup DIR"

func (s *Spec) checkProject() error {
	if s.Project == "" {
		return nil
	}
	path, err := filepath.Abs(s.Project)
	if err != nil {
		return usage(nameReadable, "the project directory %q: %v", s.Project, err)
	}
	if strings.ContainsFunc(path, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }) {
		return usage("rename it, or use another directory",
			"the project directory's path %q holds a control character, which no mount survives", path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return usage(nameReadable, "the project directory cannot be used: %v", err)
	}
	if !info.IsDir() {
		return usage(nameReadable, "the project directory %s is a file", path)
	}
	if err := checkReadable(path, os.ReadDir); err != nil {
		return err
	}
	if path == "/" {
		return usage(nameReadable, "the whole file system cannot be the project directory: Lima refuses to mount /")
	}
	s.Project = path
	return nil
}

// checkReadable returns why the project directory at path can't be read with read.
func checkReadable(path string, read func(string) ([]os.DirEntry, error)) error {
	_, err := read(path)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPERM): // not EACCES, which is about modes
		failure := usage("allow it: "+grantFiles+"; or keep it elsewhere, such as in ~/src",
			"macOS doesn't let this terminal read the project directory %s", path)
		failure.Why, failure.Err = err.Error(), err
		return failure
	}
	return usage(nameReadable, "the project directory cannot be read: %v", err)
}

// checkConsents checks that each consent is for this VM: a mistyped name is no consent.
func (s *Spec) checkConsents() error {
	for _, name := range []string{s.Replace, s.Restore, s.Remove, s.Adopt} {
		if name != "" && name != s.VM {
			return about("vm", usage("give the name of the VM itself, or leave the consent out",
				"the consent is for the VM %q, and this is about %q", name, s.VM))
		}
	}
	return nil
}

func (s *Spec) checkSizes() error {
	switch {
	case s.CPUs < 0 || s.CPUs > maxCPUs:
		return usage(fmt.Sprintf("give a number from 1 to %d, at most what this machine has, as in --cpus 4", maxCPUs),
			"invalid CPU count %d, expected 1 to %d", s.CPUs, maxCPUs)
	case s.Memory != 0 && (s.Memory < minMemory || s.Memory > maxMemory):
		return usage("give a size from 512MiB to 4TiB, as in --memory 4GiB",
			"invalid memory size: %s, expected 512MiB to 4TiB", plaintext.Bytes(s.Memory))
	case s.Disk != 0 && (s.Disk < minDisk || s.Disk > maxDisk):
		return usage("give a size from 4GiB to 64TiB, as in --disk 20GiB",
			"invalid disk size: %s, expected 4GiB to 64TiB", plaintext.Bytes(s.Disk))
	case s.Allow != "" && s.Allow.Word() == "":
		return usage("allow live, unit, connection, restart or force", "%q is no disruption that can be allowed", s.Allow)
	case s.Worktree != "" && s.Worktree != WorktreePrimary && s.Worktree != WorktreeSelf:
		return usage("use primary or self", "%q is neither the primary checkout nor the worktree itself", s.Worktree)
	case s.Timeout < 0:
		return usage("give a positive duration, as in --timeout 30m", "a run cannot take %v", s.Timeout)
	}
	return nil
}

func (s *Spec) checkTypes() error {
	if types := []string{limatype.VZ, limatype.QEMU}; s.VMType != "" && !slices.Contains(types, s.VMType) {
		return usage("use one of "+strings.Join(types, ", "), "unknown VM type %q", s.VMType)
	}
	if types := []string{limatype.VIRTIOFS, limatype.NINEP, limatype.REVSSHFS}; s.MountType != "" &&
		!slices.Contains(types, s.MountType) {
		return usage("use one of "+strings.Join(types, ", "), "unknown mount type %q", s.MountType)
	}
	if s.BuildProfile != "" && !buildProfile.MatchString(s.BuildProfile) {
		return about("build-profile", usage("give a profile of the project's Cargo.toml, as in --build-profile debug",
			"%q cannot be a profile of Cargo", s.BuildProfile))
	}
	if s.Companions != "" {
		_, err := ParseCompanions(string(s.Companions))
		return err
	}
	return nil
}

// maxProfile is the largest profile that is read, in bytes. Lima's own templates have at most 20 KiB.
const maxProfile = 1 << 20

func (s *Spec) checkProfile() error {
	if s.Profile == "" {
		return nil
	}
	path, err := regularFile("profile", s.Profile, maxProfile)
	s.Profile = path
	return err
}

// checkProfileDigest refuses a profile that has changed since it was agreed to.
func (s Spec) checkProfileDigest() error {
	if s.ProfileDigest == "" {
		return nil
	}
	digest, err := ProfileDigest(s.Profile)
	if err == nil && digest == s.ProfileDigest {
		return nil
	}
	failure := about("profile", usage("read it, and run worldsetup again, which asks about it",
		"the profile %s has changed since it was trusted", s.Profile))
	if err != nil {
		failure.Why, failure.Err = err.Error(), err
	}
	return failure
}

var digestPattern = lazyregexp.New(`^sha256:[0-9a-f]{64}$`)

func (s *Spec) checkImage() error {
	if s.ImageDigest != "" && !digestPattern.MatchString(s.ImageDigest) {
		return usage("give it as sha256: and 64 hexadecimal digits", "invalid image digest %q", s.ImageDigest)
	}
	if s.ImageDigest != "" && s.Image == "" {
		return usage("name the image as well: --image FILE", "a digest was given, and no image")
	}
	if s.Image == "" || isURL(s.Image) {
		return nil
	}
	path, err := regularFile("image", s.Image, 0)
	s.Image = path
	return err
}

func isURL(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}

// regularFile makes path absolute and checks that it is a readable, non-empty file of at most limit bytes (0: any
// size).
func regularFile(what, path string, limit int64) (string, error) {
	next := fmt.Sprintf("name a readable file: --%s FILE", what)
	path, err := filepath.Abs(path)
	if err != nil {
		return path, usage(next, "the %s %q: %v", what, path, err)
	}
	file, err := openRegular(path)
	if err != nil {
		return path, usage(next, "the %s cannot be used: %v", what, err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return path, usage(next, "the %s cannot be used: %v", what, err)
	case info.Size() == 0:
		return path, usage(next, "the %s %s is empty", what, path)
	case limit > 0 && info.Size() > limit:
		return path, usage(next, "the %s %s has %s, and more than %s are no %s", what, path,
			plaintext.Bytes(info.Size()), plaintext.Bytes(limit), what)
	}
	return path, nil
}

// openRegular opens path for reading if it is a regular file; a FIFO or device would block or never end.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		kind := "no regular file"
		if info.IsDir() {
			kind = "a directory"
		}
		return nil, fmt.Errorf("%s is %s", path, kind)
	}
	return os.Open(path)
}

// readLimited reads a regular file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, fmt.Errorf("%s has more than %s", path, plaintext.Bytes(limit))
	}
	return text, err
}

// LogPath is the file that holds the events of the last run that could change something, one JSON object a line. The
// one before it has ".old" at the end. They are for people to read; no run relies on them.
// VMs of the same name in different Lima homes have different ones.
func LogPath(spec Spec) string {
	home, err := filepath.EvalSymlinks(spec.LimaHome)
	if err != nil { // it does not exist yet
		home = spec.LimaHome
	}
	hash := sha256.Sum256([]byte(home))
	return filepath.Join(spec.StateDir, spec.VM+"-"+hex.EncodeToString(hash[:4])+".log")
}

// target is what a run has to achieve: a resolved Spec, and the files for it on the host.
type target struct {
	spec     Spec
	layout   layout.Layout
	given    bool // the layout is that of the agent that was found, or of one of the same name
	brings   bool // the project brings the units of the layout
	staged   bool // lima.yaml says that the project is staged
	named    bool // the project was named, or the VM's configuration names it
	arch     limatype.Arch
	vmType   limatype.VMType
	profile  *limatype.LimaYAML // that a new VM starts from; nil when there is a VM already
	text     []byte             // of the profile
	files    []lima.File        // of Lima's user, about all VMs
	wanted   lima.Wanted        // only what the Spec sets, and what every world needs
	agent    *Agent             // nil when the host has none to offer
	rejected []Rejected
	// companions are the programs that the project has for the guest beside the agent; leftOut are those that could not
	// run.
	companions []agent.Companion
	leftOut    []Rejected
	// sources are the companions that are built in the VM, and buildable those that could be.
	sources   []agent.CompanionSource
	buildable func() []agent.CompanionSource
	// templates are the project's, of the units; nil when worldsetup's own count. unitsFault is why they can't be read.
	templates  *unittext.Templates
	unitsFault *Error
	// linked is the linked worktree for which the project is the primary checkout; empty when there is none.
	linked string
	// rosetta reports whether this Mac has Rosetta.
	rosetta bool
	// noProject is why the project directory that was chosen can't be used, with which all but looking ends.
	noProject *Error
}

// newTarget finds the files that spec names on the host. instance is the present VM; nil when there is none. embed
// resolves what a profile refers to; nil when Lima does not answer.
func newTarget(spec Spec, instance *limatype.Instance, embed embedder) (t target, err error) {
	t.spec, t.layout, t.rosetta = spec, layout.All[0], hasRosetta()
	t.staged = stagedProject(instance) != ""
	t.named = spec.Project != "" || instance == nil || instance.Config != nil && projectOf(instance) != ""
	if t.files, err = lima.ReadFiles(spec.LimaHome); err != nil {
		return t, usage("correct it, or remove it", "a file that Lima reads for every VM can't be read: %v", err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return t, usage("set HOME to your home directory", "your home directory is unknown: %v", err)
	}
	t.noProject = AsError(t.chooseProject(instance))
	if instance != nil && spec.Replace == "" {
		// Lima reports neither for a VM whose configuration it cannot read.
		t.arch, t.vmType = firstOf(instance.Arch, limatype.NewArch(platform.Arch())),
			firstOf(instance.VMType, defaultVMType())
	} else {
		if t.text, t.profile, err = baseProfile(t.spec, embed); err != nil {
			return t, err
		}
		t.arch = firstOf(t.setting(archOf, ""), limatype.NewArch(platform.Arch()))
		t.vmType = firstOf(t.setting(vmTypeOf, spec.VMType), defaultVMType())
	}
	t.wanted = lima.Wanted{
		VMType: spec.VMType, MountType: spec.MountType, CPUs: spec.CPUs, Memory: spec.Memory, Disk: spec.Disk,
		Images: images(spec, t.arch), Home: filepath.Clean(home), Project: t.spec.Project, ProjectMount: guest.ProjectMount,
		NoHome: spec.MountHome == Off || spec.MountHome == Unset && homeLeftOut(instance),
	}
	if t.wanted.NoHome && lima.Contains(t.spec.Project, t.wanted.Home) {
		return t, about("mount-home", usage("name the project's own directory (worldsetup DIR), or mount all of it: "+
			"--mount-home",
			"the project %s contains your home directory, which is to be left out", t.spec.Project))
	}
	if instance != nil && instance.Config != nil && spec.Replace == "" {
		t.wanted.UseNames(instance.Config)
		t.spec.Project = t.wanted.Project
	}
	switch {
	case instance != nil && spec.Replace != "":
		t.inherit(instance)
	case instance != nil && spec.Profile != "": // of a profile, only the processor is compared: no edit changes that
		if _, profile, err := baseProfile(t.spec, embed); err == nil && deref(profile.Arch) != "default" {
			t.wanted.Arch = deref(profile.Arch)
		}
	}
	if t.agent, t.rejected, err = agent.Find(spec.Agent, t.spec.Project, t.arch, t.layouts()); err != nil {
		return t, err
	}
	if err := t.skipBuild(); err != nil {
		return t, err
	}
	t.chooseLayout(instance)
	if err := t.holdsLima(); err != nil && spec.Layout != "" { // otherwise the guest may be of another one
		return t, err
	}
	t.findTemplates()
	t.findCompanions()
	return t, t.checkRebuild()
}

// chooseProject fills in the project when none was named: an existing VM keeps its own.
func (t *target) chooseProject(instance *limatype.Instance) (err error) {
	if t.spec.Project != "" {
		if t.spec.Worktree == WorktreePrimary {
			return t.leaveWorktree()
		}
		return nil // checked before
	}
	if instance != nil && instance.Config != nil {
		t.spec.Project = projectOf(instance)
	}
	if t.spec.Project == "" {
		if t.spec.Project, err = os.Getwd(); err != nil {
			return usage("name it: worldsetup DIR",
				"the working directory, which would be the project, is gone: %v", err)
		}
		if t.spec.Worktree != WorktreeSelf {
			return t.leaveWorktree()
		}
	}
	return t.spec.checkProject()
}

// leaveWorktree takes the primary checkout for the project, where that is in a linked worktree of git.
func (t *target) leaveWorktree() error {
	if primary, linked := primaryCheckout(t.spec.Project); primary != "" {
		t.spec.Project, t.linked = primary, linked
	}
	return t.spec.checkProject()
}

func images(spec Spec, arch limatype.Arch) []limatype.Image {
	if spec.Image == "" {
		return nil
	}
	return []limatype.Image{{File: limatype.File{Location: spec.Image, Arch: arch,
		Digest: digest.Digest(spec.ImageDigest)}}}
}

// mount is a directory of this machine at a mount point in the guest.
type mount struct {
	directory, point string
	readOnly         bool
	leftOut          bool // it must not be there
}

// mounts returns what is mounted in the world, or must not be.
func (t target) mounts() []mount {
	none := !t.layout.Mounts()
	return []mount{
		{directory: t.wanted.Home, point: t.wanted.Home, readOnly: true, leftOut: t.wanted.NoHome || none},
		{directory: t.wanted.Project, point: t.wanted.ProjectMount, leftOut: none},
	}
}

// mountPoints returns the points at which something must be mounted.
func (t target) mountPoints() (points []string) {
	for _, m := range t.mounts() {
		if !m.leftOut {
			points = append(points, m.point)
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

// stagedProject is the project that an instance's lima.yaml says to be staged; empty for none.
func stagedProject(instance *limatype.Instance) string {
	if instance == nil {
		return ""
	}
	return lima.StagedProject(configText(instance))
}

// projectOf is the project of an instance: what it shows at /src, or what is staged in it; empty for none.
func projectOf(instance *limatype.Instance) string {
	return cmp.Or(shownProject(instance.Config), stagedProject(instance))
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
	text, err := readLimited(spec.Profile, maxProfile)
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

func archOf(c *limatype.LimaYAML) *string   { return c.Arch }
func vmTypeOf(c *limatype.LimaYAML) *string { return c.VMType }

// setting is what counts in a new VM, when wanted is what was asked for: the files of Lima's user have the first word
// and the last.
func (t target) setting(field func(*limatype.LimaYAML) *string, wanted string) string {
	values := []string{wanted}
	if t.profile != nil { // there is none when Lima did not answer about a VM that is there
		values = append(values, deref(field(t.profile)))
	}
	for _, file := range t.files {
		value := deref(field(file.Config))
		if value == "default" {
			continue
		}
		if file.Overrides() {
			values = slices.Insert(values, 0, value)
		} else {
			values = append(values, value)
		}
	}
	return firstOf(values...)
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

// has reports whether the profile, or a file of Lima's user, has a setting.
func (t target) has(setting func(*limatype.LimaYAML) bool) bool {
	return setting(t.profile) || slices.ContainsFunc(t.files, func(f lima.File) bool { return setting(f.Config) })
}

// opens describes what a new VM opens on this machine. The built-in profile on its own opens nothing.
func (t target) opens() []string {
	if t.spec.Profile == "" {
		opens, _ := imageOpens(t.wanted, t.wanted.Images)
		return opens
	}
	opens, _ := t.wanted.Opens(t.text) // a profile that can't be completed is an error of its own
	return opens
}

// protects reports whether a new VM is to be protected.
func (t target) protects() bool { return t.spec.Protect != Off }

// checkDigest compares a local image with the digest in the Spec. Lima checks those that it downloads.
func (t target) checkDigest() error {
	if t.spec.ImageDigest == "" || isURL(t.spec.Image) {
		return nil
	}
	file, err := openRegular(t.spec.Image)
	if err != nil {
		return about("image", usage("name a readable file: --image FILE", "the image cannot be used: %v", err))
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return about("image", usage("name a readable file: --image FILE", "the image cannot be read: %v", err))
	}
	if found := "sha256:" + hex.EncodeToString(hash.Sum(nil)); found != t.spec.ImageDigest {
		return &Error{
			Kind: KindUsage,
			What: fmt.Sprintf("the image %s is not the one that was asked for", t.spec.Image),
			Why:  fmt.Sprintf("its digest is %s, and %s was given", found, t.spec.ImageDigest),
			Next: "fetch the image again, or correct --image-digest", Option: "image",
		}
	}
	return nil
}

func defaultVMType() string {
	if platform.OS() == "darwin" {
		return limatype.VZ
	}
	return limatype.QEMU
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// shownProject is the directory that a VM shows at /src; empty for none.
func shownProject(config *limatype.LimaYAML) (project string) {
	for _, mount := range config.Mounts {
		if deref(mount.MountPoint) == guest.ProjectMount {
			project = mount.Location
		}
	}
	return project
}

// inherit gives a new VM the settings of the one that it replaces, unless something else was requested.
func (t *target) inherit(old *limatype.Instance) {
	if t.spec.Profile != "" {
		return
	}
	if t.wanted.CPUs == 0 {
		t.wanted.CPUs = old.CPUs
	}
	if t.wanted.Memory == 0 {
		t.wanted.Memory = old.Memory
	}
	if t.wanted.Disk == 0 {
		t.wanted.Disk = old.Disk
	}
}
