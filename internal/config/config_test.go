package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

var keys = []Key{
	{Name: "vm"}, {Name: "cpus", Kind: Number}, {Name: "memory", Kind: Size}, {Name: "mount-type"},
	{Name: "netfilter", Kind: Switch},
	{Name: "agent"}, {Name: "replace", Never: "consent is given for one run"},
}

// put writes a file with a text and returns its path.
func put(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), Name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// refused checks that err is a usage error that contains the words.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	failure := provision.AsError(err)
	if failure == nil || failure.Kind != provision.KindUsage || failure.Next == "" {
		t.Fatalf("%v: %+v", err, failure)
	}
	all := failure.What + "\n" + failure.Why + "\n" + failure.Next
	for _, word := range words {
		if !strings.Contains(all, word) {
			t.Errorf("no %q in\n%s", word, all)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		words []string
	}{
		"unknown key": {"vm: a\n\ncpu: 3", []string{`:3: unknown key "cpu"`, "did you mean cpus?",
			"memory, mount-type"}},
		"another spelling": {"mountType: 9p", []string{`unknown key "mountType"`, "did you mean mount-type?"}},
		"unlike any key":   {"kubernetes: yes", []string{`unknown key "kubernetes"`, "the keys are: vm, cpus"}},
		"consent":          {"replace: substrate", []string{":1: replace: it can't be saved: consent"}},
		"twice":            {"vm: a\ncpus: 2\nvm: b", []string{":3: vm: it is in line 1 already"}},
		"twice, quoted":    {"vm: a\n'vm': b", []string{":2: vm: it is in line 1 already"}},
		"twice on a line":  {"{vm: a, vm: b}", []string{":1: vm: it is in line 1 already"}},
		"number for text": {"vm: 123", []string{":1: vm: expected text, found integer 123",
			`put quotes around it: vm: "123"`}},
		"version for text": {"vm: 1.0", []string{"expected text, found float 1.0", `vm: "1.0"`}},
		"switch for text":  {"vm: true", []string{"expected text, found bool true", `vm: "true"`}},
		"text for a number": {"cpus: '4'", []string{":1: cpus: expected whole number, found string",
			"a whole number, without quotes"}},
		"words for a number": {"cpus: four", []string{"cpus: expected whole number, found string"}},
		"fraction":           {"cpus: 2.5", []string{"cpus: expected whole number, found float 2.5"}},
		"infinity":           {"cpus: .inf", []string{"cpus: expected whole number, found infinity .inf"}},
		"list":               {"cpus: [4]", []string{"cpus: expected whole number, found sequence"}},
		"list below":         {"vm:\n- a\n- b", []string{"vm: expected text, found sequence"}},
		"group":              {"cpus:\n  count: 4", []string{":1: cpus: expected whole number, found mapping"}},
		"old YAML's yes": {"netfilter: yes", []string{"netfilter: expected switch, found string",
			"use true or false"}},
		"number for a switch": {"netfilter: 1", []string{"expected switch, found integer 1", "use true or false"}},
		"fraction for a size": {"memory: 1.5",
			[]string{"memory: expected text, or whole number of bytes, found float 1.5", "4GiB"}},
		"no value":           {"vm:\ncpus: 2", []string{":1: vm: it has no value"}},
		"null":               {"vm: ~", []string{"vm: it has no value"}},
		"empty value":        {"vm: ''", []string{"vm: it has no value"}},
		"block of text":      {"vm: |\n  a", []string{"vm: expected text, found literal"}},
		"alias":              {"vm: &x a\ncpus: *x", []string{":1: vm: expected text, found anchor"}},
		"tag":                {"vm: !!str 1", []string{"found tag"}},
		"merge":              {"<<: {vm: a}", []string{"the key << is not a name"}},
		"number for a key":   {"1: 2", []string{":1: the key 1 is not a name"}},
		"list of everything": {"- vm: a", []string{"expected a mapping of keys to values, found sequence"}},
		"one word": {"# x\nsubstrate",
			[]string{":2: expected a mapping of keys to values, found string"}},
		"no space":               {"vm:a", []string{"found string", "`key: value`"}},
		"documents":              {"vm: a\n---\ncpus: 3", []string{":3: more than one document"}},
		"open quote":             {"vm: a\nagent: \"x", []string{":2: this is not valid YAML"}},
		"tabulator":              {"vm: a\n\tcpus: 3", []string{":2: this is not valid YAML"}},
		"indented":               {"vm: a\n  cpus: 3", []string{"this is not valid YAML"}},
		"JSON, unfinished":       {"{vm: a", []string{"this is not valid YAML"}},
		"colon in a value":       {"vm: a: b", []string{"this is not valid YAML"}},
		"another language":       {"[world]\nvm = 'a'", []string{"not valid YAML"}},
		"NUL":                    {"vm: a\x00", []string{":1: it contains the control character"}},
		"escape":                 {"cpus: 2\nvm: \x1b[31m", []string{":2: it contains the control character"}},
		"Latin-1":                {"agent: /tmp/Gr\xfc\xdfe", []string{"is not in UTF-8"}},
		"UTF-16":                 {"\xff\xfev\x00m\x00", []string{"is not in UTF-8"}},
		"large":                  {strings.Repeat("# x\n", 20000), []string{"more than 16 KiB"}},
		"value of another type:": {"agent: {file: x}", []string{"agent: expected text, found mapping"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, test.text)
			_, err := Read(path, keys)
			refused(t, err, append(test.words, path)...)
		})
	}
}

func TestNotAConfigurationFile(t *testing.T) {
	for name, test := range map[string]struct {
		make  func(path string) error
		words string
	}{
		"directory":      {func(path string) error { return os.Mkdir(path, 0o755) }, "is a directory"},
		"FIFO":           {func(path string) error { return syscall.Mkfifo(path, 0o644) }, "is not a regular file"},
		"link to itself": {func(path string) error { return os.Symlink(Name, path) }, "can't be read"},
		"link to none":   {func(path string) error { return os.Symlink("nowhere", path) }, "no such file"},
		"device":         {func(path string) error { return os.Symlink("/dev/zero", path) }, "is not a regular file"},
		"writable for all": {func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("vm: a"), 0o644), os.Chmod(path, 0o646))
		}, "is writable for all users"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), Name)
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			_, err := Read(path, keys)
			refused(t, err, test.words, path)
		})
	}
}

// info is a file as stat(2) would describe it.
type info struct {
	fs.FileInfo
	mode fs.FileMode
	stat syscall.Stat_t
}

func (i info) Mode() fs.FileMode { return i.mode }
func (i info) IsDir() bool       { return i.mode.IsDir() }
func (i info) Size() int64       { return 1 }
func (i info) Sys() any          { return &i.stat }

func TestOwnerAndMode(t *testing.T) {
	me, mine := uint32(os.Geteuid()), uint32(os.Getegid())
	for _, test := range []struct {
		mode     fs.FileMode
		uid, gid uint32
		words    string // empty for one that is fine
	}{
		{0o644, me, mine, ""},
		{0o600, me, mine + 1, ""},
		{0o644, 0, 0, ""},
		{0o666, me, mine, "for all users"},
		{0o602, me, mine, "for all users"},
		{0o664, me, mine + 1, "for its group"},
		{0o644, me + 1, mine, "belongs to another user"},
	} {
		err := acceptable("/p/w.yaml", info{mode: test.mode, stat: syscall.Stat_t{Uid: test.uid, Gid: test.gid}})
		if test.words != "" {
			refused(t, err, test.words, "decides what runs in the VM")
		} else if err != nil {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"\n\n":                              "",
		"# only this\n":                     "",
		"---\n# x\n...\n":                   "",
		"\ufeffvm: a\r\n\r\ncpus: 2\r\n":    "vm=a@1 cpus=2@3",
		"vm: \"123\"  # quoted\n":           "vm=123@1",
		"{vm: a, cpus: 3}":                  "vm=a@1 cpus=3@1",
		"memory: 4GiB\n":                    "memory=4GiB@1",
		"memory: 4294967296":                "memory=4294967296@1",
		"netfilter: false":                  "netfilter=false@1",
		"agent: ./a b/Grüße#1 # here":       "agent=./a b/Grüße#1@1",
		"%YAML 1.2\n---\nvm: a":             "vm=a@3",
		"mount-type: '9p'\nagent: 'it''s'":  "mount-type=9p@1 agent=it's@2",
		"\"vm\": no\n\n# end\n\nagent: yes": "vm=no@1 agent=yes@5",
	} {
		file, err := Read(put(t, text), keys)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := written(file.Values); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if file, err := Read(filepath.Join(t.TempDir(), Name), keys); file != nil || err != nil {
		t.Errorf("no file: %v, %v", file, err)
	}
	if file, err := Read(put(t, "vm: a")+"/"+Name, keys); file != nil || err != nil {
		t.Errorf("below a file: %v, %v", file, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"vm: a\n", "{vm: a}", "- a", "? a\n: b", "vm: &x [*x]", "vm: |\n a", "a:\n\tb", "'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := plainText("w", []byte(text))
		if err != nil {
			return
		}
		file, err := parse("w", raw, keys)
		if err != nil {
			if failure := provision.AsError(err); failure.Kind != provision.KindUsage {
				t.Fatal(err)
			}
			return
		}
		change := Value{Key: "agent", Text: "x y"}
		if changed, err := file.With([]Value{change}); err == nil {
			if again, err := parse("w", changed, keys); err != nil || !again.holds(file.Values, []Value{change}) {
				t.Fatalf("%q became %q: %v", text, changed, err)
			}
		}
	})
}
