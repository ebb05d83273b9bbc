package scenario

import (
	"slices"

	"github.com/atomize-hq/worldsetup/provision"
)

// This file holds the rows about the way into the guest: what shells, PAM, sshd, accounts and the guest's own commands
// do to a session.
//
// The rules are: what only prints, or sets something, changes no plan. What locks the user out is repaired over a way
// that is still open, when no other person's decision is undone by that. What a person decided, such as a setting of
// sshd or a member of the group, stays, and the failure names it.
//
// A session keeps the login shell, the PAM environment and the sshd settings of the moment when its connection was
// made. In the rows with "and the VM starts" every connection meets them.

// harmlessAccess makes a row for which the plan is empty.
func harmlessAccess(name, script, undo string) Scenario {
	return Scenario{Name: name, Faults: []Fault{{Guest: script, Undo: undo}}, Want: steps(), InTurn: true}
}

// repairedAccess makes a row that some steps repair. undo removes afterwards what the repair leaves.
func repairedAccess(name, script, undo string, want []provision.StepID, sees ...string) Scenario {
	return Scenario{
		Name: name, Faults: []Fault{{Guest: script, Undo: undo}}, Sees: sights(sees...), Want: want, InTurn: true,
	}
}

// damagedAccess makes a row of damage that is repaired as usual, although the script changes how sessions work.
func damagedAccess(name, script, undo string) Scenario {
	return repairedAccess(name, script+severalMissing, undo, severalBack, "agent", "is missing")
}

// startedAccess makes a row like damagedAccess, in which the VM is stopped first.
func startedAccess(name, script, undo string) Scenario {
	return Scenario{
		Name: name, Faults: []Fault{{Guest: script + severalMissing, Undo: undo}, {Host: VMStopped}},
		Sees: sights("instance", "stopped"), Want: slices.Concat(steps(start), severalBack), Boots: true, InTurn: true,
	}
}

// severalMissing removes much of what worldsetup writes, and severalBack repairs that.
const severalMissing = "rm -rf " + agentPath + " " + servicePath +
	` /etc/substrate-lima-layout /var/lib/substrate "$2/.substrate"` + "\n/usr/bin/systemctl daemon-reload\n"

var severalBack = steps(directories, units, agent, activate, marker)

// reportedAccess makes a row in which nothing is changed, and whose failure contains some words. The report before it
// contains the first of them.
func reportedAccess(name, script, undo, item string, says ...string) Scenario {
	return Scenario{
		Name: name, Faults: []Fault{{Guest: script, Undo: undo}}, Sees: sights(item, says[0]), Want: steps(),
		Kind: provision.KindUnhealthy, Says: says, InTurn: true,
	}
}

// slow marks a row that takes minutes everywhere.
func slow(row Scenario) Scenario {
	row.Slow = true
	return row
}

// prepend puts lines at the top of a file, which may be missing or a link, and restore restores the file.
func prepend(path, lines string) string {
	return "touch " + path + "\ncat " + path + " >" + path + ".before\n" +
		"{ cat <<'END'\n" + lines + "\nEND\ncat " + path + ".before; } >" + path + "\n"
}

func restore(path string) string {
	return "cat " + path + ".before >" + path + "\nrm " + path + ".before\n"
}

// printed makes a row of lines at the top of a file that a login reads.
func printed(name, path, lines string) Scenario {
	return harmlessAccess(name, prepend(path, lines), restore(path))
}

// userFile writes a file that the user owns, and unlink removes files.
func userFile(path, text string) string {
	return `install -d -o "$1" "$(dirname ` + path + `)"` + "\ncat >" + path + " <<'END'\n" + text + "\nEND\n" +
		`chown "$1" ` + path + "\n"
}

func unlink(paths string) string { return "rm -f " + paths + "\n" }

const (
	bashrc  = `"$2/.bashrc"`
	dotFile = `"$2/.profile"`
	sshRC   = `"$2/.ssh/rc"`
	welcome = "echo Welcome back!"
)

// endsSession makes a row of a start-up file with which no session runs a command, although sshd lets the user in.
func endsSession(name, path, lines string) Scenario {
	row := reportedAccess(name, prepend(path, lines), restore(path), "guest-access", ".bashrc", "usermod -s /bin/sh")
	row.NotSays = []string{"--replace"}
	return row
}

// failsLogin makes a row of a file that a login shell reads, with which `limactl shell` runs no command, and ssh does.
func failsLogin(name, lines string) Scenario {
	return Scenario{
		Name: name, Faults: []Fault{{Guest: prepend(dotFile, lines), Undo: restore(dotFile)}}, Want: steps(),
		Kind: provision.KindUnhealthy, Says: []string{".profile", "ssh -F"}, NotSays: []string{"journalctl", "--replace"},
		InTurn: true,
	}
}

// noiseScenarios are guests that print where nothing should be printed.
var noiseScenarios = slices.Concat(
	[]Scenario{
		printed("a line printed by .bashrc", bashrc, welcome),
		printed("a line printed by .profile", dotFile, welcome),
		printed("a line without an end printed by .bashrc", bashrc, "printf 'Welcome back!'"),
		printed("control characters printed by .bashrc", bashrc, `printf '\033[2J\033]0;title\007\r\000\377\n'`),
		printed("a report printed by .bashrc", bashrc, `printf 'worldsetup-observe 1\nsudo=no\nend\n'`),
		printed("a background job of .bashrc prints", bashrc, "{ sleep 0.3; echo done; } &"),
		harmlessAccess("a line printed by profile.d", "echo '"+welcome+"' >/etc/profile.d/hello.sh",
			unlink("/etc/profile.d/hello.sh")),
		printed("a line printed by bash.bashrc", "/etc/bash.bashrc", welcome),
		harmlessAccess("a line printed by the user's sshrc", userFile(sshRC, welcome), unlink(sshRC)),
		harmlessAccess("a line printed by sshrc", "echo '"+welcome+"' >/etc/ssh/sshrc", unlink("/etc/ssh/sshrc")),
		repairedAccess("agent removed, and .bashrc prints",
			prepend(bashrc, welcome)+"rm -f "+agentPath, restore(bashrc),
			steps(agent, activate), "agent", "is missing"),
		Scenario{
			Name: "group deleted, and .bashrc prints", InTurn: true,
			Faults: []Fault{{Guest: prepend(bashrc, welcome) + "groupdel substrate", Undo: restore(bashrc)}},
			Sees:   sights("group", "does not exist"),
			Want:   steps(group, connection), May: steps(directories, activate),
		},
		printed("errors printed by .bashrc", bashrc, "stty -ixon; echo oops >&2"),
		printed(".bashrc reads a line of standard input", bashrc, "read -t 1 -r answer"),
		harmlessAccess("the user's sshrc reads, and fails", userFile(sshRC, "cat\nexit 1"), unlink(sshRC)),
		harmlessAccess("sshd shows a banner", setSSHD("Banner /etc/passwd\nPrintMotd yes"), unsetSSHD),
		harmlessAccess("a message of the day, and .hushlogin", prepend("/etc/motd", "Hello")+`: >"$2/.hushlogin"`,
			restore("/etc/motd")+unlink(`"$2/.hushlogin"`)),
		curlOptions("a proxy for curl", `proxy = "http://127.0.0.1:1"`),
		curlOptions("curl shows more", "verbose\ninclude"),
		curlOptions("curl writes answers to a file", `output = "/tmp/answer"`),
		curlOptions("curl asks for the head only", "head"),
		harmlessAccess("root's curl writes answers to a file", `echo 'output = "/tmp/answer"' >/root/.curlrc`,
			unlink("/root/.curlrc /tmp/answer")),
	},
	[]Scenario{
		// Lima's mounts over sftp don't bear it, and the file is the user's.
		slow(Scenario{
			Name: "damaged and .bashrc prints, and the VM starts", Boots: true, InTurn: true,
			Faults: []Fault{{Guest: prepend(bashrc, welcome) + severalMissing, Undo: restore(bashrc)}, {Host: VMStopped}},
			Sees:   sights("instance", "stopped"), Want: steps(start, directories, units, agent, activate),
			Kind: provision.KindUnhealthy, Says: []string{"Welcome back!", ".bashrc", "restart would leave", "sed -i"},
		}),
	},
	[]Scenario{
		printed(".bashrc prints at the end of the session, and fails", bashrc, "trap 'echo bye; exit 7' EXIT"),
		printed(".bashrc prints much on both streams", bashrc, "exec 2>&1; seq 10000; ls /nowhere"),
		printed(".bashrc sets another home directory", bashrc, "export HOME=/nowhere USER=root LOGNAME=root; cd /"),
		printed(".bashrc sets what shells run", bashrc,
			"export PROMPT_COMMAND='echo prompt' BASH_ENV=/nowhere/env PS4='$(echo trace)' IFS=:; set -x"),
		endsSession(".bashrc ends the session", bashrc, "exit 0"),
		endsSession(".bashrc ends the session, and says so", bashrc, "echo Not today. >&2; exit 3"),
		endsSession(".bashrc starts another shell", bashrc, "exec fish"),
		endsSession(".bashrc closes its output", bashrc, "exec >/dev/null"),
		endsSession("bash.bashrc ends the session", "/etc/bash.bashrc", "exit 0"),
		slow(endsSession(".bashrc hangs", bashrc, "sleep 1000")),
		slow(endsSession(".bashrc prints without an end", bashrc, "yes")),
		failsLogin(".profile ends the login", "exit 0"),
		failsLogin(".profile starts another shell", "exec fish"),
		slow(failsLogin(".profile hangs", "sleep 1000")),
	},
)

// curlOptions makes a row of options that curl reads from the user's .curlrc.
func curlOptions(name, text string) Scenario {
	return harmlessAccess(name, userFile(`"$2/.curlrc"`, text), unlink(`"$2/.curlrc" /tmp/answer`))
}

// chsh gives the user another login shell, and unchsh gives bash back.
func chsh(shell string) string { return "usermod -s " + shell + ` "$1"` + "\n" }

const unchsh = `usermod -s /bin/bash "$1"` + "\n"

// shellWithFile makes a row of a login shell that prints.
func shellWithFile(name, shell, path string) Scenario {
	return shellWithLines(name, shell, path, welcome)
}

// shellWithLines makes a row of a login shell and its start-up file.
func shellWithLines(name, shell, path, lines string) Scenario {
	return harmlessAccess(name, chsh(shell)+userFile(path, lines), unchsh+unlink(path))
}

// shellScenarios are guests whose user has another login shell.
var shellScenarios = slices.Concat(
	[]Scenario{
		harmlessAccess("login shell dash", chsh("/bin/dash"), unchsh),
		harmlessAccess("login shell fish", chsh("/usr/bin/fish"), unchsh),
		harmlessAccess("login shell zsh", chsh("/usr/bin/zsh"), unchsh),
		startedAccess("damaged and login shell dash, and the VM starts", chsh("/bin/dash"), unchsh),
		startedAccess("damaged and login shell fish, and the VM starts", chsh("/usr/bin/fish"), unchsh),
		startedAccess("damaged and login shell zsh, and the VM starts", chsh("/usr/bin/zsh"), unchsh),
	},
	[]Scenario{
		// Lima 2.1 and 2.2 can't start a VM whose user has it: tcsh reads the "$(…)" that is meant for bash.
		harmlessAccess("login shell tcsh", chsh("/usr/bin/tcsh"), unchsh),
		shellWithFile("login shell tcsh, and .tcshrc prints", "/usr/bin/tcsh", `"$2/.tcshrc"`),
		shellWithFile("login shell fish, and config.fish prints", "/usr/bin/fish", `"$2/.config/fish/config.fish"`),
		shellWithFile("login shell zsh, and .zshenv prints", "/usr/bin/zsh", `"$2/.zshenv"`),
		shellWithLines("login shell fish, and config.fish exits", "/usr/bin/fish", `"$2/.config/fish/config.fish"`, "exit 0"),
		shellWithLines("login shell tcsh, and .tcshrc exits", "/usr/bin/tcsh", `"$2/.tcshrc"`, "exit 0"),
		shellWithLines("login shell fish, and it prints on both streams", "/usr/bin/fish",
			`"$2/.config/fish/config.fish"`, "echo Welcome; echo back >&2"),
		{ // Lima's shared connection has the shell of the time when it was made: it may be zsh as well.
			Name: "login shell zsh, and .zshenv exits", Want: steps(), InTurn: true,
			Faults: []Fault{{Guest: chsh("/usr/bin/zsh") + userFile(`"$2/.zshenv"`, "exit 0"),
				Undo: unchsh + unlink(`"$2/.zshenv"`)}},
			Kind: provision.KindUnhealthy, Says: []string{".zshenv", "usermod -s /bin/sh"},
		},
		repairedAccess("login shell false", chsh("/bin/false"), unchsh, steps(entry), "ssh", "/bin/false"),
		repairedAccess("login shell nologin", chsh("/usr/sbin/nologin"), unchsh, steps(entry), "ssh", "nologin"),
		repairedAccess("login shell missing", chsh("/nowhere/sh"), unchsh, steps(entry), "ssh", "/nowhere/sh"),
	},
)

// environment makes a row of variables that PAM sets in every new session.
func environment(name, text string) Scenario {
	return harmlessAccess(name, prepend("/etc/environment", text), restore("/etc/environment"))
}

// locale generates a locale and makes it the guest's, and unlocale removes it.
func locale(name, settings string) string {
	return "localedef -i " + name + " -f UTF-8 " + name + ".UTF-8\n" + prepend("/etc/default/locale", settings)
}

func unlocale(name string) string {
	return restore("/etc/default/locale") + "localedef --delete-from-archive " + name + ".utf8\n"
}

// pamUmask has PAM set a mask in every new session.
func pamUmask(mask string) string {
	return "sed -i.before '/pam_umask/d' /etc/pam.d/common-session\n" +
		"echo 'session optional pam_umask.so umask=" + mask + "' >>/etc/pam.d/common-session\n"
}

const otherTools = `TMPDIR=/nowhere
POSIXLY_CORRECT=1
SYSTEMD_LOG_LEVEL=debug
SYSTEMD_COLORS=1
TIME_STYLE=full-iso
BLOCK_SIZE=human-readable
CURL_HOME=/nowhere
TZ=Asia/Tokyo
CDPATH=/usr
SUDO_ASKPASS=/bin/false`

// environmentScenarios are guests that give sessions an environment of their own.
var environmentScenarios = slices.Concat(
	[]Scenario{
		harmlessAccess("locale of Turkish", locale("tr_TR", "LANG=tr_TR.UTF-8"), unlocale("tr_TR")),
		harmlessAccess("locale of German", locale("de_DE", "LANG=de_DE.UTF-8\nLC_ALL=de_DE.UTF-8"), unlocale("de_DE")),
		startedAccess("damaged and locale of Turkish, and the VM starts",
			locale("tr_TR", "LANG=tr_TR.UTF-8\nLC_ALL=tr_TR.UTF-8"), unlocale("tr_TR")),
		environment("locale that does not exist", "LANG=xx_YY.UTF-8\nLC_ALL=xx_YY.UTF-8\nLANGUAGE=xx"),
		environment("library to be preloaded missing", "LD_PRELOAD=/nowhere/lib.so"),
		harmlessAccess("library to be preloaded everywhere missing",
			"echo /nowhere/lib.so >/etc/ld.so.preload", unlink("/etc/ld.so.preload")),
		environment("proxies for everything", "http_proxy=http://127.0.0.1:1\nall_proxy=http://127.0.0.1:1"),
		environment("settings of other tools", otherTools),
		startedAccess("damaged and settings of other tools, and the VM starts",
			prepend("/etc/environment", otherTools), restore("/etc/environment")),
		harmlessAccess("BASH_ENV and ENV print",
			"echo '"+welcome+"' >/etc/noise.sh\n"+prepend("/etc/environment",
				"BASH_ENV=/etc/noise.sh\nENV=/etc/noise.sh"),
			restore("/etc/environment")+unlink("/etc/noise.sh")),
		damagedAccess("damaged, and umask closed", prepend(bashrc, "umask 077")+prepend(dotFile, "umask 077"),
			restore(bashrc)+restore(dotFile)),
		damagedAccess("damaged, and umask open", prepend(bashrc, "umask 000")+prepend(dotFile, "umask 000"),
			restore(bashrc)+restore(dotFile)),
		startedAccess("damaged and umask closed by PAM, and the VM starts", pamUmask("0077"),
			restore("/etc/pam.d/common-session")),
		startedAccess("damaged and umask open by PAM, and the VM starts", pamUmask("0000"),
			restore("/etc/pam.d/common-session")),
		environment("PATH that leads nowhere", "PATH=/nowhere"),
		harmlessAccess("PATH set by sshd", setSSHD("SetEnv PATH=/nowhere LC_ALL=tr_TR.UTF-8"), unsetSSHD),
	},
)

// wrapper puts a script in the place of a command, and unwrap removes it.
func wrapper(command, script string) string {
	path := "/usr/local/bin/" + command
	return "cat >" + path + " <<'END'\n#!/bin/sh\n" + script + "\nEND\nchmod 0755 " + path + "\n"
}

func unwrap(command string) string { return unlink("/usr/local/bin/" + command) }

// noisyWrapper makes a row of a command that prints, and then runs the real one.
func noisyWrapper(command string) Scenario {
	script := "echo calling " + command + "\nexec /usr/bin/" + command + ` "$@"`
	return harmlessAccess("wrapper of "+command+" prints", wrapper(command, script), unwrap(command))
}

// failingWrapper makes a row of a command that does nothing, and fails.
func failingWrapper(command string) Scenario {
	return harmlessAccess("wrapper of "+command+" fails",
		wrapper(command, "echo not today >&2\nexit 1"), unwrap(command))
}

// wrapperScenarios are guests in which other programs take the place of commands.
var wrapperScenarios = slices.Concat(
	[]Scenario{
		noisyWrapper("curl"), noisyWrapper("systemctl"), noisyWrapper("stat"), noisyWrapper("id"), noisyWrapper("sudo"),
		noisyWrapper("getent"), noisyWrapper("sh"),
		failingWrapper("curl"), failingWrapper("systemctl"), failingWrapper("stat"), failingWrapper("id"),
		failingWrapper("sudo"),
		damagedAccess("damaged, and wrappers of systemctl and install fail",
			wrapper("systemctl", "exit 1")+wrapper("install", "exit 1"), unwrap("systemctl")+unwrap("install")),
		printed("functions in the place of commands", bashrc,
			`for f in sh sudo curl cat; do eval "$f() { echo no $f; return 1; }"; export -f $f; done`),
		failingWrapper("journalctl"),
		printed("aliases in the place of commands", bashrc,
			"shopt -s expand_aliases; alias sh='echo no sh' sudo='echo no sudo'"),
	},
)

// keepAccounts copies the files of users and groups, and restoreAccounts restores them.
const (
	keepAccounts    = "for f in passwd shadow group gshadow; do cp -a /etc/$f /etc/$f.before; done\n"
	restoreAccounts = "for f in passwd shadow group gshadow; do mv /etc/$f.before /etc/$f; done\n"
)

// nsswitch has the C library ask some sources for users or groups.
func nsswitch(database, sources string) string {
	return "sed -i.before 's/^" + database + ":.*/" + database + ": " + sources + "/' /etc/nsswitch.conf\n"
}

// others makes a row of other users who are in the socket's group, or could join it at any time.
func others(name, script string, says ...string) Scenario {
	return reportedAccess(name, keepAccounts+script, restoreAccounts, "group", says...)
}

// sameAccounts makes a row of users and groups that change nothing about who gets in.
func sameAccounts(name, script string) Scenario {
	return harmlessAccess(name, keepAccounts+script, restoreAccounts)
}

// identityScenarios are guests with unusual users and groups.
var identityScenarios = []Scenario{
	sameAccounts("user in the group twice", `sed -i "s/^substrate:.*/&,$1/" /etc/group`),
	sameAccounts("group listed twice, ours first", "echo substrate:x:1500: >>/etc/group"),
	harmlessAccess("primary group of the user", `usermod -g substrate "$1"`, `usermod -g "$1" "$1"`),
	sameAccounts("another name of the user's, listed later", `useradd -o -M -u "$(id -u "$1")" -g games twin`),
	repairedAccess("user a member in gshadow only",
		keepAccounts+`sed -i 's/^\(substrate:.*:\)[^:]*/\1/' /etc/group`,
		restoreAccounts, steps(group), "group", "is not in the group substrate"),
	sameAccounts("user a member in group only", `sed -i 's/^\(substrate:.*:\)[^:]*/\1/' /etc/gshadow`),
	sameAccounts("group not in gshadow", "sed -i /^substrate:/d /etc/gshadow"),
	harmlessAccess("groups of another source first", nsswitch("group", "sss files"), restore("/etc/nsswitch.conf")),
	harmlessAccess("linger of another user", "touch /var/lib/systemd/linger/games",
		unlink("/var/lib/systemd/linger/games")),
	others("group listed twice, ours last", "sed -i '1i substrate:x:1500:' /etc/group", "/etc/group"),
	others("another group has the group's number",
		`echo "docker:x:$(getent group substrate | cut -d: -f3):games" >>/etc/group`, "games"),
	others("primary group of another user", "usermod -g substrate games", "games"),
	others("another user is a member", "gpasswd -a games substrate", "games", "gpasswd -d games substrate"),
	others("another user administers the group", "gpasswd -A games substrate", "games"),
	others("group with a password", "echo substrate:secret | chgpasswd", "password", "gpasswd -r substrate"),
	others("the user nobody is a member", "gpasswd -a nobody substrate", "nobody", "gpasswd -d nobody substrate"),
	reportedAccess("groups of another source only", nsswitch("group", "sss"), restore("/etc/nsswitch.conf"),
		"group", "/etc/nsswitch.conf"),
}

// sshdHarmless makes a row of settings of sshd, in which $1 is the user's name, and sshdReported one of settings that
// forbid what a world needs.
func sshdHarmless(name, settings string) Scenario {
	return harmlessAccess(name, setSSHD(settings), unsetSSHD)
}

func sshdReported(name, settings string, says ...string) Scenario {
	return reportedAccess(name, setSSHD(settings), unsetSSHD, "ssh", says...)
}

// setSSHD writes settings that come before all others. sshd has read them for certain once it was restarted, which no
// session notices; systemd would count the starts.
func setSSHD(settings string) string {
	return "cat >" + sshdSettings + " <<END\n" + settings + "\nEND\n" + restartSSHD
}

const (
	sshdSettings = "/etc/ssh/sshd_config.d/00-fault.conf"
	restartSSHD  = "systemctl reset-failed ssh.service\nsystemctl restart ssh.service\n"
	unsetSSHD    = "rm -f " + sshdSettings + "\n" + restartSSHD
)

// sshScenarios are guests whose sshd has settings of its own.
var sshScenarios = slices.Concat(
	[]Scenario{
		sshdReported("sshd forwards no UNIX sockets", "AllowStreamLocalForwarding no", "AllowStreamLocalForwarding"),
		sshdReported("sshd allows remote UNIX sockets only", "AllowStreamLocalForwarding remote",
			"AllowStreamLocalForwarding"),
		// It holds for UNIX sockets too: measured with OpenSSH 10.0.
		sshdReported("sshd forwards no ports", "AllowTcpForwarding no", "AllowTcpForwarding"),
		sshdReported("sshd forwards nothing", "DisableForwarding yes", "DisableForwarding"),
		sshdReported("sshd forwards nothing for the user", "Match User $1\n  AllowStreamLocalForwarding no",
			"AllowStreamLocalForwarding"),
		sshdReported("sshd forces a command", "Match User $1\n  ForceCommand /bin/true", "ForceCommand"),
		sshdReported("sshd forces file transfers", "Match User $1\n  ForceCommand internal-sftp", "ForceCommand"),
	},
	[]Scenario{
		sshdReported("sshd allows no sessions", "MaxSessions 0", "MaxSessions"),
		sshdReported("sshd takes no keys", "PubkeyAuthentication no", "PubkeyAuthentication"),
		sshdReported("sshd looks for keys elsewhere", "AuthorizedKeysFile /nowhere/%u", "AuthorizedKeysFile"),
		sshdReported("sshd allows other users", "AllowUsers games", "AllowUsers games"),
		sshdReported("sshd denies the user", "DenyUsers $1", "DenyUsers"),
		sshdReported("sshd allows other groups", "AllowGroups games", "AllowGroups games"),
		sshdReported("sshd denies the user's group", "DenyGroups $(id -gn \"$1\")", "DenyGroups"),
	},
	[]Scenario{
		sshdHarmless("sshd allows local UNIX sockets only", "AllowStreamLocalForwarding local"),
		sshdHarmless("sshd wraps commands", "Match User $1\n  ForceCommand sh -c \"\\$SSH_ORIGINAL_COMMAND\""),
		sshdHarmless("sshd gives no terminals", "PermitTTY no"),
		sshdHarmless("sshd allows one session", "MaxSessions 1"),
		sshdHarmless("sshd allows two sessions", "MaxSessions 2"),
		sshdHarmless("sshd lets one client log in at a time", "MaxStartups 1"),
		sshdHarmless("sshd gives five seconds to log in", "LoginGraceTime 5"), // one is too few on a busy machine
		sshdHarmless("sshd checks clients every second", "ClientAliveInterval 1\nClientAliveCountMax 2"),
		harmlessAccess("sshd asks a name server that doesn't answer",
			// With the usual options it passes too, and takes 25 s a run.
			"mv /etc/resolv.conf /etc/resolv.conf.before\n"+
				"printf 'nameserver 192.168.5.99\\noptions timeout:2 attempts:1\\n' >/etc/resolv.conf\n"+setSSHD(
				"UseDNS yes"),
			"mv /etc/resolv.conf.before /etc/resolv.conf\n"+unsetSSHD),
	},
)
