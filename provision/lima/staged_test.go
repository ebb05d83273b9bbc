package lima

import (
	"slices"
	"strings"
	"testing"
)

// TestNoMounts: our mounts go, those of others stay, and the comment says what is copied. The way back is the same.
func TestNoMounts(t *testing.T) {
	w := Wanted{Home: "/home/me", Project: "/home/me/pro\n\"ü", NoMounts: true}
	for text, left := range map[string]string{
		"cpus: 2\nmounts:\n- location: /home/me\n- location: /p\n  mountPoint: /src\n  writable: true\n# after\nmemory: " +
			"1GiB\n": "",
		"mounts: [{location: /home/me}, {location: /p, mountPoint: /src}]\n": "",
		"mounts: []\n": "",
		"cpus: 2\n":    "",
		"mounts:\n- location: /data\n- location: /p\n  mountPoint: /src\n- location: \"~\"\n": "/data",
	} {
		edited, err := w.Edit([]byte(text), "")
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		config, err := ParseProfile(edited)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, mount := range config.Mounts {
			have = append(have, mount.Location)
		}
		if strings.Join(have, " ") != left || StagedProject(edited) != w.Project {
			t.Errorf("%q became %q", text, edited)
		}
		if again, err := w.Edit(edited, ""); err != nil || string(again) != string(edited) {
			t.Errorf("again: %v, %q became %q", err, edited, again)
		}
		back := w
		back.NoMounts = false
		if edited, err = back.Edit(edited, ""); err != nil || StagedProject(edited) != "" ||
			!strings.Contains(string(edited), "/src") {
			t.Errorf("back: %v, %q", err, edited)
		}
	}
}

func TestStagedProject(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "cpus: 2\n": "", "  " + staged + "\"/a\"\n": "", staged + "/a\n": "", staged + "\"/a b\"\r\n": "/a b",
	} {
		if have := StagedProject([]byte(text)); have != want {
			t.Errorf("%q: %q, want %q", text, have, want)
		}
	}
	if lines := slices.Collect(strings.Lines(staged)); len(lines) != 1 {
		t.Error("it is not one line")
	}
}
