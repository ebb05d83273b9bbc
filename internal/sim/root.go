package sim

import (
	"errors"
	"fmt"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Root runs a few lines of shell in the guest as root, with the user's name as $1 and its home directory as $2. It knows
// the commands by which worlds get damaged, one a line; anything else is an error. The same lines can damage a real guest.
func (vm *VM) Root(script string) error {
	vm.world.mu.Lock()
	defer vm.world.mu.Unlock()
	m := vm.guest
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words, err := split(line)
		if err != nil {
			return err
		}
		for i := range words {
			words[i] = strings.NewReplacer("$1", m.user.name, "$2", m.user.home).Replace(words[i])
		}
		run, ok := commands[words[0]]
		if !ok {
			return fmt.Errorf("sim: the command %q is not known", line)
		}
		if err := run(m, words[1:]); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

// split splits a line into words at blanks, outside of quotes. A redirection is a word of its own.
func split(line string) (words []string, err error) {
	word, quote, open := "", rune(0), false
	end := func() {
		if open {
			words = append(words, word)
		}
		word, open = "", false
	}
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word += string(c)
		case c == '\'' || c == '"':
			quote, open = c, true
		case c == ' ':
			end()
		case c == '>' && strings.Trim(word, ">") != "":
			end()
			word, open = ">", true
		case strings.ContainsRune("|;&<`\\*?", c):
			return nil, fmt.Errorf("sim: %q in a command is not known", c)
		case c != '>' && strings.HasPrefix(word, ">"):
			end()
			word, open = string(c), true
		default:
			word, open = word+string(c), true
		}
	}
	end()
	if quote != 0 {
		return nil, fmt.Errorf("sim: a quote is not closed: %s", line)
	}
	return words, nil
}

// commands are what Root knows. A real one refuses more than these do.
var commands = map[string]func(m *machine, args []string) error{
	"rm":        (*machine).rm,
	"rmdir":     (*machine).rm,
	"mkdir":     (*machine).mkdir,
	"mv":        (*machine).mv,
	"truncate":  (*machine).truncate, // truncate -s 0 FILE
	"printf":    (*machine).printf,   // printf TEXT >FILE, or >>FILE
	"chmod":     (*machine).chmod,
	"chown":     (*machine).chown, // chown USER FILE
	"chgrp":     (*machine).chgrp,
	"ln":        (*machine).ln, // ln -sf TARGET FILE
	"touch":     (*machine).touch,
	"mount":     (*machine).mount,    // mount -t tmpfs none MOUNTPOINT, or mount --bind DIRECTORY MOUNTPOINT
	"groupmod":  (*machine).groupmod, // groupmod -g NUMBER GROUP
	"usermod":   (*machine).usermod,  // usermod -aG GROUP USER
	"date":      (*machine).date,     // date -s '+1 hour'
	"systemctl": (*machine).systemctl,
	"gpasswd":   (*machine).gpasswd, // gpasswd -d USER GROUP
	"groupdel":  (*machine).groupdel,
	"loginctl":  (*machine).loginctl, // loginctl disable-linger USER
	"umount":    (*machine).umount,   // umount -l MOUNTPOINT
	"dpkg":      (*machine).dpkg,     // dpkg --remove --force-all PACKAGE
}

// options and operands of a command.
func operands(args []string) (operands []string) {
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			operands = append(operands, arg)
		}
	}
	return operands
}

// systemctl knows the verbs that one can damage a world by.
func (m *machine) systemctl(args []string) error {
	names := operands(args[1:])
	if args[0] == "kill" { // systemctl kill -s STOP UNIT
		m.unit(names[len(names)-1]).frozen = true
		return nil
	}
	if len(names) == 1 && (names[0] == "ssh.service" || names[0] == "lima-guestagent.service") {
		m.sshd = m.sshd && names[0] != "ssh.service"
		return nil
	}
	for _, name := range names {
		if name != guest.ServiceName && name != guest.SocketUnitName {
			return fmt.Errorf("sim: the unit %s is not known", name)
		}
	}
	switch args[0] {
	case "stop":
		return m.each(names, m.stopUnit)
	case "start":
		return m.each(names, m.startUnit)
	case "restart":
		return errors.Join(m.each(names, m.stopUnit), m.each(names, m.startUnit))
	case "disable", "enable":
		for _, name := range names {
			m.enabled[name] = args[0] == "enable"
		}
	case "daemon-reload":
	default:
		return fmt.Errorf("sim: systemctl %s is not known", args[0])
	}
	m.daemonReload()
	return nil
}

func (m *machine) each(names []string, do func(string) error) error {
	for _, name := range names {
		if err := do(name); err != nil {
			return err
		}
	}
	return nil
}
