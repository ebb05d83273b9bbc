package checks

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// enoughFiles is how many files limactl and ssh must be able to open: mounts over ssh hold one for each that is open in
// the guest.
const enoughFiles = 1024

// fileLimit checks how many files a program may open.
func fileLimit(h Host) Check {
	return Check{
		ID: "open-files", Title: "limit of open files",
		Probe: func(context.Context) Finding {
			limit, err := h.Files()
			switch {
			case err != nil:
				return Finding{Found: err.Error()}
			case limit < enoughFiles && h.OS == "darwin":
				return fewFiles(limit, "raise it: sudo launchctl limit maxfiles 65536 unlimited, then open a new terminal")
			case limit < enoughFiles:
				return fewFiles(limit, "raise it: `nofile` in /etc/security/limits.conf, then log in again")
			case limit > 1<<40:
				return ok("unlimited")
			}
			return ok("%d", limit)
		},
	}
}

func fewFiles(limit uint64, next string) Finding {
	return warning("%d", limit).because("few files can be open at a time", fmt.Sprintf("the limit is %d, and mounts may need more than %d", limit, enoughFiles), next)
}

// watches checks that files can be watched, as Lima's host agent does.
func watches(h Host) Check {
	return Check{
		ID: "inotify", Title: "watching of files",
		Probe: func(context.Context) Finding {
			err := h.Inotify()
			switch {
			case err == nil:
				return ok("works")
			case errors.Is(err, syscall.EMFILE):
				return failed("no more files can be watched", "all of fs.inotify.max_user_instances are in use: "+err.Error(),
					"allow more: sudo sysctl -w fs.inotify.max_user_instances=1024").
					fixable("to keep it after a restart: echo fs.inotify.max_user_instances=1024 | sudo tee /etc/sysctl.d/60-inotify.conf",
						"sudo", "sysctl", "-w", "fs.inotify.max_user_instances=1024")
			}
			return Finding{Found: err.Error()}
		},
	}
}
