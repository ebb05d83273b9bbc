package sim

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		`rm -f /a  /b`:              {"rm", "-f", "/a", "/b"},
		`printf 'a b\n' >/c`:        {"printf", `a b\n`, ">", "/c"},
		`printf "it's" >> /c`:       {"printf", "it's", ">>", "/c"},
		`printf '' >/c`:             {"printf", "", ">", "/c"},
		`loginctl x "$1"`:           {"loginctl", "x", "$1"},
		`printf 'x'>/c`:             {"printf", "x", ">", "/c"},
		`systemctl stop a.service `: {"systemctl", "stop", "a.service"},
	} {
		if words, err := split(line); err != nil || !slices.Equal(words, want) {
			t.Errorf("%s: %q, %v", line, words, err)
		}
	}
	for _, line := range []string{"a | b", "a; b", "a && b", "a `b`", "rm /*", "a 'b"} {
		if words, err := split(line); err == nil {
			t.Errorf("%s was split into %q", line, words)
		}
	}
}

func TestRootKnowsNothingElse(t *testing.T) {
	_, vm := completed(t, Options{})
	for _, line := range []string{"reboot", "systemctl mask x", "systemctl restart x.service", "date -s '-1 hour'", "chmod +x /a", "chmod 0600 /none", "mv /none /b", "printf x"} {
		if err := vm.Root(line); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
	if err := vm.Root("\n# nothing\n  \n"); err != nil {
		t.Error(err)
	}
}
