package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// option is one thing that a user can choose about a world. Its name is that of its flag
// and of its key in worldsetup.yaml. The flags, the environment variables, the keys, the help texts, the source
// column of `worldsetup plan` and the table in docs/config.md are generated from the list of options.
type option struct {
	name   string
	kind   config.Kind // a config.Switch may be given as a flag without a value
	arg    string      // the placeholder of the value in the help text; empty for a switch
	env    []string    // environment variables; the first that is set counts
	usage  string      // the help text, to which help adds the default
	values string      // the values that it takes
	field              // where the value is in a Spec

	// reaches is what a value reaches beyond the world, unless it is one of harmless: a project's file may set it only
	// once a person has trusted that.
	reaches  string
	harmless []string
	never    string            // why worldsetup.yaml can't have it
	initial  string            // the value in a new VM when it isn't set
	example  string            // as in worldsetup.yaml
	isPath   func(string) bool // whether a value is a path; nil: never
	partOf   string            // the option that sets this one as well, and beats it where that has the better source

	// What `worldsetup plan` shows when it isn't set. A replacement inherits what is in the VM and not in the profile.
	inVM, inProfile, inherited, hidden bool
}

// options are all options, in the order in which they take effect: a size before its parts.
var options = []option{
	{
		name: "vm", arg: "NAME", env: []string{"SUBSTRATE_LIMA_VM_NAME", "LIMA_VM_NAME"}, usage: "name of the VM",
		values:  "letters and digits, and single `.`, `_` and `-` between them; at most 76",
		field:   textField(func(s *provision.Spec) *string { return &s.VM }),
		reaches: "another VM",
		initial: provision.DefaultVM, example: "dev",
	}, {
		name: "agent", arg: "FILE", env: []string{"WORLDSETUP_AGENT"}, values: "a file, `builtin`, or `build`",
		usage: "file of the agent; builtin for the probe agent, which runs no commands; or build to build it in " +
			"the VM, from the project's Cargo workspace",
		field:    textField(func(s *provision.Spec) *string { return &s.Agent }),
		isPath:   func(text string) bool { return text != provision.AgentBuiltin && text != provision.AgentBuild },
		reaches:  "a file of this machine, which the VM runs",
		harmless: []string{provision.AgentBuiltin, provision.AgentBuild},
		initial:  "the project's own, else the installed one", example: exampleAgent,
	}, {
		name: "layout", arg: "NAME", values: "`" + strings.Join(layout.Names(), "` or `") + "`",
		usage: "generation of the contract between the system and the world; a newer one replaces an older one",
		field: field{
			get: func(s provision.Spec) string { return s.Layout },
			set: parsed(func(s *provision.Spec) *string { return &s.Layout }, parseLayout),
		},
		initial: "that of the agent, else that of the VM, else " + layout.All[0].Name, example: layout.All[0].Name,
	}, {
		name: "companions", arg: "CHOICE", env: []string{"WORLDSETUP_COMPANIONS"}, values: "`none`, `found` or `build`",
		usage: "the programs beside the agent (substrate-gateway, the guest's substrate): found installs those that the " +
			"project has, build also builds the others in the VM, none leaves them alone",
		field: field{
			func(s provision.Spec) string { return string(s.Companions) },
			parsed(func(s *provision.Spec) *provision.Companions { return &s.Companions }, provision.ParseCompanions),
		},
		initial: "found", example: "build",
	}, {
		name: "build-profile", arg: "NAME", env: []string{"LIMA_BUILD_PROFILE"}, values: "a profile of the project's " +
			"Cargo.toml",
		usage:   "Cargo profile for what is built in the VM",
		field:   textField(func(s *provision.Spec) *string { return &s.BuildProfile }),
		initial: "release", example: "debug",
	}, {
		name: "skip-guest-build", kind: config.Switch, env: []string{"SUBSTRATE_LIMA_SKIP_GUEST_BUILD"}, values: switchValues,
		usage: "build nothing in the VM",
		field: switchField(func(s *provision.Spec) *bool { return &s.SkipGuestBuild }), initial: "false", example: "true",
	}, {
		name: "rebuild-agent", kind: config.Switch, values: switchValues,
		usage: "rebuild the agent that is built in the VM", never: "it is for one run, by the flag --rebuild-agent",
		field: switchField(func(s *provision.Spec) *bool { return &s.RebuildAgent }),
	}, {
		name: "worktree", arg: "WHICH", env: []string{"WORLDSETUP_WORKTREE"}, values: "`primary` or `self`",
		usage: "what a new world mounts when worldsetup is run in a linked git worktree without a PROJECT: the primary " +
			"checkout, or the worktree itself",
		field:   textField(func(s *provision.Spec) *string { return &s.Worktree }),
		initial: "primary", example: "self",
	}, {
		name: "size", arg: "NAME", values: "`default` or `dev`",
		usage: "default, or dev for twice as much of everything (see --cpus, --memory, --disk)",
		field: field{set: setSize}, initial: "default", example: "dev", hidden: true,
	}, {
		name: "cpus", arg: "NUMBER", kind: config.Number, values: "a whole number from 1 to 256",
		usage:   "number of CPUs",
		field:   field{getCPUs, parsed(func(s *provision.Spec) *int { return &s.CPUs }, parseCPUs)},
		initial: strconv.Itoa(provision.DefaultCPUs), example: "4",
		partOf: "size", inVM: true, inProfile: true, inherited: true,
	}, {
		name: "memory", arg: "SIZE", kind: config.Size, values: "a size from `512MiB` to `4TiB`",
		usage: "memory, as in 512MiB", field: sizeField(func(s *provision.Spec) *int64 { return &s.Memory }),
		initial: sizeText(provision.DefaultMemory), example: "4GiB",
		partOf: "size", inVM: true, inProfile: true, inherited: true,
	}, {
		name: "disk", arg: "SIZE", kind: config.Size, values: "a size from `4GiB` to `64TiB`",
		usage: "disk, as in 40GiB; it can grow and never shrinks",
		field: sizeField(func(s *provision.Spec) *int64 { return &s.Disk }), initial: sizeText(provision.DefaultDisk),
		example: "20GiB", partOf: "size", inVM: true, inProfile: true, inherited: true,
	}, {
		name: "mount-home", kind: config.Switch, env: []string{"WORLDSETUP_MOUNT_HOME"}, values: switchValues,
		usage: "mount your home directory read-only in the VM; --mount-home=no leaves it out",
		field: field{
			func(s provision.Spec) string { return strconv.FormatBool(s.MountHome != provision.Off) },
			setSwitch(func(s *provision.Spec) *provision.Switch { return &s.MountHome }),
		},
		reaches: "your home directory, which the VM can read", harmless: []string{"false"},
		initial: "true", example: "false", inVM: true, inherited: true,
	}, {
		name: "netfilter", kind: config.Switch, env: []string{"SUBSTRATE_WORLD_NETFILTER_ENABLE"}, values: switchValues,
		usage:   "the agent filters network traffic; --netfilter=false turns that off",
		field:   field{set: setSwitch(func(s *provision.Spec) *provision.Switch { return &s.Netfilter })},
		reaches: "the network, which is not filtered", harmless: []string{"true"},
		initial: "false", example: "true", inVM: true, inherited: true,
	}, {
		name: "profile", arg: "FILE", env: []string{"LIMA_PROFILE_PATH"}, values: "a file of at most 1 MiB",
		usage:   "Lima profile to create the VM from",
		field:   textField(func(s *provision.Spec) *string { return &s.Profile }),
		reaches: "what the VM can see of this machine",
		isPath:  func(string) bool { return true }, initial: "built in", example: "./lima.yaml", inVM: true,
	}, {
		name: "image", arg: "URL", values: "a URL (http or https), or a file",
		usage:   "guest image to create the VM from, a URL or a file",
		field:   textField(func(s *provision.Spec) *string { return &s.Image }),
		reaches: "the system that the VM runs",
		isPath:  func(text string) bool { return !urlPattern.MatchString(text) },
		initial: "Ubuntu 24.04", example: "https://example.org/ubuntu.img", inVM: true, inProfile: true,
	}, {
		name: "image-digest", arg: "DIGEST", values: "`sha256:` and 64 hexadecimal digits, beside `image`",
		usage: "digest that the image must have, as sha256:...", initial: "not checked", partOf: "image", hidden: true,
		field:   textField(func(s *provision.Spec) *string { return &s.ImageDigest }),
		example: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	}, {
		name: "vm-type", arg: "TYPE", values: "`vz` or `qemu`", usage: "vz or qemu",
		field:   textField(func(s *provision.Spec) *string { return &s.VMType }),
		initial: "vz on macOS, qemu elsewhere", example: "qemu", inVM: true, inProfile: true,
	}, {
		name: "mount-type", arg: "TYPE", values: "`virtiofs`, `9p` or `reverse-sshfs`",
		usage:   "virtiofs, 9p or reverse-sshfs",
		field:   textField(func(s *provision.Spec) *string { return &s.MountType }),
		initial: "Lima's choice", example: "reverse-sshfs", inVM: true, inProfile: true,
	},
	{
		name: "protect", kind: config.Switch, values: switchValues,
		usage: "protect a new VM from limactl delete; --protect=false does not",
		field: field{set: setSwitch(func(s *provision.Spec) *provision.Switch { return &s.Protect })}, initial: "true",
		example: "false", inVM: true,
	},
	consent("replace", "replace the VM of that name; the old one is deleted once the new one is verified",
		func(s *provision.Spec) *string { return &s.Replace }),
	consent("remove", "delete the VM of that name", func(s *provision.Spec) *string { return &s.Remove }),
	consent("adopt", "turn the VM of that name, which worldsetup did not create, into a world",
		func(s *provision.Spec) *string { return &s.Adopt }),
	{
		name: "allow", arg: "LEVEL", values: "`live`, `unit`, `connection`, `restart` or `force`",
		usage: "how much a run may interrupt: live (nothing), unit (the agent), connection (Lima's ssh), " +
			"restart or force (the VM)",
		never: "consent is given for one run, by the flag --allow",
		field: field{
			func(s provision.Spec) string { return s.Allow.Word() },
			parsed(func(s *provision.Spec) *provision.Disruption { return &s.Allow }, provision.ParseDisruption),
		},
		initial: "that of the first plan",
	}, {
		name: "keep-old", kind: config.Switch, values: switchValues,
		usage: "keep the VM that is replaced, for worldsetup restore",
		field: switchField(func(s *provision.Spec) *bool { return &s.KeepOld }), initial: "false", example: "true",
	}, {
		name: "wait", kind: config.Switch, values: switchValues, usage: "wait for another run on the same VM to end",
		field: switchField(func(s *provision.Spec) *bool { return &s.Wait }), initial: "false", example: "true",
	}, {
		name: "timeout", arg: "TIME", values: "a time with its unit: `90s`, `45m`, `2h`",
		usage:   "longest time that a run may take",
		field:   field{set: parsed(func(s *provision.Spec) *time.Duration { return &s.Timeout }, parseTimeout)},
		initial: "1h", example: "45m",
	},
}

// exampleAgent is the file of an agent in a project, in help.
var exampleAgent = "./bin/linux/" + layout.All[0].Package

var urlPattern = lazyregexp.New(`^https?://`)

const switchValues = "`true` or `false`; a flag or variable also takes 1, yes, 0 or no"

// consent returns an option that names the VM that a script agrees to have deleted, or adopted. It has no variable, and
// is never saved.
func consent(name, usage string, at func(*provision.Spec) *string) option {
	return option{
		name: name, arg: "NAME", usage: usage, values: "the name of the VM", example: provision.DefaultVM,
		field: textField(at),
		never: "consent is given for one run, by the flag --" + name,
	}
}

// help returns the help text with the default.
func (o option) help() string {
	switch {
	case o.initial == "", o.hidden, o.kind == config.Switch:
		return o.usage
	case o.inVM:
		return o.usage + " (new VM: " + o.initial + ")"
	}
	return o.usage + " (default: " + o.initial + ")"
}

// optionNamed returns the option of that name; the zero option for an unknown one.
func optionNamed(name string) option {
	if i := slices.IndexFunc(options, func(o option) bool { return o.name == name }); i >= 0 {
		return options[i]
	}
	return option{}
}

// selectOptions returns the options for which keep is true, in order.
func selectOptions(keep func(option) bool) []option {
	return slices.DeleteFunc(slices.Clone(options), func(o option) bool { return !keep(o) })
}

// optionsNamed returns the options of these names, in order.
func optionsNamed(names ...string) []option {
	return selectOptions(func(o option) bool { return slices.Contains(names, o.name) })
}

// changing are the options that have no effect on what changes nothing.
var changing = []string{"rebuild-agent", "protect", "replace", "adopt", "allow", "keep-old", "wait"}

// runOptions are those of a run: all but the consent of `worldsetup remove`.
func runOptions() []option { return selectOptions(func(o option) bool { return o.name != "remove" }) }

// savedOptions are those that worldsetup.yaml may have.
func savedOptions() []option { return selectOptions(func(o option) bool { return o.never == "" }) }

// fileKeys are the options as the keys of worldsetup.yaml.
func fileKeys() (keys []config.Key) {
	for _, o := range options {
		keys = append(keys, config.Key{Name: o.name, Kind: o.kind, Never: o.never})
	}
	return keys
}

// invalid makes the error of a value that the option can't have.
func (o option) invalid(text string) *provision.Error {
	return usage(o.advice("--"+o.name+"="), "invalid value %q, expected %s", text, o.values)
}

// advice returns the valid values, with an example in the form of a flag or of a key.
func (o option) advice(prefix string) string {
	return "give " + o.values + ", as in " + prefix + o.example
}

// fromFile returns a value as the file in dir means it: relative paths start in dir, and ~/ is the home directory.
func (o option) fromFile(text, dir, home string) string {
	switch {
	case o.isPath == nil, !o.isPath(text), filepath.IsAbs(text):
		return text
	case strings.HasPrefix(text, "~/") && home != "":
		return filepath.Join(home, text[2:])
	}
	return filepath.Join(dir, text)
}

// forFile returns a value as a file in dir has it. Paths out of dir are absolute; without a dir, all paths are.
func (o option) forFile(text, dir string) string {
	if on, err := parseSwitch(text); o.kind == config.Switch && err == nil {
		return strconv.FormatBool(on)
	}
	if o.isPath == nil || !o.isPath(text) {
		return text
	}
	path, err := filepath.Abs(text)
	if err != nil {
		return text
	}
	below, err := filepath.Rel(dir, path)
	if dir == "" || err != nil || !filepath.IsLocal(below) {
		return path
	}
	return "." + string(os.PathSeparator) + below
}

// field reads and writes an option's value in a Spec. A nil get reads nothing.
type field struct {
	get func(provision.Spec) string
	set func(*provision.Spec, string) error
}

// errValue is the error of text that is not a value of an option.
var errValue = errors.New("not a value")

// parsed returns a setter of a field of a Spec.
func parsed[T any](at func(*provision.Spec) *T, parse func(string) (T, error)) func(*provision.Spec, string) error {
	return func(s *provision.Spec, text string) (err error) {
		*at(s), err = parse(text)
		return err
	}
}

func textField(at func(*provision.Spec) *string) field {
	return field{
		func(s provision.Spec) string { return *at(&s) },
		func(s *provision.Spec, text string) error { *at(s) = text; return nil },
	}
}

func switchField(at func(*provision.Spec) *bool) field { return field{set: parsed(at, parseSwitch)} }

func sizeField(at func(*provision.Spec) *int64) field {
	return field{func(s provision.Spec) string { return sizeText(*at(&s)) }, parsed(at, parseSize)}
}

// parseSize reads a number of bytes such as 4GiB, 512MiB or 4G; all units are powers of 1024. The Spec decides which
// sizes make sense.
func parseSize(text string) (int64, error) {
	bytes, err := units.RAMInBytes(text)
	if err != nil || bytes <= 0 { // a number too large for int64 comes out negative on some processors
		return 0, errValue
	}
	return bytes, nil
}

// sizeText writes a size as a flag takes it; nothing for 0.
func sizeText(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	unit := 0
	for ; unit < 3 && bytes%1024 == 0; unit++ {
		bytes /= 1024
	}
	return fmt.Sprint(bytes) + []string{"", "KiB", "MiB", "GiB"}[unit]
}

// setSize sets a named size. The larger one is for building software inside the world.
func setSize(spec *provision.Spec, name string) error {
	factor, ok := map[string]int64{"default": 1, "dev": 2}[name]
	if !ok {
		return errValue
	}
	spec.CPUs = int(factor * provision.DefaultCPUs)
	spec.Memory, spec.Disk = factor*provision.DefaultMemory, factor*provision.DefaultDisk
	return nil
}

func parseLayout(text string) (string, error) {
	if _, found := layout.Named(text); !found {
		return "", errValue
	}
	return text, nil
}

func parseCPUs(text string) (int, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number <= 0 {
		return 0, errValue
	}
	return number, nil
}

func getCPUs(spec provision.Spec) string {
	if spec.CPUs == 0 {
		return ""
	}
	return strconv.Itoa(spec.CPUs)
}

// parseSwitch reads the words that flags and variables have for on and off. The file has true and false only.
func parseSwitch(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "1", "t", "true", "yes":
		return true, nil
	case "0", "f", "false", "no":
		return false, nil
	}
	return false, errValue
}

// setSwitch returns a setter of a switch, which may also be unset.
func setSwitch(at func(*provision.Spec) *provision.Switch) func(*provision.Spec, string) error {
	return parsed(at, func(text string) (provision.Switch, error) {
		on, err := parseSwitch(text)
		if on {
			return provision.On, err
		}
		return provision.Off, err
	})
}

func parseTimeout(text string) (time.Duration, error) {
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout <= 0 {
		return 0, errValue
	}
	return timeout, nil
}

// defaultVMType is the type of a new VM on this machine.
func defaultVMType() string {
	if platform.OS() == "darwin" {
		return limatype.VZ
	}
	return limatype.QEMU
}
