package provision

import (
	"fmt"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// This file judges what the start-up files of the user's login shell do to sessions in the guest.
//
// The rules are: the files are the user's and stay as they are. A boot changes nothing about them, so that none is
// planned for what they do; the failure names them, with the commands that help.

const itemStartup = "startup-files"

// noise returns what the start-up files print in sessions that no one reads, where Lima's mounts don't bear it: sshfs
// and the sftp server of this machine talk over such a session, from its first byte on. It is empty where they do.
func noise(s State) string {
	config := s.Instance.Config
	if s.Guest == nil || config == nil || config.MountType == nil || *config.MountType != limatype.REVSSHFS ||
		len(config.Mounts) == 0 {
		return ""
	}
	return s.Guest.Noise
}

// noisy returns the error of a VM that would have to restart for some reasons, and would come back without its mounts.
func noisy(s State, reasons []string) *Error {
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("a restart would leave the VM %s without its mounts: "+
			"a start-up file of the login shell prints", s.Instance.Name),
		Why: fmt.Sprintf("it would have to restart: %s\nLima mounts over SSH sessions, and takes what every session "+
			"prints, %.60q, for its own data", strings.Join(reasons, "; "), noise(s)),
		Next: quiet(s) + "; then run worldsetup again",
	}
}

// quiet returns what makes start-up files print nothing where no one reads it.
func quiet(s State) string {
	bashrc := guest.RootCommand(s.Instance.Name, "sed -i", "1i case $- in *i*) ;; *) return ;; esac",
		s.Guest.Home+"/.bashrc")
	return "let the start-up file print in interactive shells only: in bash, " + bashrc +
		"; in other shells and files (" + guest.StartupFiles + ") likewise"
}

// endsEarly returns the error of a VM whose sshd lets the user in, where no session comes as far as our script. A
// restart would not change that, and root can be reached in no other way: the next boot gives the user a shell that
// reads no start-up files. It does so once.
func endsEarly(s State, session *guest.SessionError) *Error {
	user := userOf(s.Instance)
	script := fmt.Sprintf("[ -e ~%[1]s/.login-shell.before ] || { getent passwd %[1]s >~%[1]s/.login-shell.before && "+
		"usermod -s /bin/sh %[1]s; }", user)
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the VM %s lets us in over SSH, and runs none of our commands", s.Instance.Name),
		Why:  session.Error(),
		Next: fmt.Sprintf("have the next boot give the user the login shell /bin/sh, which reads no such file: %s; "+
			"then repair the file, and run worldsetup again", guest.BootCommand(s.Instance.Name, script)),
		Err: s.GuestError,
	}
}

// userOf returns the name of the user as whom Lima logs in.
func userOf(instance *limatype.Instance) string {
	if instance.Config == nil || instance.Config.User.Name == nil {
		return "USER"
	}
	return *instance.Config.User.Name
}
