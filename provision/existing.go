package provision

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// plan plans for what was observed, and says what there is now.
func (r *run) plan(s State) Plan {
	plan := makePlan(r.target, s)
	if plan.Existing = existing(s); plan.Existing != nil && s.Siblings.Kept() {
		plan.Existing.Kept = r.target.spec.VM + vmswap.Backup
	}
	return plan
}

// existing is what there is now; nil when there is no VM.
func existing(s State) *Existing {
	instance := s.Instance
	if instance == nil {
		return nil
	}
	e := &Existing{
		Status: strings.ToLower(instance.Status), Type: instance.VMType, Arch: instance.Arch, CPUs: instance.CPUs,
		Memory: instance.Memory, Disk: instance.Disk, DiskUsed: taken(instance.Dir), Created: created(instance.Dir), Protected: instance.Protected,
	}
	if s.Guest != nil {
		e.Layout = s.Guest.Marker
	}
	if instance.Config != nil {
		e.Project = shownProject(instance.Config)
	}
	return e
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

// taken is how much room an instance takes on the host: disks are sparse, so that blocks count and not sizes.
func taken(dir string) (bytes int64) {
	const block = 512 // of stat(2), whatever the file system's are
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += stat.Blocks * block
		}
	}
	return bytes
}

// created is when an instance was made: Lima writes this file then, and never again. Zero when it is not there.
func created(dir string) time.Time {
	info, err := os.Lstat(filepath.Join(dir, filenames.LimaVersion))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
