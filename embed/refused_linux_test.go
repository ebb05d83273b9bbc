package embed_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
)

// refused is what the script reports of a guest: its account's lines and the settings of its sshd. The user ada is in
// the groups ada and dev.
func refused(t *testing.T, what, passwd, shadow, settings string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"getent": fmt.Sprintf("case $1 in passwd) echo '%s' ;; shadow) echo '%s' ;; esac", passwd, shadow),
		"sshd":   "echo '" + settings + "'",
		"id":     "echo ada dev",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", embed.Refused.Text, "refused", "ada", what)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestRefusedScript(t *testing.T) {
	const (
		passwd    = "ada:x:1000:1000::/home/ada:/bin/sh"
		shadow    = "ada:!:20000:0:99999:7:::"
		settings  = "port 22\nauthorizedkeysfile .ssh/authorized_keys\nforcecommand none"
		noShell   = "the login shell of ada is /no/such, which cannot be run\n"
		forNobody = "the login shell of ada is /bin/false\n"
		forced    = "forcecommand /bin/true"
	)
	today := time.Now().Unix() / 86400
	for name, test := range map[string]struct{ what, passwd, shadow, settings, want string }{
		"nothing":                     {"login", passwd, shadow, settings, ""},
		"no shell":                    {"login", "ada:x:1:1::/:/no/such", shadow, "", noShell},
		"a shell that logs no one in": {"session", "ada:x:1:1::/:/bin/false", shadow, "", forNobody},
		"account expired": {"login", passwd, "ada:!:20000:0:99999:7::1:", "",
			"the account of ada has expired\n"},
		"account valid":      {"login", passwd, fmt.Sprintf("ada:!:20000:0:99999:7::%d:", today+1), "", ""},
		"password to change": {"session", passwd, "ada:!:0:0:99999:7:::", "", "the password of ada has expired\n"},
		"password too old":   {"session", passwd, "ada:!:10000:0:9:7:::", "", "the password of ada has expired\n"},
		"named as in the manual": {
			"login", passwd, shadow, "AllowUsers games\nPubkeyAuthentication no",
			"setting=AllowUsers games\nsetting=PubkeyAuthentication no\n",
		},
		"a forced command": {"session", passwd, shadow, forced,
			"setting=ForceCommand /bin/true\n"},
		"a forced command, and the key is refused": {"login", passwd, shadow, forced, ""},
		"no forwards": {
			"forward", "ada:x:1:1::/:/bin/false", shadow, "allowstreamlocalforwarding remote",
			"setting=AllowStreamLocalForwarding remote\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refused(t, test.what, test.passwd, test.shadow, test.settings); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestListsOfSSHD: one of sshd's four lists keeps the user out, or none does.
func TestListsOfSSHD(t *testing.T) {
	for settings, want := range map[string]string{
		"allowusers games":                        "AllowUsers games",
		"allowusers games\nallowusers a?a":        "",
		"allowusers *@10.*":                       "AllowUsers *@10.*",
		"allowusers ada@192.168.*":                "",
		"denyusers games":                         "",
		"denyusers ad*\nallowusers ada":           "DenyUsers ad*",
		"denyusers ada@10.0.0.1":                  "",
		"allowgroups staff":                       "AllowGroups staff",
		"allowgroups staff\nallowgroups d*":       "",
		"denygroups dev":                          "DenyGroups dev",
		"denygroups games\nallowgroups dev":       "",
		"denygroups dev\nallowusers games":        "AllowUsers games",
		"allowusers ada\nallowgroups wheel":       "AllowGroups wheel",
		"usepam yes\nlogingracetime 120\nport 22": "",
	} {
		if want != "" {
			want = "setting=" + want + "\n"
		}
		got := refused(t, "login", "ada:x:1:1::/:/bin/sh", "ada:!:20000:0:99999:7:::", settings)
		if got != want {
			t.Errorf("%q: got %q, want %q", settings, got, want)
		}
	}
}
