package agent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	agentLocked  = "version = 3\n[[package]]\nname = \"world-agent\"\nversion = \"0.1.0\"\n"
	manifestText = "[package]\nname = \"world-agent\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"
)

// tree is a directory with these files, by path.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Workspaces of all forms that cargo knows.
func TestFindPackage(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  Package
	}{
		"a package alone": {
			map[string]string{"Cargo.toml": manifestText, "Cargo.lock": agentLocked},
			Package{LockVersion: 3, Cargo: "1.53", Rust: "1.56"},
		},
		"a member by name": {
			map[string]string{"Cargo.toml": "[workspace]\nmembers = [\"agent\"]\n", "agent/Cargo.toml": manifestText,
				"Cargo.lock": agentLocked},
			Package{LockVersion: 3, Cargo: "1.53", Rust: "1.56"},
		},
		"a member by pattern, and one that cannot be read": {
			map[string]string{
				"Cargo.toml": "[workspace]\nmembers = [\"crates/*\"]\n", "crates/a/Cargo.toml": manifestText,
				"crates/b/Cargo.toml": "]",
				"Cargo.lock":          strings.Replace(agentLocked, "3", "4", 1),
			},
			Package{LockVersion: 4, Cargo: "1.78", Rust: "1.56"},
		},
		"what the workspace reports": {
			map[string]string{
				"Cargo.toml": "[workspace]\nmembers = [\"a\"]\n" +
					"[workspace.package]\nrust-version = \"1.74.1\"\nedition = \"2018\"\n",
				"a/Cargo.toml": "[package]\nname = \"world-agent\"\nrust-version.workspace = " +
					"true\nedition.workspace = true\n",
				"Cargo.lock": agentLocked,
			},
			Package{LockVersion: 3, Cargo: "1.53", Rust: "1.74"},
		},
		"an edition that wants more than the package reports": {
			map[string]string{"Cargo.toml": strings.Replace(manifestText, "2021", "2024", 1) +
				"rust-version = \"1.9\"\n",
				"Cargo.lock": agentLocked},
			Package{LockVersion: 3, Cargo: "1.53", Rust: "1.85"},
		},
		"a member by its path alone": {
			map[string]string{"Cargo.toml": "[package]\nname = \"all\"\n" +
				"[dependencies]\nworld-agent = { path = \"deep/agent\" }\n", "Cargo.lock": agentLocked},
			Package{LockVersion: 3, Cargo: "1.53"},
		},
		"a lock file of old": {
			map[string]string{"Cargo.toml": "[package]\nname = \"world-agent\"\n",
				"Cargo.lock": strings.TrimPrefix(agentLocked, "version = 3\n")},
			Package{},
		},
	} {
		test.want.Name = "world-agent"
		if found, err := findPackage(tree(t, test.files), "world-agent", false); err != nil || found != test.want {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

// What cannot be built as it is locked reports why.
func TestFindNoPackage(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no lock": {map[string]string{"Cargo.toml": manifestText}, "no Cargo.lock"},
		"another package": {
			map[string]string{"Cargo.toml": "[package]\nname = \"zebra\"\n[workspace]\nmembers = [\"a\"]\n",
				"a/Cargo.toml": "[package]\nname = \"ape\"\n"},
			"only ape, zebra",
		},
		"excluded": {
			map[string]string{"Cargo.toml": "[workspace]\nmembers = [\"c/*\"]\nexclude = [\"c/agent\"]\n",
				"c/agent/Cargo.toml": manifestText, "Cargo.lock": "version = 3\n"},
			"no package world-agent",
		},
		"of a registry": {
			map[string]string{"Cargo.toml": "[package]\nname = \"all\"\n",
				"Cargo.lock": agentLocked + "source = \"registry+https://example.org\"\n"},
			"no package world-agent",
		},
		"not locked": {map[string]string{"Cargo.toml": manifestText, "Cargo.lock": "version = 3\n"},
			"lacks world-agent"},
		"a later lock": {
			map[string]string{"Cargo.toml": manifestText, "Cargo.lock": strings.Replace(agentLocked, "3", "9", 1)},
			"version 9",
		},
		"garbage":  {map[string]string{"Cargo.toml": "[package\n"}, "Cargo.toml is invalid"},
		"bad lock": {map[string]string{"Cargo.toml": manifestText, "Cargo.lock": "<<<<<<<"}, "Cargo.lock is invalid"},
	} {
		if _, err := findPackage(tree(t, test.files), "world-agent", false); err == nil || !strings.Contains(err.Error(),
			test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := findPackage(t.TempDir(), "world-agent", false); !errors.Is(err, errNoManifest) {
		t.Errorf("an empty directory: %v", err)
	}
}

func TestLater(t *testing.T) {
	for _, test := range [][3]string{{"1.9", "1.10", "1.10"}, {"", "1.2", "1.2"}, {"1.85", "", "1.85"}, {"", "", ""},
		{"1.53", "1.53", "1.53"}} {
		if later := later(test[0], test[1]); later != test[2] {
			t.Errorf("the later of %q and %q is %q", test[0], test[1], later)
		}
	}
}
