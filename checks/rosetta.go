package checks

import "context"

// RosettaFile is the part of Rosetta that Linux guests run; macOS has it once Rosetta was installed.
const RosettaFile = "/Library/Apple/usr/libexec/oah/RosettaLinux/rosetta"

// rosetta reports whether this Mac has Rosetta. A world does without it, and no one is to answer a dialog for it.
func (h Host) rosetta(context.Context) Result {
	if _, err := h.Stat(RosettaFile); err == nil {
		return ok("installed")
	}
	command := []string{"softwareupdate", "--install-rosetta", "--agree-to-license"}
	return info("not installed: programs for x86_64 won't run in a VM that is made now; to have them, first: "+
		"softwareupdate --install-rosetta --agree-to-license").fixable("", command...)
}
