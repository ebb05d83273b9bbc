package lima

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// drawn draws configurations with settings that our types of Lima do not have. All that it draws is in it again after
// any edit.
type drawn struct{ *rand.Rand }

func (d drawn) of(texts ...string) string { return texts[d.IntN(len(texts))] }

// setting draws a setting that no Lima has today, with its value, at a depth.
func (d drawn) setting(name, indent string) string {
	value := d.of("true", "no", "~", "7", `"a b"`, "'it''s'", "[1, {two: 3}]", "{deep: {er: [x]}}", `"{{.Dir}}/x"`,
		"!!str 1",
		"|\n"+indent+"  first\n"+indent+"    # no comment\n"+indent+"  last",
		">-\n"+indent+"  folded\n"+indent+"  text",
		"\n"+indent+"  a: 1 # one\n"+indent+"  b:\n"+indent+"  - c\n"+indent+"  # d\n"+indent+"  - e: [f]")
	return fmt.Sprintf("%s%s: %s\n", indent, name, value)
}

// entries draws the entries of a list, each of which has a setting that no Lima has.
func (d drawn) entries(name string, known ...string) string {
	var text strings.Builder
	for i := range d.IntN(4) {
		text.WriteString(d.of("", "  # about the next\n") + "- " + strings.ReplaceAll(d.of(known...), "\n", "\n  ") + "\n")
		text.WriteString(d.setting(fmt.Sprintf("%s%d", name, i), "  "))
	}
	if text.Len() == 0 {
		return d.of("", name+": []\n", name+":\n")
	}
	return name + ":\n" + text.String()
}

// configuration draws a whole one.
func (d drawn) configuration() string {
	parts := []string{
		d.entries("mounts", "location: /data", "location: \"~\"", "location: /old\nmountPoint: /src\nwritable: true",
			"location: /home/ada\nmountPoint: /home/ada\nwritable: true\nsshfs: {cache: false}"),
		d.entries("portForwards", "guestPort: 8080", "guestPort: 61337\nignore: true", "guestPortRange: [1, 65535]",
			"guestSocket: /run/substrate.sock\nhostSocket: elsewhere.sock", "guestPort: 61337\nhostPort: 61337"),
		d.entries("provision", "mode: system\nscript: echo a", "mode: boot\nscript: |\n  echo {{.User}}"),
		d.of("", "cpus: 2\n", "cpus:  2 # two\n", "cpus: null\n"),
		d.of("", "memory: 4GiB\n", "plain: true\n"),
		d.of("", "user:\n  name: ada\n"+d.setting("passwordlessSudo", "  ")),
		d.of("", "vmOpts:\n"+d.setting("hyperv", "  ")+"  vz:\n"+d.setting("later", "    ")+
			"    rosetta:\n      enabled: false\n"+d.setting("much", "      ")),
		d.of("", "tpm: true\n", "tpm: false # none\n"),
	}
	for i := range 1 + d.IntN(4) {
		parts = append(parts, d.of("", "# about the next\n")+d.setting(fmt.Sprintf("later%d", i), ""))
	}
	d.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return strings.Join(parts, "")
}

// wanted draws what an edit is for.
func (d drawn) wanted() Wanted {
	return Wanted{
		CPUs: d.IntN(3), Memory: d.Int64N(3) << 30, Disk: d.Int64N(2) << 34, VMType: d.of("", "vz"), MountType: d.of("",
			"9p"),
		Home: "/home/ada", NoHome: d.IntN(2) == 0, Project: d.of("/home/ada/p", "/home/ada/p \"q\" ü"),
		Rosetta: d.IntN(2) == 0,
	}
}

// foreignSettings returns the settings that no Lima has, by where they stand, with their values; those of a list's
// entries by their names, which are drawn once each.
func foreignSettings(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	found := map[string]any{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				if strings.ContainsAny(name, "0123456789") || name == "passwordlessSudo" || name == "hyperv" ||
					name == "later" || name == "much" || name == "tpm" || name == "sshfs" {
					found[path+"/"+name] = inner
					continue
				}
				walk(path+"/"+name, inner)
			}
		case []any:
			for _, inner := range value {
				walk(path, inner)
			}
		}
	}
	walk("", all)
	return found
}

// TestUnknownSettingsSurvive: what only a newer Lima knows survives every edit, alone and one after the other, wherever
// it stands and however it is written. Only an entry that has to go takes its own along: a mount that shows the home
// directory when that is left out, and the second entry in the place of one of ours.
func TestUnknownSettingsSurvive(t *testing.T) {
	for seed := range uint64(150) {
		d := drawn{rand.New(rand.NewPCG(seed, 1))}
		text := []byte(d.configuration())
		if d.IntN(4) == 0 {
			text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
		}
		if _, err := ParseProfile(text); err != nil {
			t.Fatalf("seed %d: what was drawn is no configuration: %v\n%s", seed, err, text)
		}
		for range 3 {
			before, was := foreignSettings(t, text), text
			wanted := d.wanted()
			gone := wanted.leaves(t, text)
			switch d.IntN(4) {
			case 0:
				text, gone = Stamp(text, "RUN"), nil
			case 1:
				text, gone = Substitute(text, "/home/ada", "/home/ada/p"), nil
			default:
				edited, err := wanted.Edit(bytes.Clone(text), "/home/ada/.lima/w")
				if err != nil {
					t.Fatalf("seed %d: %+v: %v\n%s", seed, wanted, err, text)
				}
				text = edited
			}
			after := foreignSettings(t, text)
			for path := range gone {
				delete(before, path)
				delete(after, path)
			}
			if !reflect.DeepEqual(before, after) {
				t.Fatalf("seed %d: %+v: of %v became %v:\n%s\nwas\n%s", seed, wanted, before, after, text, was)
			}
		}
	}
}

// leaves returns the paths of the settings in entries that have to go.
func (w Wanted) leaves(t *testing.T, text []byte) map[string]any {
	t.Helper()
	config, err := ParseProfile(text)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string][]entry{
		"mounts":       w.mountEntries(config, "/home/ada/.lima/w"),
		"portForwards": forwardEntries(config, "/home/ada/.lima/w"),
	}
	var lists map[string]any
	if err := yaml.Unmarshal(text, &lists); err != nil {
		t.Fatal(err)
	}
	gone := map[string]any{}
	for key, wanted := range entries {
		list, _ := lists[key].([]any)
		for _, e := range wanted {
			var ours []int
			for i := range list {
				if e.ours(i) {
					ours = append(ours, i)
				}
			}
			kept := -1
			for _, i := range ours {
				if kept < 0 && e.value != nil && e.holds(i) {
					kept = i
				}
			}
			if kept < 0 && e.value != nil && len(ours) > 0 {
				kept = ours[0]
			}
			for _, i := range ours {
				if i != kept {
					one, err := yaml.Marshal(map[string]any{key: []any{list[i]}})
					if err != nil {
						t.Fatal(err)
					}
					maps.Copy(gone, foreignSettings(t, one))
				}
			}
		}
	}
	return gone
}

// TestForeignLinesStay: the lines of settings that are not ours stay as they are, byte for byte.
func TestForeignLinesStay(t *testing.T) {
	const theirs = "# mine\ntpm:   true # new\nlater: {a:   1,b: 2}\nuser:\n    name: ada\n    passwordlessSudo: yes # \n"
	for seed := range uint64(40) {
		d := drawn{rand.New(rand.NewPCG(seed, 2))}
		text, err := d.wanted().Edit([]byte(theirs+"cpus: 1\n"), "")
		if err != nil {
			t.Fatal(err)
		}
		if text, err = d.wanted().Edit(Stamp(text, "RUN"), ""); err != nil || !bytes.Contains(text, []byte(theirs)) {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
	}
}
