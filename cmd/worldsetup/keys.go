package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

// key is a setting as worldsetup.yaml keeps it, under the name of its flag.
type key struct {
	flag    string
	kind    config.Kind
	values  string // what it may be
	unset   string // what holds in a new VM when nobody gives it
	example string // as it would be written
}

// keys are all of them, in the order of settings.
func keys() []key {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	return []key{
		{"vm", config.Text, "letters and digits, and single `.`, `_` and `-` between them; at most 76", provision.DefaultVM, provision.DefaultVM},
		{"agent", config.Text, "a file, `builtin`, or `build`", "the project's own", "./bin/linux/world-agent"},
		{"size", config.Text, "`default` or `dev`", "default", "dev"},
		{"cpus", config.Number, "from 1 to 256", "4", "4"},
		{"memory", config.Size, "from `512MiB` to `4TiB`", "4GiB", "4GiB"},
		{"disk", config.Size, "from `4GiB` to `64TiB`", "20GiB", "20GiB"},
		{"netfilter", config.Switch, "`true` or `false`", "false", "true"},
		{"profile", config.Text, "a file of at most 1 MiB", "built in", "./lima.yaml"},
		{"image", config.Text, "a URL (http or https), or a file", "Ubuntu 24.04", "https://example.org/ubuntu.img"},
		{"image-digest", config.Text, "`sha256:` and 64 hexadecimal digits, beside `image`", "not checked", digest},
		{"vm-type", config.Text, "`vz` or `qemu`", "vz on macOS, qemu elsewhere", "qemu"},
		{"mount-type", config.Text, "`virtiofs`, `9p` or `reverse-sshfs`", "Lima's choice", "reverse-sshfs"},
		{"keep-old", config.Switch, "`true` or `false`", "false", "true"},
		{"wait", config.Switch, "`true` or `false`", "false", "true"},
		{"timeout", config.Text, "a time with its unit, as in `45m`", "1h", "45m"},
	}
}

// keyOf is the key of a flag.
func keyOf(flag string) (key, bool) {
	i := slices.IndexFunc(keys(), func(k key) bool { return k.flag == flag })
	if i < 0 {
		return key{}, false
	}
	return keys()[i], true
}

// fileKeys are what worldsetup.yaml may hold, and what people might expect in it.
func fileKeys() (list []config.Key) {
	for _, key := range keys() {
		list = append(list, config.Key{Name: key.flag, Kind: key.kind})
	}
	for _, consent := range []string{"replace", "remove"} {
		list = append(list, config.Key{Name: consent, Never: "consent is given anew each time, by the flag --" + consent})
	}
	return append(list, config.Key{Name: "rebuild-agent", Never: "it is for one run, by the flag --rebuild-agent"})
}

// fromFile is a value as the file in dir means it: relative paths are relative to that, and ~/ is the home directory.
func fromFile(flag, value, dir, home string) string {
	switch {
	case !namesFile(flag, value), filepath.IsAbs(value):
		return value
	case strings.HasPrefix(value, "~/") && home != "":
		return filepath.Join(home, value[2:])
	}
	return filepath.Join(dir, value)
}

// forFile is the reverse: a value as it is kept in dir. Paths that lead out of dir are absolute, and all of them without one.
func forFile(flag, value, dir string) string {
	if !namesFile(flag, value) {
		return plainSwitch(flag, value)
	}
	path, err := filepath.Abs(value)
	if err != nil {
		return value
	}
	below, err := filepath.Rel(dir, path)
	if dir == "" || err != nil || !filepath.IsLocal(below) {
		return path
	}
	return "." + string(os.PathSeparator) + below
}

// namesFile says whether a setting's value is a path.
func namesFile(flag, value string) bool {
	switch flag {
	case "agent":
		return value != provision.AgentBuiltin && value != provision.AgentBuild
	case "image":
		return !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "http://")
	}
	return flag == "profile"
}

// plainSwitch is true or false, of all the words that a flag or a variable may have for it.
func plainSwitch(flag, value string) string {
	if key, is := keyOf(flag); !is || key.kind != config.Switch {
		return value
	}
	switch strings.ToLower(value) {
	case "1", "t", "true", "yes":
		return "true"
	}
	return "false"
}
