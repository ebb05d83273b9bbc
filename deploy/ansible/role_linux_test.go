package ansible

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program is a worldsetup that has a world once it has run, and can't make one called broken.
const program = `#!/bin/sh
echo "$*" >>"$HOME/calls"
finished() { echo '{"schema":2,"seq":9,"type":"finished","result":{"ready":'$1',"changed":'$2',"steps":1'$3'}}'; }
case "$*" in
check*) echo '{"schema":2,"checks":[]}' ;;
*--vm=broken*)
	finished false true ',"error":{"kind":"provisioning","what":"it failed","next":"run it again"}'; exit 5 ;;
plan*) if [ -e "$HOME/world" ]; then steps=; else steps='{"title":"create the VM","reason":"there is none"}'; fi
	echo '{"schema":2,"vm":"substrate","steps":['"$steps"']}' ;;
remove*) rm -f "$HOME/world"; finished false true ;;
*) if [ -e "$HOME/world" ]; then finished true false; else finished true true; fi; touch "$HOME/world" ;;
esac
`

// TestRole plays the role with Ansible, which `make check` and `make race` install: what it reports as changed and as
// failed, and that check mode changes nothing.
func TestRole(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "worldsetup"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	play := func(args ...string) (out string, failed bool) {
		t.Helper()
		cmd := exec.Command("ansible-playbook", append([]string{"-i", "localhost,", "-c", "local", "playbook.yml",
			"-e", "worldsetup_executable=" + filepath.Join(home, "worldsetup"),
			"-e", "ansible_python_interpreter={{ ansible_playbook_python }}",
			"-e", "ansible_user_id=ada"}, args...)...) // the tests may run as root, which the role refuses
		cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "ANSIBLE_NOCOLOR=1"}
		text, err := cmd.CombinedOutput()
		return string(text), err != nil
	}
	for _, one := range []struct {
		what, recap string
		failed      bool
		args        []string
	}{
		{"syntax", "playbook: playbook.yml", false, []string{"--syntax-check"}},
		{"check mode before there is a world", "changed=1", false, []string{"--check", "--diff"}},
		{"the first run", "changed=1", false, nil},
		{"the second run", "changed=0", false, nil},
		{"check mode afterwards", "changed=0", false, []string{"--check"}},
		{"a failure", "failed=1", true, []string{"-e", "worldsetup_vm=broken"}},
		{"removal", "changed=1", false, []string{"-e", "worldsetup_state=absent"}},
		{"after the removal", "changed=1", false, []string{"--check"}},
	} {
		out, failed := play(one.args...)
		if failed != one.failed || !strings.Contains(out, one.recap) {
			t.Errorf("%s: %v, without %s:\n%s", one.what, failed, one.recap, out)
		}
	}
	calls, _ := os.ReadFile(filepath.Join(home, "calls"))
	if !strings.HasPrefix(string(calls), "plan ") {
		t.Errorf("check mode called\n%s", calls)
	}
}
