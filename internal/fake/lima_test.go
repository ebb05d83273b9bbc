package fake

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

func TestLifeOfAnInstance(t *testing.T) {
	w := newWorld(t, Options{})
	client := lima.Client{Runner: w}
	ctx := t.Context()
	version, err := client.Version(ctx)
	must(t, err)
	if version.String() != "2.1.4" {
		t.Errorf("version %s", version)
	}
	if instance, err := client.Find(ctx, vmName); instance != nil || err != nil {
		t.Fatalf("found %v, %v before there was one", instance, err)
	}
	text, _ := profile(t)
	must(t, client.Validate(ctx, t.TempDir(), text))
	must(t, client.Create(ctx, vmName, text, nil))
	if status := find(t, w).Status; status != limatype.StatusStopped {
		t.Errorf("created: %s", status)
	}
	if info, err := os.Stat(w.VM(vmName).dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its directory: %v, %v", info, err)
	}
	refused(t, client.Create(ctx, vmName, text, nil), "instance `substrate` already exists")
	refused(t, client.Stop(ctx, vmName, false, nil), "expected status \"Running\", got \"Stopped\"")

	var log []string
	must(t, client.Start(ctx, vmName, func(line string) { log = append(log, lima.ParseLogLine(line).Message) }))
	if last := log[len(log)-1]; last != "READY. Run `limactl shell substrate` to open the shell." {
		t.Errorf("the last line is %q", last)
	}
	must(t, client.Start(ctx, vmName, nil)) // again: nothing happens
	running := find(t, w)
	if running.Status != limatype.StatusRunning || running.SSHLocalPort == 0 || running.HostAgentPID == 0 {
		t.Errorf("started: %+v", running)
	}
	refused(t, client.Edit(ctx, vmName, []lima.Setting{{Path: ".cpus", Value: 2}}, nil),
		"cannot edit a running instance")
	must(t, client.Stop(ctx, vmName, false, nil))
	must(t, client.Edit(ctx, vmName, []lima.Setting{{Path: ".cpus", Value: 2}, {Path: ".memory", Value: "1GiB"}}, nil))
	if edited := find(t, w); edited.CPUs != 2 || edited.Memory != 1<<30 {
		t.Errorf("edited: %d processors, %d bytes", edited.CPUs, edited.Memory)
	}
	must(t, client.Delete(ctx, vmName, nil))
	if instance, err := client.Find(ctx, vmName); instance != nil || err != nil {
		t.Errorf("found %v, %v after it was deleted", instance, err)
	}
	must(t, client.Delete(ctx, vmName, nil)) // Lima ignores a missing one
}

// refused wants a failure of limactl with that message.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	failure, ok := errors.AsType[*lima.CommandError](err)
	if !ok || failure.ExitCode != 1 || !strings.Contains(failure.Detail(), want) {
		t.Errorf("got %v, want exit status 1 with %q", err, want)
	}
}

// testdata/real-list.json and real-lima.yaml were taken from Lima 2.1.4 on a Linux host; directories were renamed.
func TestListIsFilledInAsByTheRealOne(t *testing.T) {
	const dir = "/home/ada/.lima/bare"
	line, err := os.ReadFile("testdata/real-list.json")
	must(t, err)
	var real limatype.Instance
	must(t, json.Unmarshal(line, &real))
	text, err := os.ReadFile("testdata/real-lima.yaml")
	must(t, err)
	w := newWorld(t, Options{User: "ada"})
	config, warning, err := parse("lima.yaml", text)
	must(t, err)
	if warning != "" {
		t.Error(warning)
	}
	w.fill(config, dir)
	config.User.UID = real.Config.User.UID // the fake's users have one number
	for name, pair := range map[string][2]any{
		"user": {real.Config.User, config.User}, "arch": {real.Config.Arch, config.Arch},
		"vmType": {real.Config.VMType, config.VMType},
		"cpus":   {real.Config.CPUs, config.CPUs}, "memory": {real.Config.Memory, config.Memory},
		"disk":      {real.Config.Disk, config.Disk},
		"mountType": {real.Config.MountType, config.MountType}, "images": {real.Config.Images, config.Images},
		"portForwards": {real.Config.PortForwards, config.PortForwards},
		"provision":    {real.Config.Provision, config.Provision},
		"mounts":       {plainMounts(real.Config.Mounts), plainMounts(config.Mounts)},
	} {
		want, err := json.Marshal(pair[0])
		must(t, err)
		have, err := json.Marshal(pair[1])
		must(t, err)
		if string(want) != string(have) {
			t.Errorf("%s:\nreal      %s\nsimulated %s", name, want, have)
		}
	}
}

// plainMounts are mounts without the settings of file systems, which the fake does not fill in.
func plainMounts(mounts []limatype.Mount) (plain []limatype.Mount) {
	for _, mount := range mounts {
		plain = append(plain, limatype.Mount{Location: mount.Location, MountPoint: mount.MountPoint,
			Writable: mount.Writable})
	}
	return plain
}

func TestWantedSettingsMakeAnInstanceWhatIsWanted(t *testing.T) {
	w := newWorld(t, Options{})
	client := lima.Client{Runner: w}
	must(t, client.Create(t.Context(), vmName, []byte("vmType: qemu\nimages:\n- location: /image\n"), nil))
	wanted := lima.Wanted{CPUs: 3, Memory: 2 << 30, Disk: 200 << 30, Home: t.TempDir(),
		Project: t.TempDir(), ProjectMount: "/src"}
	editable, replace := wanted.Differences(find(t, w))
	if len(editable) != 8 || len(replace) != 0 {
		t.Fatalf("differences %q, %q", editable, replace)
	}
	must(t, client.Edit(t.Context(), vmName, wanted.Settings(find(t, w)), nil))
	if editable, replace := wanted.Differences(find(t, w)); len(editable)+len(replace) > 0 {
		t.Errorf("after the edit: %q, %q", editable, replace)
	}
	must(t, client.Start(t.Context(), vmName, nil))
	if o := observed(t, w); !reflect.DeepEqual(o.SessionGroups, []string{"sam", "substrate"}) {
		t.Errorf("the edited boot script gave the groups %q", o.SessionGroups)
	}
}

func TestWhatLimaRefuses(t *testing.T) {
	w := newWorld(t, Options{})
	client := lima.Client{Runner: w}
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	image := "images:\n- location: /image\n"
	for profile, want := range map[string]string{
		"vmType: qemu\n":                         "field `images` must be set",
		image + "mounts: 3\n":                    "failed to unmarshal YAML",
		image + "memory: much\n":                 "field `memory` has an invalid value",
		image + "cpus: 0\n":                      "field `cpus` must be set",
		image + "arch: z80\n":                    "field `arch` must be one of",
		image + "mountType: nfs\n":               "field `mountType` must be one of",
		image + "mounts:\n- location: some\n":    "must be an absolute path",
		image + "mounts:\n- location: /\n":       "must not be a system path",
		image + "mounts:\n- location: " + file:   "refers to a non-directory path",
		image + "param:\n  a: b\n":               "field `param` key `a` is not used",
		image + "provision:\n- mode: system\n":   "field `provision[0].script` must not be empty",
		image + "nonsense: 1\ncpus: 0\n":         "field `cpus` must be set", // an unknown field alone is a warning
		image + "mounts:\n- location: '{{bad'\n": "must be an absolute path",
	} {
		refused(t, client.Validate(t.Context(), t.TempDir(), []byte(profile)), want)
	}
	must(t, client.Validate(t.Context(), t.TempDir(), []byte(image+"nonsense: 1\n")))
	for name, want := range map[string]string{
		"a b": "must match", "x.yaml": "must not end with", strings.Repeat("x", 77): "greater than maximum length",
		strings.Repeat("x", 76): "must be less than UNIX_PATH_MAX",
	} {
		refused(t, client.Create(t.Context(), name, []byte(image), nil), want)
	}
	must(t, client.Create(t.Context(), vmName, []byte(image), nil))
	must(t, os.WriteFile(filepath.Join(w.VM(vmName).dir, "protected"), nil, 0o400))
	refused(t, client.Delete(t.Context(), vmName, nil), "limactl unprotect")
}

func TestUnexpectedCallsAreNamed(t *testing.T) {
	w := newWorld(t, Options{})
	for _, args := range [][]string{
		{"clone", "a", "b"}, {"list"}, {"--log-format", "json", "stop", "--force", "a", "b"},
		{"shell", "--workdir", "/", vmName, "true"}, {},
	} {
		_, err := w.Run(t.Context(), lima.Command{Args: args})
		if len(args) > 0 && args[0] == "shell" {
			continue // of a VM that does not exist: Lima says so
		}
		if err == nil || !strings.Contains(err.Error(), "unexpected call") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestEvaluate(t *testing.T) {
	text := []byte("cpus: 4\nssh:\n  localPort: 1\nmounts:\n- location: /a\n")
	after, err := evaluate(
		`.cpus = 2 | .ssh.localPort = 7 | .vmOpts.vz.rosetta = {"enabled":true} | .message = "a | .b = <1\n" | .env = {"A": "\\(", "B": "x"} | .plain = false`, text)
	must(t, err)
	config, warning, err := parse("x", after)
	must(t, err)
	if warning != "" || *config.CPUs != 2 || *config.SSH.LocalPort != 7 || config.Message != "a | .b = <1\n" ||
		len(config.Mounts) != 1 {
		t.Errorf("%s%s", warning, after)
	}
	for _, wrong := range []string{
		"", `.message = "\(.a)"`, `.cpus = [1`, `.cpus = {1: 2}`, `.cpus = "open`, "cpus = 2", ".cpus = ", ".cpus = 2 |",
		".cpus = 2 .disk = 3", ".cpus += 2", "del(.cpus)",
	} {
		if _, err := evaluate(wrong, text); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// Measured with limactl edit of Lima 2.1.4: what JSON escapes is not what comes out.
func TestStringsOfAnEditAreNotJSON(t *testing.T) {
	for written, want := range map[string]string{
		`a\\b`: `a\b`, `a\\\\b`: `a\b`, `a\\(b)`: `a\(b)`, `\u0026`: `\u0026`, `\\u0041`: `\u0041`, `\\n`: `\n`, `a\n\tb`: "a\n\tb",
		`end\\`: `end\`, `q\"u`: `q"u`, `\\\\\\(x`: `\\(x`, "raw\x1b\n": "raw\x1b\n", `ü`: "ü",
	} {
		value, rest, err := constant(`"` + written + `"`)
		if err != nil || rest != "" || value != want {
			t.Errorf("%s: %q, %v, want %q", written, value, err, want)
		}
	}
	if value, _, err := constant(`"a\\\\(b)"`); err == nil {
		t.Errorf("an expression was taken for %q", value)
	}
}
