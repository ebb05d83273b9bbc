package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/opencontainers/go-digest"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// target is what a run works towards: a resolved Spec and what was found on the host for it.
type target struct {
	spec     Spec
	arch     limatype.Arch
	vmType   limatype.VMType
	profile  *limatype.LimaYAML // that a new VM starts from; nil when there is a VM already
	wanted   lima.Wanted        // only what was asked for, and what the contract needs
	agent    *Agent             // nil when the host has none to offer
	rejected []Rejected
	// companions are the programs that the project has for the guest beside the agent; leftOut are those that could not
	// run.
	companions []agent.Companion
	leftOut    []Rejected
}

// newTarget looks for what spec names on the host. instance is the VM as it stands; nil when there is none.
func newTarget(spec Spec, instance *limatype.Instance) (t target, err error) {
	t.spec = spec
	if instance != nil && spec.Replace == "" {
		// Of a VM whose configuration it cannot read, Lima reports neither.
		t.arch, t.vmType = firstOf(instance.Arch, limatype.NewArch(runtime.GOARCH)),
			firstOf(instance.VMType, defaultVMType())
	} else {
		if t.profile, err = baseProfile(spec); err != nil {
			return t, err
		}
		t.arch = firstOf(deref(t.profile.Arch), limatype.NewArch(runtime.GOARCH))
		t.vmType = firstOf(spec.VMType, deref(t.profile.VMType), defaultVMType())
	}
	if err := t.chooseProject(instance); err != nil {
		return t, err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return t, usage("set HOME to your home directory", "your home directory is unknown: %v", err)
	}
	t.wanted = lima.Wanted{
		VMType: spec.VMType, MountType: spec.MountType, CPUs: spec.CPUs, Memory: spec.Memory, Disk: spec.Disk,
		Images: images(spec, t.arch), Home: home, Project: t.spec.Project, ProjectMount: guest.ProjectMount,
	}
	switch {
	case instance != nil && spec.Replace != "":
		t.inherit(instance)
	case instance != nil && spec.Profile != "": // of a profile, only the processor is compared: no edit changes that
		if profile, err := baseProfile(spec); err == nil && deref(profile.Arch) != "default" {
			t.wanted.Arch = deref(profile.Arch)
		}
	}
	if t.agent, t.rejected, err = FindAgent(spec.Agent, t.spec.Project, t.arch); err != nil {
		return t, err
	}
	t.companions, t.leftOut = agent.FindCompanions(t.spec.Project, t.arch)
	return t, t.checkRebuild()
}

// chooseProject fills in the project when none was named: an existing VM keeps its own.
func (t *target) chooseProject(instance *limatype.Instance) (err error) {
	if t.spec.Project != "" {
		return nil // checked before
	}
	if instance != nil && instance.Config != nil {
		t.spec.Project = shownProject(instance.Config)
	}
	if t.spec.Project == "" {
		if t.spec.Project, err = os.Getwd(); err != nil {
			return usage("name it: worldsetup DIR",
				"the working directory, which would be the project, is gone: %v", err)
		}
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

// mounts are the host directories that the world shows, and where.
func (t target) mounts() (directories, points []string) {
	return []string{t.wanted.Home, t.wanted.Project}, []string{t.wanted.Home, t.wanted.ProjectMount}
}

// baseProfile is the profile that a new VM starts from.
func baseProfile(spec Spec) (*limatype.LimaYAML, error) {
	text, name := embed.Profile(), "the built-in profile"
	if spec.Profile != "" {
		name = "the profile " + spec.Profile
		var err error
		if text, err = os.ReadFile(spec.Profile); err != nil {
			return nil, about("profile", usage("name a readable file: --profile FILE", "%s cannot be read: %v", name,
				err))
		}
	}
	profile, err := lima.ParseProfile(text)
	if err != nil {
		failure := about("profile", usage("fix it; `limactl validate FILE` checks one", "%s is not a Lima profile",
			name))
		failure.Why, failure.Err = err.Error(), err
		return nil, failure
	}
	return profile, nil
}

// newProfile is the profile of a new VM, as YAML.
func (t target) newProfile() ([]byte, error) {
	profile, wanted := *t.profile, t.wanted
	wanted.VMType, wanted.Arch = t.vmType, t.arch
	wanted.Rosetta = t.vmType == limatype.VZ && t.arch == limatype.AARCH64
	if profile.CPUs == nil && wanted.CPUs == 0 {
		wanted.CPUs = DefaultCPUs
	}
	if profile.Memory == nil && wanted.Memory == 0 {
		wanted.Memory = DefaultMemory
	}
	if profile.Disk == nil && wanted.Disk == 0 {
		wanted.Disk = DefaultDisk
	}
	wanted.Apply(&profile)
	return lima.MarshalProfile(&profile)
}

// checkDigest compares a local image with the digest that was asked for. Lima checks those that it downloads.
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
	if runtime.GOOS == "darwin" {
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
