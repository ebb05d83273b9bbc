package checks

import (
	"context"
	"debug/macho"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// mac answers as the recorded ones did that are named, of several the first that knows the command. A command that none
// of them has fails the test: nothing is made up.
func mac(t *testing.T, goarch string, names ...string) Host {
	t.Helper()
	recorded := map[string]string{}
	for _, name := range slices.Backward(names) {
		archive, err := txtar.ParseFile(filepath.Join("testdata/macs", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			recorded[file.Name] = string(file.Data)
		}
	}
	return Host{
		OS: "darwin", Arch: goarch, UID: func() int { return 501 },
		Getenv: func(string) string { return "" },
		Find:   installed("brew", "ssh"),
		Real:   inCellar,
		Read:   func(string) ([]byte, error) { return []byte(machO(macho.CpuArm64)), nil },
		Stat: func(path string) (fs.FileInfo, error) {
			return nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
		},
		Run: func(_ context.Context, name string, args ...string) (string, error) {
			command := strings.Join(append([]string{name}, args...), " ")
			if out, found := recorded[command]; found {
				return out, nil
			}
			if stderr, found := recorded["exit 1: "+command]; found {
				return "", fmt.Errorf("%w: %s", exitError(t, "exit 1"), strings.TrimSpace(stderr))
			}
			return "", fmt.Errorf("no Mac of %q was seen to answer %q", names, command)
		},
	}
}

// homebrewLima has limactl where Homebrew on Apple silicon puts it.
func homebrewLima(name string) (string, error) {
	if name == "limactl" {
		return "/opt/homebrew/bin/limactl", nil
	}
	return installed("brew", brewAppleSilicon)(name)
}

func TestMacs(t *testing.T) {
	with := func(h Host, find lookPath) Host { h.Find = find; return h }
	for name, test := range map[string]struct {
		check   Check
		outcome Outcome
		words   []string
		next    string
		fix     string
	}{
		"High Sierra": {
			one(mac(t, "amd64", "high-sierra-10.13.1").system), Failed,
			[]string{"macOS 10.13.1 is too old", "macOS 13 or newer"}, "Software Update", "",
		},
		"Catalina": {
			one(mac(t, "amd64", "catalina-10.15.5").system), Failed, []string{"macOS 10.15.5 is too old"},
			"Software Update", "",
		},
		"Sequoia": {one(mac(t, "arm64", "sequoia-15.0.1").system), OK, []string{"macOS 15.0.1"}, "", ""},
		"Tahoe":   {one(mac(t, "arm64", "tahoe-26.4").system), OK, []string{"macOS 26.4"}, "", ""},

		"native shell": {one(mac(t, "arm64", "shell-native").processor), OK, []string{"arm64"}, "", ""},
		"Rosetta shell": {
			one(mac(t, "amd64", "shell-rosetta").processor), Failed,
			[]string{"runs under Rosetta", "sysctl.proc_translated is 1"}, "arch -arm64", "",
		},

		"GitHub's runner": {
			one(mac(t, "arm64", "runner-macos-14-arm64").virtualization("vz")), Failed,
			[]string{"unknown oid 'kern.hv_support'"}, "nested virtualization", "",
		},
		"guest of vz": {
			one(mac(t, "arm64", "vz-guest").virtualization("vz")), Failed, []string{`kern.hv_support is "0"`},
			"a Mac that is not a VM", "",
		},
		"an old processor": {
			one(mac(t, "amd64", "intel-2010").virtualization("vz")), Failed, []string{`kern.hv_support is "0"`},
			"kern.hv_support", "",
		},

		"limactl as Lima signed it": {
			one(with(mac(t, "arm64", "lima-entitled"), homebrewLima).entitlement), OK,
			[]string{"com.apple.security.virtualization"}, "", "",
		},
		"limactl signed again": {one(with(mac(t, "arm64", "signature-without-entitlements"), homebrewLima).entitlement),
			Failed,
			[]string{"may not create VMs", "/opt/homebrew/bin/limactl"}, "brew reinstall lima", "brew reinstall lima"},
		"limactl in quarantine": {
			one(with(mac(t, "arm64", "quarantined"), homebrewLima).quarantine), Failed, []string{"quarantine"},
			"xattr -d com.apple.quarantine /opt/homebrew/bin/limactl",
			"xattr -d com.apple.quarantine /opt/homebrew/bin/limactl"},
		"no limactl to quarantine": {
			one(mac(t, "arm64", "quarantined").quarantine), Info, []string{"no limactl yet"}, "", "",
		},

		"Homebrew for Apple silicon": {
			one(mac(t, "arm64", "homebrew-apple-silicon").homebrew), OK, []string{"/opt/homebrew"}, "", "",
		},
		"Homebrew for Intel, under Rosetta": {
			one(mac(t, "amd64", "homebrew-intel-on-apple-silicon").homebrew), Warning,
			[]string{"for Intel", "Rosetta"},
			"/opt/homebrew", ""},
		"no Homebrew": {
			one(with(mac(t, "arm64", "homebrew-apple-silicon"), installed()).homebrew), Info,
			[]string{"https://brew.sh"}, "", "",
		},
		"Homebrew not in PATH": {
			lima2Mac(with(mac(t, "arm64"), installed(brewAppleSilicon))), Failed, []string{"not installed"},
			"/opt/homebrew/bin/brew install lima", "/opt/homebrew/bin/brew install lima",
		},
		"Homebrew for Intel": {
			lima2Mac(with(mac(t, "amd64"), installed(brewIntel))), Failed, []string{"not installed"},
			"/usr/local/bin/brew install lima", "/usr/local/bin/brew install lima",
		},
		"neither": {
			lima2Mac(with(mac(t, "arm64"), installed())), Failed, []string{"not installed"}, "https://brew.sh",
			"",
		},
		"ssh out of PATH": {
			one(with(mac(t, "arm64"), installed("brew")).sshClient), Failed, nil, "PATH=/usr/bin:$PATH", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			result := Run(t.Context(), []Check{test.check}, nil)[0]
			if result.Outcome != test.outcome {
				t.Fatalf("%+v, want the outcome %q", result, test.outcome)
			}
			judgeWords(t, result, test.words, test.next)
			if fix := result.Fix; (fix == nil) != (test.fix == "") || fix != nil && fix.String() != test.fix {
				t.Errorf("fix %v, want %q", fix, test.fix)
			}
		})
	}
}

func lima2Mac(h Host) Check {
	return h.limactl(lima.Client{Runner: fails(&lima.NotInstalledError{Name: "limactl",
		Err: errors.New("not in PATH")})})
}

// judgeWords searches for words in what was found and why, and for next in what to do.
func judgeWords(t *testing.T, result Result, words []string, next string) {
	t.Helper()
	text := strings.Join([]string{result.Found, result.Why, strings.Join(result.Details, "\n")}, "\n")
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in: %s", word, text)
		}
	}
	advised := result.Outcome == Failed || result.Why != ""
	if !strings.Contains(result.Next, next) || advised && result.Next == "" {
		t.Errorf("%q is not in what to do: %s", next, result.Next)
	}
}

// What vm_stat prints of the pages is recorded; how much memory those Macs have is not, so only the free part is
// judged.
func TestMacMemory(t *testing.T) {
	for name, want := range map[string]int64{
		"memory-intel":         4096 * (6127229 + 628646),
		"memory-apple-silicon": 16384 * (3857 + 443760),
	} {
		if free, err := mac(t, "arm64", name).macFree(t.Context()); err != nil || free != want {
			t.Errorf("%s: %d, %v; want %d", name, free, err, want)
		}
	}
}

// Every recorded Mac reports where its text was published.
func TestMacsNameTheirSources(t *testing.T) {
	paths, err := filepath.Glob("testdata/macs/*.txtar")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%q, %v", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if archive := txtar.Parse(text); !strings.Contains(string(archive.Comment), "https://") ||
			len(archive.Files) == 0 {
			t.Errorf("%s names no source, or records nothing", path)
		}
	}
}
