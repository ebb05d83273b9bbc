package plaintext

import (
	"slices"
	"testing"
)

func TestAdvice(t *testing.T) {
	words := func(text string) Part { return Part{Words: text} }
	command := func(text string) Part { return Part{Command: text} }
	for text, want := range map[string][]Part{
		"":                  nil,
		"make room":         {words("make room")},
		"worldsetup":        {command("worldsetup")},
		"brew install lima": {command("brew install lima")},
		"run it as an ordinary user: without sudo, or after `su - NAME`": {
			words("run it as an ordinary user: without sudo, or after `su - NAME`")},
		"name it (or not)":   {words("name it (or not)")},
		"worldsetup is here": {command("worldsetup is here")}, // no advice begins like that
		"remove what is not needed, or grow it: worldsetup --disk SIZE": {
			words("remove what is not needed, or grow it:"), command("worldsetup --disk SIZE")},
		"don't stop the VM; find it (limactl shell --workdir / a sudo grep -rni x /etc/ssh), change it, and run " +
			"worldsetup again": {
			words("don't stop the VM; find it"), command("limactl shell --workdir / a sudo grep -rni x /etc/ssh"),
			words("change it, and run worldsetup again")},
		"run worldsetup again: it carries on from here": {
			words("run worldsetup again: it carries on from here"), command("worldsetup")},
		"build it:\ncargo build -p a;\nor use the probe: --agent builtin": {
			words("build it:"), command("cargo build -p a"), words("or use the probe: --agent builtin")},
		"see what `limactl list` prints":       {words("see what"), command("limactl list"), words("prints")},
		"check why `ls` of it gives no answer": {words("check why `ls` of it gives no answer")},
		"replace it: worldsetup --replace=a (--keep-old keeps the old VM)": {
			words("replace it:"), command("worldsetup --replace=a"), words("(--keep-old keeps the old VM)")},
		`make it yours: sudo chown "$USER" '/a; b' && chmod u+rwx '/a; b'; then go on`: {
			words("make it yours:"), command(`sudo chown "$USER" '/a; b' && chmod u+rwx '/a; b'`), words("then go on")},
		`use another: HOME=DIR LIMA_HOME="${LIMA_HOME:-$HOME/.lima}" worldsetup`: {
			words("use another:"), command(`HOME=DIR LIMA_HOME="${LIMA_HOME:-$HOME/.lima}" worldsetup`)},
	} {
		if got := Advice(text); !slices.Equal(got, want) {
			t.Errorf("Advice(%q) = %q, want %q", text, got, want)
		}
	}
}
