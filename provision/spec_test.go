package provision

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/internal/profile"
)

// TestBadSpecs: each is refused before anything is touched, with a kind, a cause and a next step.
func TestBadSpecs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	empty := filepath.Join(dir, "empty")
	large := filepath.Join(dir, "large")
	for path, content := range map[string]string{file: "x", empty: "", large: strings.Repeat("#", profile.MaxSize+1)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	missing := filepath.Join(dir, "missing")
	for name, test := range map[string]struct {
		spec Spec
		what string // part of Error.What
	}{
		"name too long":          {Spec{VM: strings.Repeat("a", 300)}, "300 characters"},
		"name leaves home":       {Spec{VM: "../x"}, `"../x" cannot be the name`},
		"name with a space":      {Spec{VM: "a b"}, `"a b" cannot be the name`},
		"name with a newline":    {Spec{VM: "a\nb"}, `cannot be the name`},
		"name with a quote":      {Spec{VM: `a"b`}, `cannot be the name`},
		"name of a profile":      {Spec{VM: "a.YAML"}, "take it for a profile"},
		"name ends in a dot":     {Spec{VM: "a."}, "cannot be the name"},
		"project missing":        {Spec{Project: missing}, "no such file"},
		"project a file":         {Spec{Project: file}, "is a file"},
		"project with newline":   {Spec{Project: dir + "\n"}, "control character"},
		"project everything":     {Spec{Project: "/"}, "whole file system"},
		"negative CPUs":          {Spec{CPUs: -1}, "invalid CPU count -1"},
		"too many CPUs":          {Spec{CPUs: 1 << 20}, "invalid CPU count"},
		"negative memory":        {Spec{Memory: -1}, "invalid memory size"},
		"little memory":          {Spec{Memory: 1 << 20}, "invalid memory size"},
		"too much memory":        {Spec{Memory: 9 << 40}, "invalid memory size"},
		"little disk":            {Spec{Disk: 1 << 30}, "invalid disk size"},
		"unknown VM type":        {Spec{VMType: "xen"}, `unknown VM type "xen"`},
		"unknown mount type":     {Spec{MountType: "nfs"}, `unknown mount type "nfs"`},
		"profile missing":        {Spec{Profile: missing}, "no such file"},
		"profile a directory":    {Spec{Profile: dir}, "is a directory"},
		"profile empty":          {Spec{Profile: empty}, "is empty"},
		"profile large":          {Spec{Profile: large}, "MiB, and may have at most"},
		"image missing":          {Spec{Image: missing}, "no such file"},
		"image a directory":      {Spec{Image: dir}, "is a directory"},
		"image empty":            {Spec{Image: empty}, "is empty"},
		"digest without image":   {Spec{ImageDigest: "sha256:" + strings.Repeat("0", 64)}, "no image"},
		"digest of another kind": {Spec{Image: file, ImageDigest: "md5:0"}, "invalid image digest"},
		"negative timeout":       {Spec{Timeout: -1}, "invalid timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			test.spec.LimaHome, test.spec.StateDir = filepath.Join(dir, "lima"), filepath.Join(dir, "state")
			_, err := test.spec.Resolve()
			failure, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if failure.Kind != KindUsage || !strings.Contains(failure.What, test.what) || failure.Next == "" {
				t.Errorf("got %+v, want a usage error about %q", failure, test.what)
			}
			for _, untouched := range []string{test.spec.LimaHome, test.spec.StateDir} {
				if _, err := os.Lstat(untouched); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s was made: %v", untouched, err)
				}
			}
		})
	}
}

func TestLegalProjects(t *testing.T) {
	for _, name := range []string{"with space", `quo"te'd`, "ünïcödé", "{{.Dir}}", "$HOME", "-x"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		spec, err := Spec{Project: dir}.Resolve()
		if err != nil || spec.Project != dir {
			t.Errorf("%q became %q, %v", dir, spec.Project, err)
		}
	}
}

func TestResolveFillsIn(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("LIMA_HOME", "")
	t.Setenv("XDG_STATE_HOME", "")
	spec, err := Spec{}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if spec.VM != "substrate" || spec.LimaHome != filepath.Join(home, ".lima") || spec.Timeout != DefaultTimeout ||
		spec.StateDir != filepath.Join(home, ".local/state/worldsetup") {
		t.Errorf("got %+v", spec)
	}
	t.Setenv("LIMA_HOME", "/lh")
	t.Setenv("XDG_STATE_HOME", "/xs")
	spec, err = Spec{}.Resolve()
	if err != nil || spec.LimaHome != "/lh" || spec.StateDir != "/xs/worldsetup" {
		t.Errorf("got %+v, %v", spec, err)
	}
}

// TestUnreadableProject: macOS refuses what a person has not granted with another error than that of a directory's
// mode, and only the grant helps.
func TestUnreadableProject(t *testing.T) {
	for cause, words := range map[syscall.Errno][]string{
		syscall.EPERM:  {"macOS doesn't let this terminal read", "Files and Folders"},
		syscall.EACCES: {"cannot be read", "name an existing directory"},
	} {
		refused := &os.PathError{Op: "open", Path: "/p", Err: cause}
		err := checkReadable("/p", func(string) ([]os.DirEntry, error) { return nil, refused })
		failure := AsError(err)
		if err == nil || failure.Kind != KindUsage || !strings.Contains(failure.What, words[0]) ||
			!strings.Contains(failure.Next, words[1]) || !strings.Contains(failure.Error(), cause.Error()) {
			t.Errorf("%v: got %+v", cause, err)
		}
	}
	if err := checkReadable("/p", func(string) ([]os.DirEntry, error) { return nil, nil }); err != nil {
		t.Errorf("one that can be read: %v", err)
	}
}
