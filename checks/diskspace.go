package checks

import (
	"fmt"
	"path/filepath"
	"strings"
)

// What a world takes on the host's disk, in bytes. Ubuntu's cloud image has 0.6 GiB, and a first setup writes 2 GiB into
// a disk that takes only what was written; the margin is for what else is written meanwhile.
const (
	imageSpace = 700 << 20
	firstSpace = 2 << 30
	spareSpace = 1 << 30
)

// Space is what is to be put on the disk.
type Space struct {
	Image bool  // the image is to be downloaded
	Disk  int64 // the VM's, in bytes
	Used  int64 // of that is taken on the host already
	Kept  int64 // by the VM that is to be replaced, until the new one answers
}

// diskSpace checks that Lima's home has room: enough to begin with, and better for all that the VM's disk may ever take.
func diskSpace(h Host, home directory, space Space) Check {
	return dirCheck("disk-space", "free disk space", func() Finding {
		path, obstacle := home.usable()
		if obstacle != nil {
			path = filepath.Dir(obstacle.at) // lima-home says what is wrong with it
		}
		free, err := h.Free(path)
		if err != nil {
			return Finding{Found: err.Error()}
		}
		need, all, sum := space.sums()
		next := "make room there, or use another disk: export LIMA_HOME=DIR"
		switch {
		case free < need:
			return failed("there is too little room for a VM", fmt.Sprintf("%s are free in %s, and it begins with %s (%s)", size(free), path, size(need), sum), next)
		case free < all:
			return warning("%s free of the %s that it may take", size(free), size(all)).because("there may be too little room later", sum, next).details(sum)
		}
		return ok("%s free, at most %s needed", size(free), size(all)).details(sum)
	})
}

// sums are what is needed to begin, what is needed at most, and how the latter comes about.
func (s Space) sums() (need, all int64, sum string) {
	parts := []string{"the VM's disk " + size(s.Disk)}
	need, all = firstSpace+spareSpace, s.Disk+spareSpace
	if s.Used > 0 {
		parts = append(parts, "less the "+size(s.Used)+" that it takes already")
		need, all = spareSpace, max(all-s.Used, spareSpace)
	}
	if s.Image {
		parts = append(parts, "the image "+size(imageSpace))
		need, all = need+imageSpace, all+imageSpace
	}
	// What is kept during a replacement is on the disk already: it only is not given back before.
	if s.Kept > 0 {
		parts = append(parts, "the VM that is kept until then "+size(s.Kept)+" (on the disk already)")
	}
	parts = append(parts, "spare "+size(spareSpace))
	return need, all, fmt.Sprintf("%s: %s at most", strings.Join(parts, " + "), size(all))
}
