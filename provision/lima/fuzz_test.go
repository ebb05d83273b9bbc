package lima

import (
	"bytes"
	"slices"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// FuzzEdit: whatever a configuration holds, an edit either refuses it, or gives one that needs no other edit.
func FuzzEdit(f *testing.F) {
	for _, seed := range []string{
		"", "cpus: 2\n", "# a comment\nmounts:\n- location: \"~\"\n  writable: true\n", "mounts: [{location: /x}]\r\n",
		"portForwards:\n- guestPort: 61337\n  hostPort: 1\n- {guestSocket: /run/substrate.sock, hostSocket: x}\n",
		"{\"cpus\": 3, \"mounts\": []}", "provision:\n- mode: boot\n  script: |\n    echo a\n", "plain: true\n",
		"vmOpts:\n  vz:\n    rosetta: {enabled: false}\n", "---\na: &x {b: 1}\nc: *x\n...\n", "cpus:\n", "- a\n",
		"mounts:\n- location: /home/ada\n  mountPoint: /home/ada\n- location: /home/ada\n", "param: {a: b}\n",
	} {
		f.Add([]byte(seed))
		f.Add([]byte(homeLeftOut + "\n" + seed))
	}
	wanted := Wanted{CPUs: 3, Memory: 2 << 30, Home: "/home/ada", Project: "/home/ada/p \"q\" ü",
		Rosetta: true}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, wanted.NoHome = range []bool{false, true} {
			once, err := wanted.Edit(bytes.Clone(text), "/home/ada/.lima/w")
			if err != nil {
				return
			}
			profile, err := ParseProfile(once)
			if err != nil {
				t.Fatalf("%q became %q, which is no configuration: %v", text, once, err)
			}
			shown := slices.ContainsFunc(profile.Mounts, func(mount limatype.Mount) bool {
				return wanted.showsHome(wanted.place(profile, "", mount))
			})
			if shown == wanted.NoHome || HomeLeftOut(once) != wanted.NoHome {
				t.Fatalf("%q became %q, which shows the home directory: %v", text, once, shown)
			}
			twice, err := wanted.Edit(bytes.Clone(once), "/home/ada/.lima/w")
			if err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("%q became %q, and that %q: %v", text, once, twice, err)
			}
		}
	})
}

// FuzzFindIn: a list of VMs can hold anything, and only a VM of the right name is returned.
func FuzzFindIn(f *testing.F) {
	for _, seed := range []string{
		"", "{}\n", `{"name":"w","status":"Stopped","dir":"/d","config":{"cpus":2}}`, `{"name":"w","errors":[{}]}`,
		"a warning\n{\"name\":\"x\"}\n{\"name\":\"w\"}\n", `[{"name":"w"}]`, `{"name":"w","config":{"mounts":[1]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		if instance, _ := findIn(list, "w"); instance != nil && instance.Name != "w" {
			t.Errorf("%q: found %q", list, instance.Name)
		}
	})
}

// FuzzLog: a line of a log can hold anything.
func FuzzLog(f *testing.F) {
	for _, seed := range []string{
		`{"level":"info","msg":"READY"}`, `{"level":"fatal","msg":"a","error":"b"}`, "plain", `{"msg":1}`, "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		entry := ParseLogLine(line)
		if PhaseOf(entry.Message) != "" && entry.Message == "" {
			t.Errorf("%q: a phase without a message", line)
		}
	})
}
