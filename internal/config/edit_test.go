package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func written(values []Value) string {
	var words []string
	for _, value := range values {
		words = append(words, fmt.Sprintf("%s=%s@%d", value.Key, value.Text, value.Line))
	}
	return strings.Join(words, " ")
}

func TestWith(t *testing.T) {
	change := func(pairs ...string) (values []Value) {
		for i := 0; i < len(pairs); i += 2 {
			values = append(values, Value{Key: pairs[i], Text: pairs[i+1]})
		}
		return values
	}
	for _, test := range []struct {
		before  string
		changes []Value
		want    string
	}{
		{"", change("vm", "a"), "vm: a\n"},
		{"# why\nvm: a # because\n\ncpus: 2\n", change("vm", "b", "cpus", "4"), "# why\nvm: b # because\n\ncpus: 4\n"},
		{"vm: a", change("cpus", "4"), "vm: a\ncpus: 4\n"},
		{"cpus: 2", change("vm", "a", "cpus", "4"), "cpus: 4\nvm: a\n"},
		{"vm:   'it''s'   # x", change("vm", "b"), "vm:   b   # x"},
		{"vm: \"a # \\\" b\" # c\r\ncpus: 2\r\n", change("vm", "b"), "vm: b # c\r\ncpus: 2\r\n"},
		{"# cpus\n#cpus: 4\n\n# end\n", change("cpus", "2"), "# cpus\n#cpus: 4\ncpus: 2\n\n# end\n"},
		{"agent: ./a#b c\n", change("agent", "./d"), "agent: ./d\n"},
		{"vm: a\n", change("vm", "123"), "vm: \"123\"\n"},
		{"", change("vm", "true"), "vm: \"true\"\n"},
		{"", change("vm", "null", "agent", "no"), "vm: \"null\"\nagent: no\n"},
		{"", change("agent", "./a: b #c \\ \" ü"), "agent: \"./a: b #c \\\\ \\\" ü\"\n"},
		{"", change("memory", "4294967296", "netfilter", "false"), "memory: 4294967296\nnetfilter: false\n"},
		{"# x\nvm: a # y\n\ncpus: 2\n#agent: b\nmemory: 4GiB",
			change("cpus", "", "vm", "", "mount-type", "", "agent", "c", "netfilter", "true"),
			"# x\n\n#agent: b\nagent: c\nmemory: 4GiB\nnetfilter: true\n"},
		{"\"vm\" : a\n", change("vm", "b"), "\"vm\" : b\n"},
		{"vm: a\r\n\r\ncpus:  2\r\n# x\r\n", change("cpus", "3"), "vm: a\r\n\r\ncpus:  3\r\n# x\r\n"},
		{"# ü\nagent: ü b # ü\nvm: a\n", change("agent", "\t<&>", "vm", "ab"), "# ü\nagent: \"\\t<&>\" # ü\nvm: ab\n"},
		{"{vm: a}\n", change("vm", "b"), "{vm: b}\n"},
	} {
		file, err := parse("w", []byte(test.before), keys)
		if err != nil {
			t.Fatal(err)
		}
		text, err := file.With(test.changes)
		if err != nil || string(text) != test.want {
			t.Errorf("%q with %v: %v\n%q, want\n%q", test.before, test.changes, err, text, test.want)
		}
	}
}

// A file in another form is refused and stays as it is.
func TestWithRefused(t *testing.T) {
	for _, before := range []string{"{vm: a}\n", "vm:\n  a\n", "vm: \"a\n  b\"\n", "vm: a\n...\n"} {
		file, err := parse("w", []byte(before), keys)
		if err != nil {
			t.Fatal(err)
		}
		text, err := file.With([]Value{{Key: "vm", Text: "b"}, {Key: "cpus", Text: "2"}})
		if err == nil {
			t.Errorf("%q became %q", before, text)
			continue
		}
		refused(t, err, "can't edit w in its current form")
	}
	file := New("w", nil, keys)
	_, err := file.With([]Value{{Key: "agent", Text: "/tmp/\xff"}})
	refused(t, err)
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, Name), filepath.Join(dir, "link")
	for _, step := range []struct {
		path, text string
		before     os.FileMode // 0 for none
		want       os.FileMode
	}{{path, "a", 0, 0o644}, {path, "b", 0o600, 0o600}, {path, "c", 0o666, 0o644}, {link, "d", 0o640, 0o640}} {
		if step.path == link {
			if err := os.Symlink(Name, link); err != nil {
				t.Fatal(err)
			}
		}
		if step.before != 0 {
			if err := os.Chmod(path, step.before); err != nil {
				t.Fatal(err)
			}
		}
		if err := Write(step.path, []byte(step.text), 0o644); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		info, serr := os.Lstat(path)
		if err != nil || serr != nil || string(text) != step.text || info.Mode() != step.want {
			t.Errorf("%+v: %q %v %v %v", step, text, info.Mode(), err, serr)
		}
	}
	if err := Write(filepath.Join(dir, "none", Name), nil, 0o644); err == nil {
		t.Error("written to a directory that is not there")
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "d"), nil, 0o644); err == nil {
		t.Error("a directory was replaced")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUserPath(t *testing.T) {
	for _, test := range []struct{ xdg, home, want string }{
		{"/x", "/home/ada", "/x/worldsetup/worldsetup.yaml"},
		{"", "/home/ada", "/home/ada/.config/worldsetup/worldsetup.yaml"},
		{"relative", "/home/ada", "/home/ada/.config/worldsetup/worldsetup.yaml"},
		{"", "", ""},
		{"", "relative", ""},
	} {
		environment := map[string]string{"XDG_CONFIG_HOME": test.xdg, "HOME": test.home}
		if got := UserPath(func(name string) string { return environment[name] }); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
