package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A sudo that asks once, at the terminal, and an apt that installs an ssh client.
const (
	fakeSudo = `#!/bin/sh
case $1 in
-v)
	printf 'Password: ' >/dev/tty
	read -r password </dev/tty
	[ "$password" = secret ] && : >granted
	;;
-n)
	shift
	[ -e granted ] || { echo 'sudo: a password is required' >&2; exit 1; }
	[ "$1" = true ] || exec "$@"
	;;
esac
`
	fakeApt = `#!/bin/sh
echo "Setting up $3"
printf '#!/bin/sh\n' >ssh && /bin/chmod 755 ssh
`
)

// machineWithoutSSH is a directory that is all of PATH, and the working directory.
func machineWithoutSSH(t *testing.T) func(*exec.Cmd) {
	bin, err := os.MkdirTemp("", "w")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(bin) })
	for name, text := range map[string]string{"sudo": fakeSudo, "apt-get": fakeApt} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(bin, 0o777); err != nil {
		t.Fatal(err)
	}
	return func(command *exec.Cmd) {
		command.Dir = bin
		command.Env = append(command.Env, "PATH="+bin)
	}
}

// sudo asks at the terminal before the fix, which has none.
func TestFixAsksForPassword(t *testing.T) {
	for _, variable := range []string{"LANG=C.UTF-8", "TERM=dumb", "ACCESSIBLE=1"} {
		t.Run(variable, func(t *testing.T) {
			bare := machineWithoutSSH(t)
			c := start(t, 120, 40, func(command *exec.Cmd) {
				bare(command)
				command.Env = append(command.Env, variable)
			}, "check", "--fix", "ssh-client")
			c.see("worldsetup can run: sudo apt-get install --yes openssh-client", "run it? [y/N]")
			c.press("y\n")
			c.see("sudo asks for your password:", "Password:")
			c.press("secret\n")
			code, text := c.end()
			if code != 0 || !strings.Contains(text, "$ sudo apt-get install --yes openssh-client") ||
				!strings.Contains(text, "fixed: ssh client: ") {
				t.Errorf("exit code %d\n%s", code, text)
			}
		})
	}
}

func TestFixWithAWrongPassword(t *testing.T) {
	c := start(t, 120, 40, machineWithoutSSH(t), "check", "--fix", "ssh-client")
	c.see("run it? [y/N]")
	c.press("y\n")
	c.see("Password:")
	c.press("sesame\n")
	code, text := c.end()
	if code != 3 || !strings.Contains(text, "not fixed") ||
		!strings.Contains(text, "run it yourself and read what it prints:\n    sudo apt-get install --yes openssh-client") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// TestFixNeedsAYes: what was not agreed to is not run.
func TestFixNeedsAYes(t *testing.T) {
	c := start(t, 120, 40, machineWithoutSSH(t), "check", "--fix", "ssh-client")
	c.see("run it? [y/N]")
	c.press("\n")
	code, text := c.end()
	if code != 3 || strings.Contains(text, "Password:") || strings.Contains(text, "| $") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}
