package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/provision"
)

// layers are the sources of values.
type layers struct {
	flags         []string
	environment   map[string]string
	project, user string // the files' texts; empty for none
}

// spec returns the Spec that they result in, in directories of their own.
func (l layers) spec(t *testing.T) (provision.Spec, []value, error) {
	t.Helper()
	project, home := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(project, "worldsetup.yaml"):                 l.project,
		filepath.Join(home, ".config/worldsetup/worldsetup.yaml"): l.user,
	} {
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	in := &inputs{options: runOptions(), flags: flags, getenv: func(name string) string {
		if name == "HOME" {
			return home
		}
		return l.environment[name]
	}}
	in.addFlags()
	if err := flags.Parse(l.flags); err != nil {
		t.Fatal(err)
	}
	return in.spec(project)
}

func TestPrecedence(t *testing.T) {
	all := layers{[]string{"--vm=f"}, map[string]string{"LIMA_VM_NAME": "e"}, "vm: p\n", "vm: u\n"}
	for _, test := range []struct {
		name   string
		drop   func(*layers)
		vm     string
		source source
	}{
		{"flag", func(*layers) {}, "f", fromFlag},
		{"environment", func(l *layers) { l.flags = nil }, "e", fromEnvironment},
		{"project", func(l *layers) { l.flags, l.environment = nil, nil }, "p", fromProjectFile},
		{"user", func(l *layers) { l.flags, l.environment, l.project = nil, nil, "" }, "u", fromUserFile},
		{"flag over user", func(l *layers) { l.environment, l.project = nil, "" }, "f", fromFlag},
		{"environment over user", func(l *layers) { l.flags, l.project = nil, "" }, "e", fromEnvironment},
		{"bad ones beaten", func(l *layers) { l.project, l.user = "vm: a/b", "vm: .." }, "f", fromFlag},
		{"empty variable", func(l *layers) { l.flags, l.environment = nil, map[string]string{"LIMA_VM_NAME": ""} }, "p",
			fromProjectFile},
		{"nothing", func(l *layers) { *l = layers{} }, provision.DefaultVM, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := all
			test.drop(&l)
			spec, values, err := l.spec(t)
			if err != nil || spec.VM != test.vm {
				t.Fatalf("%q, %v", spec.VM, err)
			}
			if test.source == "" && len(values) == 0 {
				return
			}
			if len(values) != 1 || values[0].Source != test.source {
				t.Errorf("%+v", values)
			}
		})
	}
}

func TestEveryKeyCounts(t *testing.T) {
	l := layers{project: `
size: dev
cpus: 2
memory: 2147483648
netfilter: false
vm-type: qemu
mount-type: 9p
keep-old: true
wait: true
timeout: 1h
image: https://example.org/x.img
image-digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
agent: builtin
`}
	s, _, err := l.spec(t)
	if err != nil || s.CPUs != 2 || s.Memory != 2<<30 || s.Disk != 40<<30 || s.Netfilter != provision.Off ||
		s.VMType != "qemu" || s.MountType != "9p" ||
		!s.KeepOld || !s.Wait || s.Timeout != time.Hour ||
		s.Image != "https://example.org/x.img" || s.ImageDigest == "" ||
		s.Agent != "builtin" {
		t.Errorf("%v: %+v", err, s)
	}
}

// A size beats its parts in worse sources, and an image its digest, and only there.
func TestParts(t *testing.T) {
	const digest = "image: https://example.org/x.img\n" +
		"image-digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
	for _, test := range []struct {
		layers
		cpus     int
		digested bool
	}{
		{layers{flags: []string{"--size=dev"}, project: "cpus: 2"}, 8, false},
		{layers{project: "size: dev", user: "cpus: 2"}, 8, false},
		{layers{project: "cpus: 2", user: "size: dev"}, 2, false},
		{layers{project: "cpus: 2\nsize: dev"}, 2, false},
		{layers{flags: []string{"--cpus=3"}, project: "size: dev"}, 3, false},
		{layers{project: digest}, 0, true},
		{layers{flags: []string{"--image=https://example.org/y.img"}, project: digest}, 0, false},
	} {
		spec, _, err := test.spec(t)
		if err != nil || spec.CPUs != test.cpus || (spec.ImageDigest != "") != test.digested {
			t.Errorf("%+v: %v: %d, %q", test.layers, err, spec.CPUs, spec.ImageDigest)
		}
	}
}

func TestPathsInFiles(t *testing.T) {
	for value, want := range map[string]string{
		"builtin": "builtin", "./builtin": "/p/builtin", "bin/a": "/p/bin/a", "../a": "/a", "/x/a": "/x/a",
		"~/a": "/home/ada/a", "~a": "/p/~a",
	} {
		if got := optionNamed("agent").fromFile(value, "/p", "/home/ada"); got != want {
			t.Errorf("%s means %s, want %s", value, got, want)
		}
	}
	for _, test := range []struct{ flag, value, dir, want string }{
		{"agent", "/p/bin/a", "/p", "./bin/a"}, {"agent", "/p/builtin", "/p", "./builtin"},
		{"agent", "builtin", "/p", "builtin"},
		{"agent", "/q/a", "/p", "/q/a"}, {"profile", "/p/x", "", "/p/x"}, {"image", "http://x/y", "/p", "http://x/y"},
		{"image", "/p/x", "/p", "./x"},
		{"netfilter", "YES", "/p", "true"}, {"netfilter", "0", "/p", "false"}, {"wait", "t", "/p", "true"},
		{"vm", "1", "/p", "1"},
	} {
		if got := optionNamed(test.flag).forFile(test.value, test.dir); got != test.want {
			t.Errorf("%+v is saved as %s", test, got)
		}
	}
	if spec, _, err := (layers{project: "image: x.img"}).spec(t); err == nil ||
		!strings.Contains(err.Error(), spec.Project) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// An option that nothing sets is shown with the value that it will have.
func TestUnset(t *testing.T) {
	existing := &provision.Existing{Type: "vz", CPUs: 6, Memory: 3 << 30, Disk: 30 << 30, Project: "/home/ada/p"}
	for _, test := range []struct {
		name       string
		spec       provision.Spec
		plan       provision.Plan
		flag       string
		value      string
		wantSource source
	}{
		{"new VM", provision.Spec{}, provision.Plan{}, "cpus", "4", fromDefault},
		{"existing VM", provision.Spec{}, provision.Plan{Existing: existing}, "cpus", "6", fromVM},
		{"its type", provision.Spec{}, provision.Plan{Existing: existing}, "vm-type", "vz", fromVM},
		{"its mounts", provision.Spec{}, provision.Plan{Existing: existing}, "mount-type", "", fromVM},
		{"no profile for it", provision.Spec{Profile: "/x"}, provision.Plan{Existing: existing},
			"disk", "30GiB", fromVM},
		{"inherited", provision.Spec{Replace: "a"}, provision.Plan{Existing: existing}, "memory", "3GiB", fromVM},
		{"not inherited", provision.Spec{Replace: "a"}, provision.Plan{Existing: existing},
			"mount-type", "Lima's choice",
			fromDefault},
		{"of the profile", provision.Spec{Replace: "a", Profile: "/x"}, provision.Plan{Existing: existing}, "cpus", "",
			fromProfile},
		{"a run's own", provision.Spec{}, provision.Plan{Existing: existing}, "timeout", "1h", fromDefault},
	} {
		if got := optionNamed(test.flag).unset(test.spec, test.plan); got.Text != test.value ||
			got.Source != test.wantSource {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	if got := projectSource(provision.Spec{}, provision.Plan{Existing: existing}); got.Text != "/home/ada/p" ||
		got.Source != fromVM {
		t.Errorf("%+v", got)
	}
}
