package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
)

// This file is about the ways into the guest: what sshd, the key and the user's start-up files make of new connections.
//
// The start-up files of the login shell are the user's and stay as they are. A boot changes nothing about them, so that
// none is planned for what they do; the failure names them, with the commands that help.
//
// Lima's shared connection can be the last way into a guest: an account that has expired, or a new line in sshd's
// configuration, keeps new connections out and leaves the open one alone. It must not end before another one is let in.

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
		Next: quietStartup(s) + "; then run worldsetup again",
	}
}

// quietStartup returns what makes start-up files print nothing where no one reads it.
func quietStartup(s State) string {
	bashrc := guest.RootCommand(s.Instance.Name, "sed -i", "1i case $- in *i*) ;; *) return ;; esac",
		s.Guest.Home+"/.bashrc")
	return "make the start-up file print only in interactive shells: in bash, " + bashrc +
		"; do the same in other shells and files (" + guest.StartupFiles + ")"
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

// planSSHAccess plans to repair SSH access, and blocks the plan where that is impossible or did not help.
func planSSHAccess(p *Plan, _ target, s State) {
	switch {
	case s.SSHSetting.Name != "":
		p.Blocked = sshdForbids(s)
	case s.EndsEarly:
		p.Blocked = lastWay(s)
	case !s.Tried[StepSSHAccess]:
		p.add(StepSSHAccess, sshReasons(s)...)
	case s.Locked != "":
		p.Blocked = lastWay(s)
	}
}

// sshReasons returns why sshd refuses Lima's key, or would after a restart: it accepts no key from a directory that
// others can write to. On Debian, a group of the user's own may have write access.
func sshReasons(s State) (reasons []string) {
	if s.OpenKey != nil {
		return []string{s.OpenKey.What + ": " + s.OpenKey.Why}
	}
	o := s.Guest
	for _, path := range []string{o.Home, o.Home + "/.ssh", o.Home + "/.ssh/authorized_keys"} {
		file := o.Files[path]
		if mode, err := strconv.ParseUint(file.Mode, 8, 32); err == nil &&
			(mode&0o2 != 0 || mode&0o20 != 0 && file.Group != o.User) {
			reasons = append(reasons,
				fmt.Sprintf("others can write to %s, so ssh accepts no key from there: its mode is %s", path,
					file.Mode))
		}
	}
	if s.SSHSetting.Name != "" {
		reasons = append(reasons, "the setting of sshd forbids what a world needs: "+s.SSHSetting.String())
	}
	if s.Locked != "" {
		reasons = append(reasons, "a fresh SSH connection is refused: "+s.Locked)
	}
	return reasons
}

// repairSSHAccess makes sshd accept Lima's key again.
func repairSSHAccess(r *run, ctx context.Context, at State, _ Step, _ func(string)) error {
	key, err := os.ReadFile(filepath.Join(r.target.spec.LimaHome, filenames.ConfigDir, filenames.UserPublicKey))
	if err != nil {
		return fmt.Errorf("the public key that Lima uses cannot be read: %w", err)
	}
	r.done.locked, r.done.lockedCause = "", guest.CauseUnknown
	o := at.Guest
	return r.session(at).change(ctx, guest.RepairSSH{User: o.User, Home: o.Home, Key: strings.TrimSpace(string(key))})
}

// renewConnection reconnects Lima's shared connection.
func renewConnection(r *run, ctx context.Context, at State, step Step, _ func(string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, guestDeadline, overdue(guestDeadline))
	defer cancel()
	err := r.edges.Guest(at.Instance, r.target.layout).Renew(ctx, forwards(at.Instance))
	if refused, ok := errors.AsType[*guest.ConnectionError](err); ok &&
		refused.Route == guest.Fresh && ctx.Err() == nil {
		// Nothing was changed: SSH access must be repaired first.
		explainRefusal(ctx, r.session(at), &at,
			&verify.Rejection{What: guest.RefusedLogin, Text: refused.Error(), Cause: refused.Cause()})
		r.done.locked, r.done.lockedCause = at.Locked, at.LockedCause
		if r.done.finished[StepSSHAccess] {
			return lastWay(at)
		}
		r.done.forget(step)
		return nil
	}
	return err
}

// forwards returns the host sockets that Lima forwards into the guest, which it does only when it starts the VM.
func forwards(instance *limatype.Instance) (pairs []guest.Pair) {
	for _, rule := range instance.Config.PortForwards {
		if rule.GuestSocket != "" && rule.HostSocket != "" && !rule.Reverse && !rule.Ignore {
			pairs = append(pairs, guest.Pair{Host: rule.HostSocket, Guest: rule.GuestSocket})
		}
	}
	return pairs
}

// endsConnection reports whether a step ends the shared connection, or closes it to new sessions.
func endsConnection(step Step) bool { return step.ID == StepStop || step.ID == StepConnection }

// refusedDeadline bounds the search in the guest for why its ssh server refused a connection.
const refusedDeadline = 15 * time.Second

// checkLastWay makes a fresh connection before a plan ends the open one, and reports whether the state was changed,
// since it is refused.
func checkLastWay(ctx context.Context, in session, now *view) bool {
	s := &now.state
	ends := slices.ContainsFunc(now.plan.Steps, endsConnection)
	if !ends || now.verified != nil || s.SharedDead || s.Booting || s.Locked != "" {
		return false
	}
	late := guest.Late(guest.FreshDeadline)
	deadline, cancel := context.WithTimeoutCause(ctx, guest.FreshDeadline, late)
	defer cancel()
	enter := func() error { return in.Enter(deadline) }
	refusal := verify.RefusalOf(verify.UntilAdmitted(deadline, enter))
	if refusal == nil || ctx.Err() != nil {
		return false
	}
	explainRefusal(ctx, in, s, refusal)
	return true
}

// explainRefusal adds a refusal to the state, with the causes that root finds in the guest.
func explainRefusal(ctx context.Context, in session, s *State, refusal *verify.Rejection) {
	var refusals guest.Refusals
	if s.Guest.Sudo {
		ctx, cancel := context.WithTimeout(ctx, refusedDeadline)
		defer cancel()
		refusals, _ = in.Refusals(ctx, in.route, s.Guest.User, refusal.What) // on failure, ssh's own message has to do
	}
	s.SSHSetting = refusals.Setting
	if refusal.What != guest.RefusedForward {
		s.Locked = strings.Join(append([]string{refusal.Text}, refusals.Causes...), "; ")
		s.LockedCause = refusal.Cause
		s.EndsEarly = refusal.What == guest.RefusedSession && len(refusals.Causes) == 0
	}
}

// lastWay returns the error of a guest that still refuses new connections after all repairs.
func lastWay(s State) *Error {
	command := "sudo journalctl -n 20 -t sshd -t sshd-session"
	if s.LockedCause == guest.CauseTimedOut {
		command = "sudo nft list ruleset"
	}
	if s.EndsEarly {
		command = shellescape.QuoteCommand([]string{"sudo", "usermod", "-s", "/bin/sh", s.Guest.User})
		return &Error{
			Kind: KindUnhealthy,
			What: fmt.Sprintf("new ssh connections to the VM %s run none of our commands", s.Instance.Name),
			Why:  s.Locked,
			Next: fmt.Sprintf("don't stop the VM; over the open connection, repair the start-up file, or give the user a "+
				"login shell that reads none (limactl shell --workdir / %s %s), and run worldsetup again",
				shellescape.Quote(s.Instance.Name), command),
		}
	}
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the VM %s refuses new ssh connections", s.Instance.Name),
		Why:  s.Locked + "\nThe connection that is still open may be the last way in, so the VM is not restarted.",
		Next: fmt.Sprintf("don't stop the VM; find the cause over the open connection (limactl shell --workdir / %s "+
			"%s), "+
			"repair it, and run worldsetup again", s.Instance.Name, command),
	}
}

// sshdForbids returns the error of an sshd setting with which a world can't work. Someone decided on it, so it stays.
func sshdForbids(s State) *Error {
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the settings of the ssh server in the VM %s forbid what a world needs", s.Instance.Name),
		Why:  strings.TrimSpace("sshd has the setting " + s.SSHSetting.String() + "\n" + s.Locked),
		Next: fmt.Sprintf("don't stop the VM; find the setting (%s), change it, restart ssh.service, and run worldsetup "+
			"again",
			guest.RootCommand(s.Instance.Name, "grep -rni", s.SSHSetting.Name, "/etc/ssh")),
	}
}
