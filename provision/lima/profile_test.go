package lima

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
)

var update = flag.Bool("update", false, "write the golden files again")

func wantedForTests() Wanted {
	return Wanted{Home: "/home/ada", Project: `/home/ada/p "q" ü`, ProjectMount: "/src"}
}

// TestBuiltInProfile: what a new VM gets, in full.
func TestBuiltInProfile(t *testing.T) {
	profile, err := ParseProfile(embed.Profile())
	if err != nil {
		t.Fatal(err)
	}
	wanted := wantedForTests()
	wanted.VMType, wanted.Arch, wanted.Rosetta = limatype.VZ, limatype.AARCH64, true
	wanted.CPUs, wanted.Memory, wanted.Disk = 4, 4<<30, 20<<30
	wanted.Apply(profile)
	got, err := MarshalProfile(profile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "profile.golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(got) != string(want) {
		t.Errorf("%v; -update writes it again; got\n%s", err, got)
	}
	if again, err := ParseProfile(got); err != nil || *again.CPUs != 4 || again.Mounts[1].Location != wanted.Project {
		t.Errorf("read back: %+v, %v", again, err)
	}
}

// TestApplyKeepsTheRest: a user's own profile loses nothing but what contradicts the world.
func TestApplyKeepsTheRest(t *testing.T) {
	profile, err := ParseProfile([]byte(`
cpus: 2
mounts:
- location: /data
- location: ~
  mountPoint: /src
portForwards:
- guestSocket: /run/substrate.sock
  hostSocket: elsewhere.sock
- guestPort: 8080
provision:
- mode: system
  script: "true"
`))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // applying twice is applying once
		wantedForTests().Apply(profile)
	}
	var points []string
	for _, mount := range profile.Mounts {
		points = append(points, mountPoint(mount))
	}
	if want := []string{"/home/ada", "/src", "/data"}; !slices.Equal(points, want) {
		t.Errorf("mounted at %v, want %v", points, want)
	}
	if *profile.CPUs != 2 || len(profile.PortForwards) != 3 || profile.PortForwards[2].GuestPort != 8080 ||
		len(profile.Provision) != 2 {
		t.Errorf("got %+v", profile)
	}
	if profile.PortForwards[1].HostSocket != "{{.Dir}}/sock/substrate.sock" || !profile.PortForwards[0].Ignore {
		t.Errorf("forwards %+v", profile.PortForwards)
	}
}

func TestBadProfiles(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{}", "cpu: 4\n", "- a\n", "just words",
		"cpus: many\n", "\x00", "a: b: c\n"} {
		if profile, err := ParseProfile([]byte(text)); err == nil {
			t.Errorf("%q was taken for %+v", text, profile)
		}
	}
}

// TestTemplatesInPaths: Lima reads locations as templates, and a directory may be called like one.
func TestTemplatesInPaths(t *testing.T) {
	wanted := wantedForTests()
	wanted.Project = "/home/ada/{{.Dir}}"
	var profile limatype.LimaYAML
	wanted.Apply(&profile)
	if got, want := profile.Mounts[1].Location, "/home/ada/{{`{{`}}.Dir}}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// instance is an existing one as `limactl list` shows it after wanted was applied.
func instance(t *testing.T, wanted Wanted) *limatype.Instance {
	t.Helper()
	config := &limatype.LimaYAML{}
	wanted.Apply(config)
	config.PortForwards[1].HostSocket = "/lima/substrate/sock/substrate.sock"
	script := strings.ReplaceAll(*config.Provision[0].Script, "{{.User}}", "ada")
	config.Provision[0].Script = &script
	return &limatype.Instance{
		Name: "substrate", Dir: "/lima/substrate", VMType: limatype.QEMU, Arch: limatype.X8664, CPUs: 4,
		Memory: 4 << 30, Disk: 20 << 30, Config: config,
	}
}

func TestNoDifferences(t *testing.T) {
	wanted := wantedForTests()
	edits, replace := wanted.Differences(instance(t, wanted))
	if len(edits)+len(replace) > 0 {
		t.Errorf("got %v and %v", edits, replace)
	}
}

// TestSettings: what is asked for in place is what limactl gets, as constants of its expression language.
func TestSettings(t *testing.T) {
	wanted := wantedForTests()
	old := instance(t, wanted)
	old.Config.PortForwards, old.Config.Provision = nil, nil
	wanted.CPUs, wanted.Memory = 8, 6<<30+1<<20
	edits, replace := wanted.Differences(old)
	if len(replace) > 0 || len(edits) != 5 {
		t.Errorf("got %v and %v", edits, replace)
	}
	settings := map[string]string{}
	for _, setting := range wanted.Settings(old) {
		text, err := json.Marshal(setting.Value)
		if err != nil {
			t.Fatal(err)
		}
		settings[setting.Path] = string(text)
	}
	if settings[".cpus"] != "8" || settings[".memory"] != `"6145MiB"` || settings[".disk"] != "" {
		t.Errorf("got %v", settings)
	}
	if !strings.Contains(settings[".mounts"], `"/home/ada/p \"q\" ü"`) ||
		!strings.Contains(settings[".portForwards"], "/run/substrate.sock") {
		t.Errorf("got %v", settings)
	}
	if len(old.Config.Provision) != 0 {
		t.Error("searching for the settings changed the instance")
	}
}

// TestConstants: the boot script got \u003e for > once when an instance was edited, and did nothing at every boot.
// What limactl makes of these is tested on the real one, see the scenario "configuration stripped", and in package sim.
func TestConstants(t *testing.T) {
	for value, want := range map[string]string{
		"a > b && c <d>": `"a > b && c <d>"`,
		`say "x"`:        `"say \"x\""`,
		`\(group\)`:      `"\\(group\\\\)"`,
		"two\nlines":     "\"two\nlines\"",
		"ünï":            `"ünï"`,
	} {
		if got, err := constant(value); err != nil || got != want {
			t.Errorf("%q became %s, %v, want %s", value, got, err, want)
		}
	}
	got, err := constant(map[string]any{"b": []any{1, true, nil}, "a": map[string]string{}})
	if want := `{"a": {}, "b": [1, true, null]}`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// TestSigns: what a lima.yaml shows of a world, whole, in parts or broken, and what shows nothing.
func TestSigns(t *testing.T) {
	var profile limatype.LimaYAML
	Wanted{Home: "/home/ada", Project: "/p", ProjectMount: "/src"}.Apply(&profile)
	whole, err := MarshalProfile(&profile)
	if err != nil {
		t.Fatal(err)
	}
	stamped := Stamp(whole, "abc")
	if !Stamped(stamped, "abc") || Stamped(stamped, "ab") || Stamped(whole, "abc") {
		t.Error("a stamp is not the one of its run")
	}
	for text, want := range map[string]int{
		string(stamped): 3, string(whole): 2, "": 0, "cpus: 2\n": 0,
		"portForwards:\n- guestSocket: /run/substrate.sock\n":               1,
		"# guestSocket: /run/substrate.sock\ncpus: 2\n":                     0,
		"portForwards:\n- guestSocket: /run/docker.sock\n":                  0,
		"{ /run/substrate.sock is\nno: YAML: at all\n":                      1,
		"{ this is\nno: YAML: at all\n":                                     0,
		"unknown: key\nportForwards:\n- guestSocket: /run/substrate.sock\n": 1,
		"# worldsetup made this VM, in the run x\nportForwards: []\n":       1,
	} {
		if signs := Signs([]byte(text)); len(signs) != want {
			t.Errorf("%q shows %q, want %d", text, signs, want)
		}
	}
}
