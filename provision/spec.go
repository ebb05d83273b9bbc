package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/layout"
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
	// Worktree is what a new world shows when it is made in a linked worktree of git: WorktreePrimary or WorktreeSelf.
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

// What a world shows when worldsetup is called in a linked worktree of git: by default the primary checkout, as the
// system's own tools have it, since an agent is built in one place and its settings lie there. A directory that is
// named is taken as it is.
const (
	WorktreePrimary = "primary"
	WorktreeSelf    = "self"
)

// Agent is an agent that was found on the host and could run in the guest, or the source of one.
type Agent = agent.Agent

// AgentSource is the place where an agent comes from.
type AgentSource = agent.Source

// The sources of an agent.
const (
	SourceFlag    = agent.SourceFlag    // the file that Spec.Agent names
	SourceProject = agent.SourceProject // a candidate in the project directory
	SourceBuild   = agent.SourceBuild   // the project's Cargo workspace, built in the VM
	SourceBuiltin = agent.SourceBuiltin // the probe agent that is part of worldsetup
)

// Rejected is a file in an agent's place that can't be used.
type Rejected = agent.Rejected

// FindAgent returns the agent that a Spec with this Agent and Project selects; see [agent.Find].
func FindAgent(name, project string, arch limatype.Arch) (*Agent, []Rejected, error) {
	return agent.Find(name, project, arch, layout.Agents())
}

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
		failure := usage("allow it: "+mounts.GrantFiles+"; or keep it elsewhere, such as in ~/src",
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
				"the consent is for the VM %q, but this is about %q", name, s.VM))
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
		return usage("allow live, unit, connection, restart or force", "%q is not a level that can be allowed", s.Allow)
	case s.Worktree != "" && s.Worktree != WorktreePrimary && s.Worktree != WorktreeSelf:
		return usage("use primary or self", "%q is neither the primary checkout nor the worktree itself", s.Worktree)
	case s.Timeout < 0:
		return usage("give a positive duration, as in --timeout 30m", "invalid timeout %v", s.Timeout)
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

func (s *Spec) checkProfile() error {
	if s.Profile == "" {
		return nil
	}
	path, err := regularFile("profile", s.Profile, profile.MaxSize)
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
	file, err := readfile.Open(path)
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
		return path, usage(next, "the %s %s has %s, and may have at most %s", what, path,
			plaintext.Bytes(info.Size()), plaintext.Bytes(limit))
	}
	return path, nil
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

// Choices are the settings that a user can change between two plans, as text. An empty one keeps the VM's value, or
// means the default in a new VM.
type Choices struct {
	Project string // a directory
	Agent   string // a file, AgentBuiltin, or empty for the project's own
	Size    string // a named size; empty when CPUs, Memory and Disk are set
	CPUs    string
	Memory  string
	Disk    string
}

// Field names one of the choices.
type Field string

// The fields of Choices.
const (
	FieldProject Field = "project"
	FieldAgent   Field = "agent"
	FieldSize    Field = "size"
	FieldCPUs    Field = "cpus"
	FieldMemory  Field = "memory"
	FieldDisk    Field = "disk"
)

// The named sizes.
const (
	SizeDefault = "default"
	SizeDev     = "dev"
)

// FieldResult is the result of validating a field: an error, something to think about, or a description of its effect.
type FieldResult struct {
	Wrong, Doubtful bool
	Text            string
}

// Validation holds the results of the fields that have any.
type Validation map[Field]FieldResult

// OK reports whether no field is wrong.
func (v Validation) OK() bool {
	for _, result := range v {
		if result.Wrong {
			return false
		}
	}
	return true
}

// consentCommand returns the command with the flag that consents to replacing or deleting the VM.
func consentCommand(command, flag, vm string) string {
	return vmCommand(command, vm) + " " + flag + "=" + shellescape.Quote(vm)
}

// vmCommand returns the command about the VM of that name.
func vmCommand(command, vm string) string {
	if vm == DefaultVM {
		return command
	}
	return command + " --vm " + shellescape.Quote(vm)
}

// lastResort returns the advice for when nothing else helps.
func lastResort(vm string) string {
	return "as a last resort, replace it, which loses what is in it: " + consentCommand("worldsetup", "--replace", vm)
}

// ProfileDigest identifies what a profile says now: its text, and that of the files of this machine that it refers to.
// See [Spec.ProfileDigest].
func ProfileDigest(path string) (string, error) { return profile.Digest(path) }
