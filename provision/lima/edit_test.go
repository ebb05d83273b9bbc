package lima

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
)

const (
	ourMounts = `- location: /home/ada
  mountPoint: /home/ada
  writable: false
- location: /home/ada/p "q" ü
  mountPoint: /src
  writable: true
`
	ourForwards = `- guestPort: 61337
  ignore: true
- guestSocket: /run/substrate.sock
  hostSocket: "{{.Dir}}/sock/substrate.sock"
`
)

func indented(text, with string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			lines[i] = with + line
		}
	}
	return strings.Join(lines, "")
}

func ourScript() string { return "- mode: boot\n  script: |\n" + indented(embed.BootGroup(), "    ") }

// TestEdit: our own entries change in their places, and nothing else does.
func TestEdit(t *testing.T) {
	const theirs = "  - mode: system\n    script: |2\n        first: indented\n      # not a comment\n\n      end " +
		"{{.Dir}}\n"
	tail := "portForwards:\n" + ourForwards + "provision:\n" + ourScript()
	for name, test := range map[string]struct{ before, want string }{
		"nothing": {"", "mounts:\n" + ourMounts + tail},
		"comments, and keys of another Lima": {
			"# Mine.\n\ntpm:   true # new\nuser: {name: x,  passwordlessSudo: no}\n\n# The end.\n",
			"# Mine.\n\ntpm:   true # new\nuser: {name: x,  passwordlessSudo: no}\n\n# The end.\n" +
				"mounts:\n" + ourMounts + tail,
		},
		"no newline at the end": {
			"message: |\n  Hello", "message: |\n  Hello\nmounts:\n" + ourMounts + tail,
		},
		"a document with marks": {
			"# a\n---\n# b\ntpm: true\n...\n", "# a\n---\n# b\ntpm: true\nmounts:\n" + ourMounts + tail + "...\n",
		},
		"entries of others": {
			"mounts:\n  # data\n  - location: /data # d\n\n  # more\n  - {location: /more}\nprovision:\n" + theirs +
				"portForwards:\n- guestPort: 8080 # web\n",
			"mounts:\n  # data\n" + indented(ourMounts, "  ") + "  - location: /data # d\n\n  # more\n" +
				"  - {location: /more}\nprovision:\n" + indented(ourScript(), "  ") + theirs +
				"portForwards:\n" + ourForwards + "- guestPort: 8080 # web\n",
		},
		"ours, wrong and twice": {
			"mounts:\n- location: /data\n- location: ~/\n  writable: true\n# p\n- location: /old\n  mountPoint: /src/\n" +
				"# e\n- location: /end\n- location: /old\n  mountPoint: /src\nportForwards:\n" +
				"- guestSocket: /run/substrate.sock\n  hostSocket: x\n- guestPortRange: [61337, 61337]\n  ignore: true\n" +
				"provision:\n" + ourScript() + ourScript(),
			"mounts:\n- location: /data\n" + strings.Replace(ourMounts, "- location: /home/ada/p",
				"# p\n- location: /home/ada/p", 1) + "# e\n- location: /end\nportForwards:\n" +
				strings.SplitAfter(ourForwards, "true\n")[1] +
				"- guestPortRange: [61337, 61337]\n  ignore: true\nprovision:\n" + ourScript(),
		},
		"rules that come before ours": {
			"portForwards:\n- guestPortRange: [1, 65535]\n- guestPort: 61337\n  ignore: true\n- guestSocket: " +
				"/run/substrate.sock\n  hostSocket: substrate.sock\n",
			"portForwards:\n" + strings.SplitAfter(ourForwards, "true\n")[0] + "- guestPortRange: [1, 65535]\n" +
				"- guestSocket: /run/substrate.sock\n  hostSocket: substrate.sock\n" +
				"mounts:\n" + ourMounts + "provision:\n" + ourScript(),
		},
		"lists in brackets": {
			"mounts: [] # none\nportForwards: [{guestPort: 8080}] # web\nprovision:\n",
			"mounts: # none\n" + ourMounts + `portForwards: [{"guestPort":61337,"ignore":true}, ` +
				`{"guestSocket":"/run/substrate.sock","hostSocket":"{{.Dir}}/sock/substrate.sock"}, ` +
				"{guestPort: 8080}] # web\nprovision:\n" + ourScript(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := edited(t, wantedForTests(), test.before); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if test.before == "" {
				return
			}
			before := strings.ReplaceAll(test.before, "\n", "\r\n")
			got, _ := edited(t, wantedForTests(), before)
			if strings.Count(got, "\n") != strings.Count(got, "\r\n") {
				t.Errorf("of CR LF became\n%q", got)
			}
		})
	}
}

// TestEditSettings: a value changes in its line, and is the same in every way to write it.
func TestEditSettings(t *testing.T) {
	wanted := wantedForTests()
	wanted.CPUs, wanted.Memory, wanted.Disk, wanted.MountType = 8, 6<<30+1<<20, 20<<30, "9p"
	lists := "mounts:\n" + ourMounts + "portForwards:\n" + ourForwards + "provision:\n" + ourScript()
	before := lists + "cpus:  2  # two\n# memory: 1\nmemory: \"4GiB\"\ndisk: '20GiB'\nmountType: null\nplain: true # p\n"
	want := lists + "cpus:  8  # two\n# memory: 1\nmemory: 6145MiB\ndisk: '20GiB'\nmountType: 9p\nplain: false # p\n"
	if got, _ := edited(t, wanted, before); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestHomeInAProfile: what a profile has in the place of HOME is replaced, however it is written.
func TestHomeInAProfile(t *testing.T) {
	for _, text := range []string{
		`"~"`, "~/", "/home/ada/", `"{{.Home}}"`, `"{{ .Home }}/"`, "/home/../home/ada",
		"\"~\"\n  mountPoint: /home/ada", "/elsewhere\n  mountPoint: /home/ada/", "\"~\"\n  mountPoint: \"{{.Home}}\"",
		"\"~\"\n  mountPoint: \"~\"",
	} {
		got, profile := edited(t, wantedForTests(), "mounts:\n- location: "+text+"\n  writable: true\n")
		home := slices.IndexFunc(profile.Mounts, func(m limatype.Mount) bool { return *m.MountPoint == "/home/ada" })
		if len(profile.Mounts) != 2 || home < 0 || *profile.Mounts[home].Writable {
			t.Errorf("%s became\n%s", text, got)
		}
	}
	for _, text := range []string{"~/data", "/home/adam", "/home/ada/x\n  mountPoint: /x"} {
		got, profile := edited(t, wantedForTests(), "mounts:\n- location: "+text+"\n  writable: true\n")
		if len(profile.Mounts) != 3 || !strings.Contains(got, "- location: "+text+"\n  writable: true\n") {
			t.Errorf("%s became\n%s", text, got)
		}
	}
}

// TestHomeLeftOut: no mount shows the home directory then, whatever it is called, and the text says so from then on.
// The project and what is mounted of the home directory beside it stay.
func TestHomeLeftOut(t *testing.T) {
	wanted := wantedForTests()
	wanted.NoHome = true
	project := ourMounts[strings.Index(ourMounts, "- location: /home/ada/p"):]
	const data = "- location: /data\n"
	for _, text := range []string{
		`"~"`, "~/", "/home/ada/", `"{{.Home}}"`, "/home", "/", "\"~\"\n  mountPoint: /mnt/home",
		"/home\n  mountPoint: /mnt/all\n  writable: true",
	} {
		got, _ := edited(t, wanted, "mounts:\n- location: "+text+"\n"+data)
		if want := homeLeftOut + "\nmounts:\n" + project + data; !strings.HasPrefix(got, want) || !HomeLeftOut([]byte(got)) {
			t.Errorf("%s became\n%s", text, got)
		}
		if again, _ := edited(t, wanted, got); again != got {
			t.Errorf("%s became at last\n%s", text, again)
		}
		wanted := wantedForTests()
		if back, _ := edited(t, wanted, got); !strings.HasPrefix(back, "mounts:\n- location: /home/ada\n") ||
			HomeLeftOut([]byte(back)) {
			t.Errorf("%s is mounted again by\n%s", text, back)
		}
	}
	for _, text := range []string{"~/data", "/home/adam", "/home/ada/x\n  mountPoint: /home/ada"} {
		if got, _ := edited(t, wanted, "mounts:\n- location: "+text+"\n"); !strings.Contains(got, "location: "+text+"\n") {
			t.Errorf("%s became\n%s", text, got)
		}
	}
	for text, want := range map[string]bool{
		homeLeftOut + "\r\na: 1\r\n": true, "a: 1\n" + homeLeftOut: true, "a: |\n  x\n  " + homeLeftOut +
			"\n": false, "": false,
	} {
		if got := HomeLeftOut([]byte(text)); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

// TestHomeLeftOutDiffers: a VM that shows the home directory is not as wanted, and files for all VMs that mount it rule
// that out.
func TestHomeLeftOutDiffers(t *testing.T) {
	wanted := wantedForTests()
	wanted.NoHome = true
	for text, want := range map[string]bool{
		"- location: /home/ada": true, "- location: /home": true, "- location: /home/ada\n  mountPoint: /h": true,
		"- location: /home/ada/x": false, "- location: /data\n  mountPoint: /home/ada": false,
	} {
		config, err := ParseProfile([]byte("mounts:\n" + text + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		editable, replace := wanted.Differences(&limatype.Instance{Config: config})
		found := strings.Contains(strings.Join(editable, "; "), "your home directory is to be left out")
		if found != want || len(replace) > 0 {
			t.Errorf("%s: the differences are %q, %q", text, editable, replace)
		}
		for _, name := range []string{"override.yaml", "default.yaml", "base.yaml"} {
			file := File{Path: "/l/_config/" + name, Config: config}
			if got := wanted.Overruled([]File{file}, &limatype.LimaYAML{}); (len(got) > 0) != want {
				t.Errorf("%s in %s: overruled by %v", text, name, got)
			}
		}
	}
}

// TestOverruledInOrder: what the files of Lima's user decide is always named in the same order.
func TestOverruledInOrder(t *testing.T) {
	wanted := wantedForTests()
	wanted.CPUs, wanted.Memory, wanted.Disk, wanted.VMType, wanted.MountType = 8, 6<<30, 20<<30, "vz", "virtiofs"
	wanted.Images = []limatype.Image{{File: limatype.File{Location: "https://example.org/a.img"}}}
	config, err := ParseProfile([]byte("images: [{location: /b.img}]\nmountType: 9p\nvmType: qemu\ndisk: 1GiB\n" +
		"memory: 1GiB\ncpus: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	file := File{Path: "/l/_config/override.yaml", Config: config}
	want := []string{"cpus", "memory", "disk", "vmType", "mountType", "images"}
	for range 20 {
		var got []string
		for _, decision := range wanted.Overruled([]File{file}, &limatype.LimaYAML{}) {
			got = append(got, decision.Key)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("overruled by %q, want %q", got, want)
		}
	}
}

func TestWriteConfig(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "vm.yaml"), []byte("a"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(other, "vm.yaml"), filepath.Join(dir, "lima.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := WriteConfig(dir, []byte("b")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(other, "vm.yaml"))
	text, readErr := os.ReadFile(filepath.Join(dir, "lima.yaml"))
	if err != nil || readErr != nil || string(text) != "b" || info.Mode().Perm() != 0o640 {
		t.Errorf("got %q, %v, %v, %v", text, info, err, readErr)
	}
	if left, err := filepath.Glob(filepath.Join(other, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestSameDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		dir + "/": true, dir + "/link": true, dir + "/link/link/.": true, dir + "/other": false, "/": false, "": false,
	} {
		if got := SameDirectory(dir, path); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
	if !SameDirectory(dir+"/sock/a", dir+"/link/sock/a") || SameDirectory(dir+"/sock/a", dir+"/sock/b") {
		t.Error("of what is not there, the directories above are compared")
	}
}
