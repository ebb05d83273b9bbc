// Package scripts tests the scripts beside it, on machines that are made of a PATH.
package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// machine returns a directory for PATH, in which each program is a script of that text, and each of tools the one of
// this machine.
func machine(t *testing.T, programs map[string]string, tools ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/bash\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range tools {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runIn runs a script on such a machine, in a home of its own.
func runIn(t *testing.T, path, script string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	command := exec.Command("/bin/bash", append([]string{script}, args...)...)
	command.Env = []string{"PATH=" + path, "HOME=" + t.TempDir(), "WORLDSETUP_DEV_CACHE=" + t.TempDir()}
	var out, errs strings.Builder
	command.Stdout, command.Stderr = &out, &errs
	err = command.Run()
	return out.String(), errs.String(), err
}

const nothing = "exit 0"

func TestEnsurePackages(t *testing.T) {
	const brew = `echo "brew $*" >&2`
	for name, test := range map[string]struct {
		programs map[string]string
		packages []string
		out, err string
	}{
		"a Mac with all of it": {
			map[string]string{"brew": "exit 1", "jq": nothing, "envsubst": nothing, "cc": nothing},
			[]string{"jq", "gettext-base", "gcc", "libc6-dev", "ca-certificates"}, "", "",
		},
		"a Mac that lacks some": {
			map[string]string{"brew": brew, "jq": nothing},
			[]string{"jq", "gettext-base", "ansible-core", "python3"},
			"ensure-packages: brew install gettext ansible python\n", "brew install gettext ansible python\n",
		},
		"a Mac without Homebrew": {
			map[string]string{"cc": nothing}, []string{"jq", "gettext-base", "gcc"}, "",
			"missing here: jq envsubst; install them with your system's package manager, or: brew install jq gettext",
		},
		"a Mac without a compiler": {
			map[string]string{"brew": "exit 1"}, []string{"gcc", "libc6-dev"}, "", "missing here: cc",
		},
		"the same": {map[string]string{}, []string{"gcc"}, "", "xcode-select --install"},
		"a Homebrew that fails": {
			map[string]string{"brew": "exit 1"}, []string{"jq"}, "ensure-packages: brew install jq\n",
			"missing here: jq; install them with your system's package manager, or: brew install jq",
		},
		"Debian with all of it": {
			map[string]string{"apt-get": "exit 1", "dpkg-query": "echo 'ii '"}, []string{"jq"}, "", "",
		},
		"Debian that lacks one": {
			map[string]string{"apt-get": `echo "apt-get $*" >&2`, "dpkg-query": `[ "$4" = jq ] || echo "ii "`, "id": "echo 0",
				"env": `shift; "$@"`},
			[]string{"jq", "python3"}, "ensure-packages: installing jq\n",
			"apt-get install -qq -y --no-install-recommends jq",
		},
		"Debian, not as root": {
			map[string]string{"apt-get": nothing, "dpkg-query": "exit 1", "id": "echo 501", "sudo": `echo "sudo $*" >&2`},
			[]string{"jq"}, "ensure-packages: installing jq\n",
			"sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends jq",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, err := runIn(t, machine(t, test.programs), "ensure-packages.sh", test.packages...)
			if err != nil || out != test.out || !strings.Contains(errs, test.err) || test.err == "" && errs != "" {
				t.Errorf("%v\n%q, want %q\n%q, want %q", err, out, test.out, errs, test.err)
			}
		})
	}
}

func TestEnsureGo(t *testing.T) {
	goOf := func(version string) string { return `[ "$1" != env ] || echo ` + version }
	tools := []string{"dirname", "cat", "chmod"}
	t.Run("there", func(t *testing.T) {
		path := machine(t, map[string]string{"go": goOf("go1.26.8"), "id": "echo 501"}, tools...)
		out, errs, err := runIn(t, path, "ensure-go.sh")
		if err != nil || out != filepath.Join(path, "go")+"\n" || errs != "" {
			t.Errorf("%v: %q, %q", err, out, errs)
		}
	})
	if _, err := os.Stat("/usr/local/go/bin/go"); err == nil {
		return // which the script would find
	}
	t.Run("a Mac without one", func(t *testing.T) {
		path := machine(t, map[string]string{"id": "echo 501"}, tools...)
		script := fmt.Sprintf(`[ "$*" = 'install go' ] && echo '#!/bin/bash
echo go1.26.8' >%[1]s/go && chmod +x %[1]s/go`, path)
		if err := os.WriteFile(filepath.Join(path, "brew"), []byte("#!/bin/bash\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		out, errs, err := runIn(t, path, "ensure-go.sh")
		if err != nil || out != filepath.Join(path, "go")+"\n" || !strings.Contains(errs, "brew install go") {
			t.Errorf("%v: %q, %q", err, out, errs)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		out, errs, err := runIn(t, machine(t, map[string]string{"id": "echo 501"}, tools...), "ensure-go.sh")
		if err == nil || out != "" || !strings.Contains(errs, "https://go.dev/dl") {
			t.Errorf("%v: %q, %q", err, out, errs)
		}
	})
}

// The README's command installs what it says, and its counterpart removes all of it.
func TestMakeInstall(t *testing.T) {
	home := t.TempDir()
	play := func(line string) string {
		command := exec.Command("/bin/bash", "-c", line)
		command.Dir = ".."
		command.Env = append(os.Environ(), "HOME="+home)
		for _, name := range []string{"GOCACHE", "GOMODCACHE"} { // they are in the real home
			value, err := exec.Command("go", "env", name).Output()
			if err != nil {
				t.Fatal(err)
			}
			command.Env = append(command.Env, name+"="+strings.TrimSpace(string(value)))
		}
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return string(out)
	}
	play("make install PREFIX=~/.local")
	if out := play("~/.local/bin/worldsetup --version"); !strings.HasPrefix(out, "worldsetup ") {
		t.Errorf("it prints %q", out)
	}
	for _, path := range []string{
		"bash-completion/completions/worldsetup", "zsh/site-functions/_worldsetup",
		"fish/vendor_completions.d/worldsetup.fish",
		"man/man1/worldsetup.1", "man/man1/worldsetup-status.1", "doc/worldsetup/LICENSE",
	} {
		if info, err := os.Stat(filepath.Join(home, ".local/share", path)); err != nil || info.Size() == 0 ||
			info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	play("make uninstall PREFIX=~/.local")
	err := filepath.WalkDir(filepath.Join(home, ".local"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// gnuOnly is what the tools of macOS don't know, or do otherwise, and what its bash 3.2 doesn't know.
var gnuOnly = regexp.MustCompile(`\bsed (?:-\w+ )*(?:-i|-r)\b|\bdate (?:-d|--)|\breadlink -f|\bstat (?:-c|--)|` +
	`\bxargs (?:-r|-d)|\binstall -\w*D|\bgrep -\w*P|\bcp (?:-a|--)|\bmktemp -p|\btac\b|\bnproc\b|\bsha256sum\b|` +
	`[^-]\btimeout \d|\bsort -V|\bhead -n -|\bdeclare -A|\bmapfile\b|\breadarray\b|\$\{\w+,,|\$\{\w+\^\^|\btar --sort`)

// What a Mac runs knows neither GNU's options nor a bash of this century.
func TestRunsOnAMac(t *testing.T) {
	onLinux := regexp.MustCompile(`(?m)^#.*\bOn Linux only\b`)
	paths, err := filepath.Glob("*.sh")
	if err != nil || len(paths) < 4 {
		t.Fatalf("%q, %v", paths, err)
	}
	for _, path := range append(paths, "../Makefile", "../.github/workflows/hosted.yml", "../action.yml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := gnuOnly.FindString(string(text)); found != "" && !onLinux.Match(text) {
			t.Errorf("%s has %q", path, found)
		}
	}
	for _, sample := range []string{"sed -i s/a/b/ f", "date -d @0", "stat -c %s f", "install -Dm644 a b",
		"mapfile -t x"} {
		if !gnuOnly.MatchString(sample) {
			t.Errorf("%q is not seen", sample)
		}
	}
}

// The life of a world, with a worldsetup that answers as it should, and with one that does not.
func TestWorldCheck(t *testing.T) {
	const healthy = `case $1 in
shell) echo 'written here' ;;
esac
case "$*" in *--json*) echo '{"type":"finished","result":{"ready":true,"changed":false,"steps":0}}' ;; esac
echo "$*" >>"$HOME/calls"`
	tools := []string{"mktemp", "rm", "grep", "cat"}
	play := func(t *testing.T, worldsetup, limactl string) (string, error) {
		path := machine(t, map[string]string{"worldsetup": worldsetup, "limactl": limactl}, tools...)
		out, errs, err := runIn(t, path, "world-check.sh", filepath.Join(path, "worldsetup"))
		return out + errs, err
	}
	if text, err := play(t, healthy, nothing); err != nil || !strings.Contains(text, "all of it works") {
		t.Errorf("%v\n%s", err, text)
	}
	for name, test := range map[string]struct{ worldsetup, limactl, want string }{
		"a setup that fails": {"exit 5", nothing, "the first setup ended with exit code 5"},
		"a rerun that changes": {strings.ReplaceAll(healthy, `"changed":false`, `"changed":true`), nothing,
			"the rerun changed something"},
		"no project":            {strings.ReplaceAll(healthy, "written", "other"), nothing, "the project in the VM has"},
		"the VM is there":       {healthy, "echo worldsetup-check", "there is a VM"},
		"a status that fails":   {healthy + "\n[ $1 != status ]", nothing, "status ended with exit code 1"},
		"a removal that is not": {healthy, `[ ! -e "$HOME/calls" ] || echo worldsetup-check`, "the VM is still there"},
	} {
		if text, err := play(t, test.worldsetup, test.limactl); err == nil || !strings.Contains(text, test.want) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}
