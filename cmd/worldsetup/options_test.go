package main

import (
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// choose returns the Spec of flags and an environment.
func choose(t *testing.T, environment map[string]string, args ...string) (provision.Spec, error) {
	t.Helper()
	spec, _, err := (layers{flags: args, environment: environment}).spec(t)
	return spec, err
}

func TestFlagsBeatTheEnvironment(t *testing.T) {
	tests := []struct {
		name        string
		environment map[string]string
		args        []string
		want        string
	}{
		{"default", nil, nil, provision.DefaultVM},
		{"second variable", map[string]string{"LIMA_VM_NAME": "b"}, nil, "b"},
		{"first variable", map[string]string{"LIMA_VM_NAME": "b", "SUBSTRATE_LIMA_VM_NAME": "a"}, nil, "a"},
		{"empty variable", map[string]string{"LIMA_VM_NAME": "b", "SUBSTRATE_LIMA_VM_NAME": ""}, nil, "b"},
		{"flag", map[string]string{"SUBSTRATE_LIMA_VM_NAME": "a"}, []string{"--vm", "c"}, "c"},
		{"flag beats a bad variable", map[string]string{"SUBSTRATE_LIMA_VM_NAME": "../a"}, []string{"--vm", "c"}, "c"},
		{"last flag", nil, []string{"--vm=c", "--vm=d"}, "d"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec, err := choose(t, test.environment, test.args...)
			if err != nil || spec.VM != test.want {
				t.Errorf("VM %q, error %v, want %q", spec.VM, err, test.want)
			}
		})
	}
}

func TestSizes(t *testing.T) {
	const gib = 1 << 30
	tests := []struct {
		args         []string
		cpus         int
		memory, disk int64
	}{
		{nil, 0, 0, 0}, // as it is, or the default: the engine's to decide
		{[]string{"--size=default"}, 4, 4 * gib, 20 * gib},
		{[]string{"--size=dev"}, 8, 8 * gib, 40 * gib},
		{[]string{"--cpus=2", "--size=dev"}, 2, 8 * gib, 40 * gib},
		{[]string{"--memory=512MiB", "--disk=4G"}, 0, 512 << 20, 4 * gib},
		{[]string{"--memory=1.5g"}, 0, 3 * gib / 2, 0},
		{[]string{"--memory=1073741824"}, 0, gib, 0},
	}
	for _, test := range tests {
		spec, err := choose(t, nil, test.args...)
		if err != nil || spec.CPUs != test.cpus || spec.Memory != test.memory || spec.Disk != test.disk {
			t.Errorf("%v: %d, %d, %d, error %v", test.args, spec.CPUs, spec.Memory, spec.Disk, err)
		}
	}
}

func TestParseSizeRefuses(t *testing.T) {
	for _, text := range []string{"", " ", "0", "0GiB", "-1", "-4GiB", "abc", "GiB", "4XB", "4 G i B", "NaN", "inf",
		"0x10", "1e400", "99999999999999999999GiB", "4GiB4", "٤GiB"} {
		if size, err := parseSize(text); err == nil &&
			size < 1<<62 { // the rest is for the Spec to refuse, on some processors
			t.Errorf("%q passed as %d", text, size)
		}
	}
}

func TestNetfilter(t *testing.T) {
	const variable = "SUBSTRATE_WORLD_NETFILTER_ENABLE"
	tests := []struct {
		environment string
		args        []string
		want        provision.Switch
	}{
		{"", nil, provision.Unset},
		{"1", nil, provision.On}, {"true", nil, provision.On}, {"yes", nil, provision.On}, {"YES", nil, provision.On},
		{"0", nil, provision.Off}, {"false", nil, provision.Off}, {"no", nil, provision.Off},
		{"", []string{"--netfilter"}, provision.On},
		{"1", []string{"--netfilter=false"}, provision.Off},
		{"0", []string{"--netfilter=yes"}, provision.On},
	}
	for _, test := range tests {
		spec, err := choose(t, map[string]string{variable: test.environment}, test.args...)
		if err != nil || spec.Netfilter != test.want {
			t.Errorf("%q %v: %v, error %v, want %v", test.environment, test.args, spec.Netfilter, err, test.want)
		}
	}
}

func TestOtherOptions(t *testing.T) {
	environment := map[string]string{"WORLDSETUP_AGENT": "builtin"}
	spec, err := choose(t, environment, "--vm-type=qemu", "--mount-type=reverse-sshfs", "--timeout=45m",
		"--image=https://example.org/x.img")
	if err != nil {
		t.Fatal(err)
	}
	if spec.Agent != provision.AgentBuiltin || spec.VMType != "qemu" || spec.MountType != "reverse-sshfs" ||
		spec.Timeout != 45*time.Minute || spec.Image != "https://example.org/x.img" {
		t.Errorf("%+v", spec)
	}
}

// Each option's flag and variables are in the help text.
func TestHelpNamesEverything(t *testing.T) {
	var out strings.Builder
	if code := runWith(t.Context(), func(error) {}, realEngine, []string{"--help"},
		streams{Out: &out, Err: &out, Getenv: func(string) string { return "" }}); code != 0 {
		t.Fatal(code)
	}
	for _, o := range runOptions() {
		for _, name := range append([]string{"--" + o.name + " "}, o.env...) {
			if !strings.Contains(out.String(), name) {
				t.Errorf("the help text lacks %s", name)
			}
		}
	}
}
