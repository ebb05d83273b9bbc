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
	{Name: "vm"}, {Name: "cpus", Kind: Number}, {Name: "memory", Kind: Size}, {Name: "mount-type"}, {Name: "netfilter", Kind: Switch},
	{Name: "agent"}, {Name: "replace", Never: "consent is given anew each time"},
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

// refused wants a usage error with the words in it.
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

func TestWhatIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		words []string
	}{
		"unknown key":            {"vm: a\n\ncpu: 3", []string{`:3: there is no key "cpu"`, "did you mean cpus?", "memory, mount-type"}},
		"another spelling":       {"mountType: 9p", []string{`no key "mountType"`, "did you mean mount-type?"}},
		"unlike any key":         {"kubernetes: yes", []string{`no key "kubernetes"`, "the keys are: vm, cpus"}},
		"consent":                {"replace: substrate", []string{":1: replace: it is never kept: consent"}},
		"twice":                  {"vm: a\ncpus: 2\nvm: b", []string{":3: vm: it stands in line 1 already"}},
		"twice, quoted":          {"vm: a\n'vm': b", []string{":2: vm: it stands in line 1 already"}},
		"twice on a line":        {"{vm: a, vm: b}", []string{":1: vm: it stands in line 1 already"}},
		"number for text":        {"vm: 123", []string{":1: vm: its value is a number: 123", `put quotes around it: vm: "123"`}},
		"version for text":       {"vm: 1.0", []string{"its value is a number: 1.0", `vm: "1.0"`}},
		"switch for text":        {"vm: true", []string{"its value is true or false", `vm: "true"`}},
		"text for a number":      {"cpus: '4'", []string{":1: cpus: its value is a text", "a whole number, without quotes"}},
		"words for a number":     {"cpus: four", []string{"cpus: its value is a text"}},
		"fraction":               {"cpus: 2.5", []string{"cpus: its value is a number: 2.5"}},
		"infinity":               {"cpus: .inf", []string{"cpus: its value is a number"}},
		"list":                   {"cpus: [4]", []string{"cpus: its value is a list"}},
		"list below":             {"vm:\n- a\n- b", []string{"vm: its value is a list"}},
		"group":                  {"cpus:\n  count: 4", []string{":1: cpus: its value is a group of keys"}},
		"old YAML's yes":         {"netfilter: yes", []string{"netfilter: its value is a text", "use true or false"}},
		"number for a switch":    {"netfilter: 1", []string{"its value is a number: 1", "use true or false"}},
		"fraction for a size":    {"memory: 1.5", []string{"memory: its value is a number: 1.5", "4GiB"}},
		"no value":               {"vm:\ncpus: 2", []string{":1: vm: it has no value"}},
		"null":                   {"vm: ~", []string{"vm: it has no value"}},
		"empty value":            {"vm: ''", []string{"vm: it has an empty value"}},
		"block of text":          {"vm: |\n  a", []string{"vm: its value is a block of text"}},
		"alias":                  {"vm: &x a\ncpus: *x", []string{":1: vm: its value is something for which"}},
		"tag":                    {"vm: !!str 1", []string{"(tag)"}},
		"merge":                  {"<<: {vm: a}", []string{"the key << is no name"}},
		"number for a key":       {"1: 2", []string{":1: the key 1 is no name"}},
		"list of everything":     {"- vm: a", []string{"no list of keys with values, but a list"}},
		"one word":               {"# x\nsubstrate", []string{":2: this is no list of keys with values, but a text"}},
		"no space":               {"vm:a", []string{"but a text", "`key: value`"}},
		"documents":              {"vm: a\n---\ncpus: 3", []string{":3: there is more than one document"}},
		"open quote":             {"vm: a\nagent: \"x", []string{":2: this is no YAML"}},
		"tabulator":              {"vm: a\n\tcpus: 3", []string{":2: this is no YAML"}},
		"indented":               {"vm: a\n  cpus: 3", []string{"this is no YAML"}},
		"JSON, unfinished":       {"{vm: a", []string{"this is no YAML"}},
		"colon in a value":       {"vm: a: b", []string{"this is no YAML"}},
		"another language":       {"[world]\nvm = 'a'", []string{"no YAML"}},
		"NUL":                    {"vm: a\x00", []string{":1: there is a control character"}},
		"escape":                 {"cpus: 2\nvm: \x1b[31m", []string{":2: there is a control character"}},
		"Latin-1":                {"agent: /tmp/Gr\xfc\xdfe", []string{"is not in UTF-8"}},
		"UTF-16":                 {"\xff\xfev\x00m\x00", []string{"is not in UTF-8"}},
		"large":                  {strings.Repeat("# x\n", 20000), []string{"more than 16384 bytes"}},
		"value of another type:": {"agent: {file: x}", []string{"agent: its value is a group of keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, test.text)
			_, err := Read(path, keys)
			refused(t, err, append(test.words, path)...)
		})
	}
}

func TestWhatIsNoFileOfChoices(t *testing.T) {
	for name, test := range map[string]struct {
		make  func(path string) error
		words string
	}{
		"directory":      {func(path string) error { return os.Mkdir(path, 0o755) }, "is a directory"},
		"FIFO":           {func(path string) error { return syscall.Mkfifo(path, 0o644) }, "is no regular file"},
		"link to itself": {func(path string) error { return os.Symlink(Name, path) }, "cannot be read"},
		"link to none":   {func(path string) error { return os.Symlink("nowhere", path) }, "no such file"},
		"device":         {func(path string) error { return os.Symlink("/dev/zero", path) }, "is no regular file"},
		"of everybody": {func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("vm: a"), 0o644), os.Chmod(path, 0o646))
		}, "can be written by everybody"},
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

func TestWhoMayWriteIt(t *testing.T) {
	me, mine := uint32(os.Geteuid()), uint32(os.Getegid())
	for _, test := range []struct {
		mode     fs.FileMode
		uid, gid uint32
		words    string // empty for one that is fine
	}{
		{0o644, me, mine, ""},
		{0o600, me, mine + 1, ""},
		{0o644, 0, 0, ""},
		{0o666, me, mine, "by everybody"},
		{0o602, me, mine, "by everybody"},
		{0o664, me, mine + 1, "by others, its group"},
		{0o644, me + 1, mine, "belongs to another user"},
	} {
		err := acceptable("/p/w.yaml", info{mode: test.mode, stat: syscall.Stat_t{Uid: test.uid, Gid: test.gid}})
		if test.words != "" {
			refused(t, err, test.words, "says what is run")
		} else if err != nil {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestWhatIsRead(t *testing.T) {
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
		if got := told(file.Entries); got != want {
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
		change := Entry{Key: "agent", Value: "x y"}
		if changed, err := file.With([]Entry{change}, keys); err == nil {
			if again, err := parse("w", changed, keys); err != nil || !again.holds(file.Entries, []Entry{change}) {
				t.Fatalf("%q became %q: %v", text, changed, err)
			}
		}
	})
}
