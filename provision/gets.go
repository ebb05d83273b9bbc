package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// Gets describes the world that a plan leads to: what a person gets. It is for display; the plan's steps decide.
type Gets struct {
	Project string `json:"project"` // the directory that is mounted writable at /src, or copied into the guest
	// Staged is where the guest has the copy of the project; empty where it is mounted.
	Staged string `json:"staged,omitempty"`
	// Worktree is the linked worktree of git in which the run was called, if Project is its primary checkout.
	Worktree string `json:"worktree,omitempty"`
	// Home is the directory that is mounted read-only, at its own path; empty when it is left out.
	Home   string `json:"home,omitempty"`
	CPUs   int    `json:"cpus"`
	Memory int64  `json:"memory"`  // bytes
	Disk   int64  `json:"disk"`    // bytes
	Type   string `json:"vm_type"` // "qemu" or "vz"
	Arch   string `json:"arch"`    // as Lima writes it: "x86_64", "aarch64"
	// Image is where the image of a new VM comes from, and Download reports that it has to be downloaded.
	Image    string `json:"image,omitempty"`
	Download bool   `json:"download,omitempty"`
	// DownloadSize is how much that is, in bytes, and DownloadTime how long it will take; 0 when that is unknown.
	DownloadSize int64         `json:"download_size,omitempty"`
	DownloadTime time.Duration `json:"download_ns,omitempty"`
	// Agent is where the agent comes from, in words: a file, relative to the project if it is in it. Probe reports that
	// it is the built-in one, which runs no commands.
	Agent string `json:"agent"`
	Probe bool   `json:"probe,omitempty"`
	// Layout is the generation of the contract that the world keeps.
	Layout string `json:"layout"`
	// Changed are the names of the fields above that differ from what the VM has, or, of a new VM, from the defaults.
	Changed []string `json:"changed,omitempty"`
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

// mark adds a field to those that are changed.
func (g *Gets) mark(field string, changed bool) {
	if changed {
		g.Changed = append(g.Changed, field)
	}
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

var ubuntuImage = lazyregexp.New(`^ubuntu-([0-9.]+)-.*-(amd64|arm64)\.`)

// ImageTitle is the guest image as a person would call it; empty when no image is needed.
func (g *Gets) ImageTitle() string {
	name := path.Base(g.Image)
	if parts := ubuntuImage.FindStringSubmatch(name); parts != nil {
		return "Ubuntu " + parts[1] + " " + parts[2]
	}
	if g.Image == "" {
		return ""
	}
	return name
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
