package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/provision"
)

// setting is one wish about the world: a flag, perhaps environment variables that stand for it, and what it does to a Spec.
type setting struct {
	flag  string
	value string   // what the value is called; empty for a flag that may be given without one, which means true
	env   []string // in order of preference
	help  string
	set   func(spec *provision.Spec, value string) error
}

// settings are all of them, in the order in which they take effect: a size, then its parts.
func settings() []setting {
	return []setting{
		{"vm", "NAME", []string{"SUBSTRATE_LIMA_VM_NAME", "LIMA_VM_NAME"}, "name of the VM (default substrate)", setVM},
		{"agent", "FILE", []string{"WORLDSETUP_AGENT"}, "the agent, builtin for the probe agent that runs no commands, or build for the project's Cargo workspace, built in the VM (default: the project's own)",
			func(spec *provision.Spec, value string) error { spec.Agent = value; return nil }},
		{"rebuild-agent", "", nil, "build the agent anew that is built in the VM",
			func(spec *provision.Spec, value string) (err error) {
				spec.RebuildAgent, err = parseSwitch("rebuild-agent", value)
				return err
			}},
		{"size", "NAME", nil, "default, or dev for twice as much of everything (see --cpus, --memory, --disk)", setSize},
		{"cpus", "NUMBER", nil, "processors (new VM: 4)", setCPUs},
		{"memory", "SIZE", nil, "memory, as in 512MiB (new VM: 4GiB)",
			func(spec *provision.Spec, value string) (err error) { spec.Memory, err = parseSize(value); return err }},
		{"disk", "SIZE", nil, "disk, as in 40GiB; it can grow and never shrinks (new VM: 20GiB)",
			func(spec *provision.Spec, value string) (err error) { spec.Disk, err = parseSize(value); return err }},
		{"netfilter", "", []string{"SUBSTRATE_WORLD_NETFILTER_ENABLE"}, "have the agent filter network traffic, or with --netfilter=false not", setNetfilter},
		{"profile", "FILE", []string{"LIMA_PROFILE_PATH"}, "Lima profile for a new VM (default: built in)",
			func(spec *provision.Spec, value string) error { spec.Profile = value; return nil }},
		{"image", "URL", nil, "guest image of a new VM, or a file of one (default: Ubuntu 24.04)",
			func(spec *provision.Spec, value string) error { spec.Image = value; return nil }},
		{"image-digest", "DIGEST", nil, "what the image must have, as sha256:...",
			func(spec *provision.Spec, value string) error { spec.ImageDigest = value; return nil }},
		{"vm-type", "TYPE", nil, "vz or qemu (new VM: vz on macOS, qemu elsewhere)",
			func(spec *provision.Spec, value string) error { spec.VMType = value; return nil }},
		{"mount-type", "TYPE", nil, "virtiofs, 9p or reverse-sshfs (new VM: Lima's choice)",
			func(spec *provision.Spec, value string) error { spec.MountType = value; return nil }},
		consent("replace", "put a new VM in the place of the one of that name, which is removed when the new one was proven"),
		{"keep-old", "", nil, "keep the VM that is replaced, for worldsetup restore",
			func(spec *provision.Spec, value string) (err error) {
				spec.KeepOld, err = parseSwitch("keep-old", value)
				return err
			}},
		{"wait", "", nil, "wait for another run on the same VM to end",
			func(spec *provision.Spec, value string) (err error) {
				spec.Wait, err = parseSwitch("wait", value)
				return err
			}},
		{"timeout", "TIME", nil, "longest that a run may take, as in 45m (default 1h)", setTimeout},
	}
}

// consent is the setting by which somebody who cannot be asked consents to doing away with a VM: by giving its name. No
// variable stands for it.
func consent(flag, help string) setting {
	return setting{flag, "NAME", nil, help, func(spec *provision.Spec, value string) error { spec.Replace = value; return nil }}
}

func parseSwitch(flag, value string) (bool, error) {
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, usage("leave the value out, or use true or false", "%q is no value for --%s", value, flag)
	}
	return on, nil
}

func setVM(spec *provision.Spec, value string) error {
	spec.VM = value
	return provision.CheckName(value)
}

func setCPUs(spec *provision.Spec, value string) error {
	number, err := strconv.Atoi(value)
	if err != nil || number <= 0 {
		return usage("give a whole number from 1 on, as in --cpus 4", "%q is no number of processors", value)
	}
	spec.CPUs = number
	return nil
}

func setNetfilter(spec *provision.Spec, value string) error {
	switch strings.ToLower(value) {
	case "1", "true", "yes":
		spec.Netfilter = provision.On
	case "0", "false", "no":
		spec.Netfilter = provision.Off
	default:
		return usage("use one of 1, true, yes, 0, false, no", "%q neither turns the network filter on nor off", value)
	}
	return nil
}

func setTimeout(spec *provision.Spec, value string) error {
	timeout, err := time.ParseDuration(value)
	if err != nil || timeout <= 0 {
		return usage("give a time with its unit, as in --timeout 45m", "%q is no time that a run could take", value)
	}
	spec.Timeout = timeout
	return nil
}

// given is the text that a setting's flag was given. It is looked at after parsing, so that errors are in our words.
type given struct {
	kind string // as pflag shows it in the help text
	text string
	is   bool
}

func (g *given) String() string        { return "" } // the default stands in the help text
func (g *given) Type() string          { return g.kind }
func (g *given) Set(text string) error { g.text, g.is = text, true; return nil }

// addTo makes the setting's flag.
func (s setting) addTo(flags *pflag.FlagSet) *given {
	help := s.help
	if len(s.env) > 0 {
		help += " [" + strings.Join(s.env, ", ") + "]"
	}
	if s.value != "" {
		value := &given{kind: s.value}
		flags.Var(value, s.flag, help)
		return value
	}
	value := &given{kind: "bool"}
	flags.VarPF(value, s.flag, "", help).NoOptDefVal = "true"
	return value
}
