package lima

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
)

// opened returns what a profile opens, with $HOME, $PROJECT and $OTHER for the directories.
func opened(t *testing.T, profile string) []string {
	t.Helper()
	base := t.TempDir()
	if target, err := filepath.EvalSymlinks(base); err == nil {
		base = target
	}
	home, other := filepath.Join(base, "ada"), filepath.Join(base, "other")
	project := filepath.Join(home, "project")
	for _, dir := range []string{project, other, filepath.Join(home, ".ssh")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(home, ".ssh"), filepath.Join(project, "link")); err != nil {
		t.Fatal(err)
	}
	w := Wanted{Home: home, Project: project}
	given := strings.NewReplacer("$HOME", home, "$PROJECT", project, "$OTHER", other).Replace(profile)
	list, err := w.Opens([]byte(given))
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = strings.NewReplacer(project, "$PROJECT", home, "$HOME", other, "$OTHER").Replace(list[i])
	}
	return list
}

// Each of these reaches out of the VM, and was shown by nothing but the profile's path.
func TestOpens(t *testing.T) {
	for profile, want := range map[string]string{
		"mounts: [{location: '~', writable: true, mountPoint: /h}]":  "write to $HOME (there /h): all of your home",
		"mounts: [{location: /, writable: true, mountPoint: /host}]": "write to / (there /host): all of your home",
		"mounts: [{location: ~/.ssh}]":                               "read $HOME/.ssh, with ssh's keys",
		"mounts: [{location: '{{.Home}}/.ssh', writable: true}]":     "write to $HOME/.ssh: ssh's keys",
		"mounts: [{location: $PROJECT/link, writable: true}]":        "write to $PROJECT/link, which is $HOME/.ssh: ssh's",
		"mounts: [{location: $OTHER}]":                               "read $OTHER, which is outside",
		"mounts: [{location: $OTHER, writable: true}]":               "write to $OTHER",
		"mounts: [{location: ~/x, sshfs: {followSymlinks: true}}]":   "links in $HOME/x are followed",
		"copyToHost: [{guest: /etc/x, host: ~/.profile}]":            "/etc/x is copied out of the VM to $HOME/.profile",
		"copyToHost: [{guest: a, host: /b, deleteOnStop: true}]":     "/b on this machine, which is deleted",
		"ssh: {forwardAgent: true}":                                  "keys of your ssh agent",
		"ssh: {loadDotSSHPubKeys: true}":                             "~/.ssh/*.pub can log in",
		"ssh: {forwardX11: true}":                                    "use your display",
		"ssh: {forwardX11: true, forwardX11Trusted: true}":           "watch your display",
		"portForwards: [{guestPort: 80, hostIP: 0.0.0.0}]":           "port 80 of the VM can be reached from other machines",
		"portForwards: [{hostIP: '::'}]":                             "every port of the VM can be reached",
		"portForwards: [{guestPortRange: [1, 9], hostIP: 10.0.0.1}]": "ports 1 to 9 of the VM can be reached from other " +
			"machines, at the address 10.0.0.1",
		"portForwards: [{guestSocket: /a, hostSocket: ~/b}]": "/a of the VM is served at the socket $HOME/b",
		"portForwards: [{guestSocket: /a, hostSocket: /var/run/docker.sock, reverse: true}]": "can use the socket " +
			"/var/run/docker.sock of this machine",
		"images: [{location: 'http://x/a'}]":                         "image http://x/a has no digest and no encryption",
		"images: [{location: 'https://x/a'}]":                        "image https://x/a has no digest",
		"images: [{location: ~/a.img}]":                              "image is the file $HOME/a.img",
		"images: [{location: /a, kernel: {location: 'http://x/k'}}]": "kernel http://x/k",
		"images: [{location: /a, initrd: {location: 'http://x/i'}}]": "initrd http://x/i",
		"firmware: {images: [{location: 'http://x/f'}]}":             "firmware http://x/f",
		"containerd: {archives: [{location: 'http://x/c'}]}":         "containerd http://x/c",
		"networks: [{lima: bridged}]":                                `network "bridged"`,
		"networks: [{socket: /var/run/x}]":                           "socket /var/run/x",
		"networks: [{vzNAT: true}]":                                  "address of its own",
		"additionalDisks: [data]":                                    "the disk data of Lima, and formats it",
		"additionalDisks: [{name: data, format: false}]":             "the disk data of Lima",
		"provision: [{mode: ansible, playbook: a.yml}]":              "ansible-playbook runs a.yml ON THIS MACHINE",
		"probes: [{file: {url: 'https://x/a.sh'}}]":                  "at https://x/a.sh: those who control",
		"base: https://x/a.yaml":                                     "at https://x/a.yaml",
		"base: [template:a, {url: 'github:x/y'}]":                    "at github:x/y",
		"caCerts: {files: [~/ca.pem]}":                               "file $HOME/ca.pem of this machine, as a cert",
		"audio: {device: 'wav,path=/x'}":                             `sound: "wav,path=/x"`,
		"video: {display: vnc, vnc: {display: '0.0.0.0:0'}}":         "by VNC",
		"vmType: evil":    `driver "evil"`,
		"hostHooks: [rm]": "does not know: hostHooks",
	} {
		if list := opened(t, profile); !slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%s: got %q, want %q", profile, list, want)
		}
	}
}

// TestOpensWithoutHome: what a profile shows of the home directory counts where that is left out.
func TestOpensWithoutHome(t *testing.T) {
	home := t.TempDir()
	w := Wanted{Home: home, NoHome: true, Project: filepath.Join(home, "p")}
	const profile = "mounts: [{location: '~'}, {location: ~/docs}, {location: ~/p/a, mountPoint: /a}, {location: /usr}]"
	list, err := w.Opens([]byte(profile))
	want := []string{
		"programs in the VM can read " + home + "/docs, which is in your home directory",
		"programs in the VM can read /usr, which is outside of your home directory",
	}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("got %q, %v", list, err)
	}
}

// What every world has, and what reaches only the guest, is not worth a line.
func TestOpensNothing(t *testing.T) {
	for _, profile := range []string{
		"cpus: 2", "mounts: [{location: '~', writable: true}]", "mounts: [{location: $PROJECT/a, writable: true, " +
			"mountPoint: /a}]",
		"mounts: [{location: ~/docs}]", "portForwards: [{guestPort: 80, hostPort: 8080}]", "vmType: qemu",
		"portForwards: [{guestPort: 80, hostIP: 127.0.0.2}, {hostIP: 0.0.0.0, guestPort: 5, ignore: true}]",
		"images: [{location: 'https://x/a', digest: 'sha256:" + strings.Repeat("0", 64) + "'}]", "base: template:ubuntu",
		"ssh: {forwardAgent: false, localPort: 60022}", "provision: [{mode: system, script: 'true'}]", "env: {A: b}",
		"video: {display: none}",
	} {
		if list := opened(t, profile); len(list) > 0 {
			t.Errorf("%s: got %q", profile, list)
		}
	}
	for _, line := range opened(t, string(embed.Profile())) {
		if !strings.Contains(line, "has no digest: those who control") {
			t.Errorf("the built-in profile: %s", line)
		}
	}
}

// A profile of brackets took an hour to read.
func TestNestedProfile(t *testing.T) {
	start := time.Now()
	_, err := ParseProfile([]byte("mounts: " + strings.Repeat("[", 1<<20-10)))
	if err == nil || !strings.Contains(err.Error(), "nested too deeply") || time.Since(start) > 2*parseTime {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
