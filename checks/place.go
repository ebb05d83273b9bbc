package checks

import (
	"context"
	"path/filepath"
)

// places are directories of a Mac that a VM reads in another way than a person does, relative to the home directory,
// with what comes of it. macOS lets a program read the first ones when the app that it was started from was granted
// that.
var places = []struct{ path, why string }{
	{"Desktop", guarded}, {"Documents", guarded}, {"Downloads", guarded},
	{"Library/Mobile Documents", inCloud}, {"Library/CloudStorage", inCloud},
}

const (
	guarded = "macOS lets a VM read it only if the app that started the VM (Terminal, an editor, a login item) may read " +
		"it; if another app starts the VM, /src is unreadable. If it is in iCloud, files that are only there can't " +
		"be read either"
	inCloud = "files that are only in the cloud can't be read in a VM: Resource deadlock avoided (lima#4123)"
	onDisk  = "if the disk is removed, programs in the VM lose the project until the VM is started again, and macOS " +
		"lets a VM read it only if the app that started the VM may read it"
)

// projectPlace checks where the project is, by whatever links.
func (h Host) projectPlace(home, project string) Probe {
	return func(context.Context) Result {
		real := h.real(project)
		for _, place := range places {
			if directory := filepath.Join(home, place.path); within(real, h.real(directory)) || within(project, directory) {
				return warning("below ~/%s", place.path).because(place.why, "keep it elsewhere, such as in ~/src, or allow "+
					"it: System Settings > Privacy & Security > Files and Folders > your terminal")
			}
		}
		if within(real, "/Volumes") {
			return warning("below /Volumes").because(onDisk, "keep it on the Mac's own disk, or allow it: System Settings > "+
				"Privacy & Security > Files and Folders > your terminal")
		}
		return ok("%s", project)
	}
}
