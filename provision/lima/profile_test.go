package lima

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
)

var update = flag.Bool("update", false, "write the golden files again")

func wantedForTests() Wanted {
	return Wanted{Home: "/home/ada", Project: `/home/ada/p "q" ü`}
}

// edited is what becomes of text, read back.
func edited(t *testing.T, wanted Wanted, text string) (string, *limatype.LimaYAML) {
	t.Helper()
	after, err := wanted.Edit([]byte(text), "")
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	profile, err := ParseProfile(after)
	if err != nil {
		t.Fatalf("%v in\n%s", err, after)
	}
	if again, err := wanted.Edit(after, ""); err != nil || string(again) != string(after) {
		t.Errorf("%v; a second edit made\n%s\nof\n%s", err, again, after)
	}
	return string(after), profile
}

// TestBuiltInProfile: what a new VM gets, in full.
func TestBuiltInProfile(t *testing.T) {
	wanted := wantedForTests()
	wanted.VMType, wanted.Arch, wanted.Rosetta = limatype.VZ, limatype.AARCH64, true
	wanted.CPUs, wanted.Memory, wanted.Disk = 4, 4<<30, 20<<30
	got, profile := edited(t, wanted, string(embed.Profile()))
	path := filepath.Join("testdata", "profile.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%v; -update writes it again; got\n%s", err, got)
	}
	if *profile.CPUs != 4 || profile.Mounts[1].Location != wanted.Project {
		t.Errorf("read back: %+v", profile)
	}
}

func TestBadProfiles(t *testing.T) {
	for _, text := range []string{"- a\n", "just words", "cpus: many\n", "\x00", "a: b: c\n"} {
		if profile, err := ParseProfile([]byte(text)); err == nil {
			t.Errorf("%q was taken for %+v", text, profile)
		}
	}
}

// TestTemplatesInPaths: Lima reads locations as templates, and a directory may be called like one.
func TestTemplatesInPaths(t *testing.T) {
	wanted := wantedForTests()
	wanted.Project = "/home/ada/{{.Dir}}"
	_, profile := edited(t, wanted, "")
	if got, want := profile.Mounts[1].Location, "/home/ada/{{`{{`}}.Dir}}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// instance is an existing one as `limactl list` shows it after wanted was applied.
func instance(t *testing.T, wanted Wanted) *limatype.Instance {
	t.Helper()
	_, config := edited(t, wanted, "")
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

// TestSigns: what a lima.yaml shows of a world, whole, in parts or broken, and what shows nothing.
func TestSigns(t *testing.T) {
	whole, err := Wanted{Home: "/home/ada", Project: "/p"}.Edit(nil, "")
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

// TestSubstitute: a profile for envsubst shows by a variable outside of its scripts; a script's own stay otherwise.
func TestSubstitute(t *testing.T) {
	const script = "provision:\n- script: echo $HOME ${PROJECT} $HOMES ${HOME:-x} $USER\n"
	const done = "provision:\n- script: echo /h /p $HOMES ${HOME:-x} $USER\n"
	for text, want := range map[string]string{
		script: script,
		"mounts:\n- location: \"$HOME\"\n- location: ${PROJECT}/x\n" + script: "mounts:\n- location: \"/h\"\n" +
			"- location: /p/x\n" + done,
		"param: {a: $HOME_DIR}\n" + script: "param: {a: $HOME_DIR}\n" + script,
		"# $PROJECT\n":                     "# $PROJECT\n",
		"a: [$HOME":                        "a: [$HOME",
	} {
		if got := string(Substitute([]byte(text), "/h", "/p")); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// TestProfilesOfLima: what Lima's own templates have is understood.
func TestProfilesOfLima(t *testing.T) {
	for text, refers := range map[string]bool{
		"base: template:_images/ubuntu\n":                                            true,
		"base:\n- a.yaml\n- {url: b.yaml, digest: x}\n":                              true,
		"provision:\n- mode: user\n  file: ./setup.sh\n":                             true,
		"probes:\n- file: {url: p.sh}\n":                                             true,
		"additionalDisks:\n- data\n- {name: more}\ntpm: true\ncpus: 2\n":             false,
		"provision:\n- mode: data\n  path: /etc/x\n  content: y\n  permissions: 6\n": false,
	} {
		profile, err := ParseProfile([]byte(text))
		if err != nil || Refers(profile) != refers {
			t.Errorf("%q: %+v, %v", text, profile, err)
		}
	}
}
