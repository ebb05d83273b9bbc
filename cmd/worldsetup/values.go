package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

// source is the kind of place that a value comes from.
type source string

// The sources, each of which beats those below it. The last three hold where nothing sets the
// option; a file that Lima reads for all VMs beats the others, or is a last resort.
const (
	fromArgument    source = "argument"
	fromFlag        source = "flag"
	fromEnvironment source = "environment"
	fromProjectFile source = "project-file"
	fromUserFile    source = "user-file"
	fromLima        source = "lima"
	fromVM          source = "vm"
	fromProfile     source = "profile"
	fromDefault     source = "default"
)

// value is the value of an option, or of the project, with its source. It is a row of `worldsetup plan`.
type value struct {
	Name   string `json:"name"`
	Text   string `json:"value,omitempty"` // empty where the VM or the profile has it
	Source source `json:"source"`
	Where  string `json:"where,omitempty"` // the flag, the variable, or the file with the line
}

// inputs are the options of one command and the sources of their values.
//
// The rules are: a flag beats the environment, which beats the project's file, which beats the user's. Of several
// variables the first that is set counts; an empty variable is unset, an empty flag is an error. Errors in a value
// name its source. A value that is beaten is not checked, beyond its type.
type inputs struct {
	options []option
	unused  []string // options that are accepted and not shown in the help text
	flags   *pflag.FlagSet
	getenv  func(string) string
	noFiles bool         // the files don't count
	others  bool         // the arguments are no project
	file    *config.File // the project's, once it was read; nil for none
}

// flagText is the text of an option's flag. It is parsed later, together with the other sources.
type flagText struct{ kind, text string }

func (f *flagText) String() string        { return f.text }
func (f *flagText) Type() string          { return f.kind }
func (f *flagText) Set(text string) error { f.text = text; return nil }

// addFlags makes the flags of the options.
func (in *inputs) addFlags() {
	for _, o := range in.options {
		help := o.help()
		if len(o.env) > 0 {
			help += " [" + strings.Join(o.env, ", ") + "]"
		}
		flag := in.flags.VarPF(&flagText{kind: cmp.Or(o.arg, "bool")}, o.name, "", help)
		if o.kind == config.Switch {
			flag.NoOptDefVal = "true"
		}
		flag.Hidden = slices.Contains(in.unused, o.name)
		flag.Annotations = map[string][]string{groupKey: {cmp.Or(groupOf[o.name], groupVM)}}
	}
}

// spec returns a resolved Spec for the project, and the values in it, in the order of the options.
func (in *inputs) spec(project string) (provision.Spec, []value, error) {
	spec := provision.Spec{Project: project}
	if _, err := spec.Resolve(); err != nil {
		return spec, nil, err
	}
	given, err := in.given(project)
	if err != nil {
		return spec, nil, err
	}
	values := effective(in.options, given)
	for _, v := range values {
		if err := v.apply(&spec); err != nil {
			return spec, nil, err
		}
	}
	resolved, err := spec.Resolve()
	return resolved, values, blame(values, err)
}

// effective returns the values that count, in the order of the options. Given are all values, those of better sources
// first. A size on the command line beats a number of CPUs in a file, and an image there beats a digest: they set
// those as well.
func effective(list []option, given []value) (values []value) {
	for _, o := range list {
		i, whole := indexOf(given, o.name), indexOf(given, o.partOf)
		beaten := whole >= 0 && whole < i && given[whole].Source != given[i].Source
		if i >= 0 && !beaten {
			values = append(values, given[i])
		}
	}
	return values
}

func indexOf(values []value, name string) int {
	return slices.IndexFunc(values, func(v value) bool { return v.Name == name })
}

// given returns the values from all sources, better sources first. The project's file is that of the working
// directory when no project is named.
func (in *inputs) given(project string) (given []value, err error) {
	for _, o := range in.options {
		flag := in.flags.Lookup(o.name)
		if flag.Changed && flag.Value.String() == "" {
			return nil, usage("give it a value, or leave it out", "--%s has an empty value", o.name)
		}
		if flag.Changed {
			given = append(given, value{o.name, flag.Value.String(), fromFlag, "--" + o.name})
		}
	}
	for _, o := range in.options {
		set := slices.IndexFunc(o.env, func(name string) bool { return in.getenv(name) != "" })
		if set >= 0 {
			given = append(given, value{o.name, in.getenv(o.env[set]), fromEnvironment, o.env[set]})
		}
	}
	if in.noFiles {
		return given, nil
	}
	path, err := projectFile(project)
	if err == nil { // a working directory that is gone has no file
		if given, in.file, err = in.addFile(given, path, fromProjectFile); err != nil {
			return nil, err
		}
	}
	if user := config.UserPath(in.getenv); user != "" && user != path {
		given, _, err = in.addFile(given, user, fromUserFile)
		return given, err
	}
	return given, nil
}

// addFile adds the values in a file. Keys that the command has no option for are checked as strictly as the others.
func (in *inputs) addFile(given []value, path string, from source) ([]value, *config.File, error) {
	file, err := config.Read(path, fileKeys())
	if file == nil || err != nil {
		return given, nil, err
	}
	for _, found := range file.Values {
		if slices.ContainsFunc(in.options, func(o option) bool { return o.name == found.Key }) {
			text := optionNamed(found.Key).fromFile(found.Text, filepath.Dir(path), in.getenv("HOME"))
			given = append(given, value{found.Key, text, from, fmt.Sprintf("%s:%d", path, found.Line)})
		}
	}
	return given, file, nil
}

// projectFile returns the path of a project's file.
func projectFile(project string) (string, error) {
	path, err := filepath.Abs(filepath.Join(project, config.Name))
	if err != nil {
		return "", usage("name it: worldsetup DIR",
			"the working directory, which would be the project, is gone: %v", err)
	}
	return path, nil
}

// apply sets the value in a Spec and checks it. The project was checked before; the consent is checked with the VM's
// name.
func (v value) apply(spec *provision.Spec) error {
	o := optionNamed(v.Name)
	if o.set(spec, v.Text) != nil {
		return v.locate(o.invalid(v.Text))
	}
	checked := *spec
	checked.Project, checked.Replace, checked.Remove, checked.Adopt = "", "", "", ""
	_, err := checked.Resolve()
	return v.locate(err)
}

// locate adds the source of the value to an error.
func (v value) locate(err error) error {
	failure := provision.AsError(err)
	if failure == nil {
		return nil
	}
	located := *failure
	switch v.Source {
	case fromFlag:
		located.What = v.Where + ": " + failure.What
	case fromEnvironment:
		located.Why = withLine(failure.Why, v.origin())
	case fromProjectFile, fromUserFile:
		located.What = fmt.Sprintf("%s: %s: %s", v.Where, v.Name, failure.What)
		located.Next = optionNamed(v.Name).advice(v.Name + ": ")
	}
	return &located
}

// origin describes where the value was set.
func (v value) origin() string {
	if v.Source == fromEnvironment {
		return fmt.Sprintf("the environment has %s=%q", v.Where, v.Text)
	}
	return fmt.Sprintf("%s has %s: %s", v.Where, v.Name, v.Text)
}

// blame adds the source of the option that an error is about, unless that is a flag.
func blame(values []value, err error) error {
	failure := provision.AsError(err)
	if failure == nil {
		return nil
	}
	i := indexOf(values, failure.Option)
	if i < 0 || values[i].Source == fromFlag {
		return err
	}
	blamed := *failure
	blamed.Why = withLine(failure.Why, values[i].origin())
	return &blamed
}

func withLine(text, line string) string { return strings.TrimPrefix(text+"\n"+line, "\n") }

// sources returns the project and all options with where their values come from, for `worldsetup plan`.
func sources(spec provision.Spec, values []value, plan provision.Plan) []value {
	rows := []value{projectSource(spec, plan)}
	decided := slices.Clone(plan.Decided)
	for _, o := range savedOptions() {
		i, whole := indexOf(values, o.name), indexOf(values, o.partOf)
		d := slices.IndexFunc(decided, func(d provision.Decision) bool { return limaKeys[o.name] == d.Key })
		switch {
		case d >= 0 && decided[d].Value != "":
			rows = append(rows, value{o.name, decided[d].Value, fromLima, decided[d].Where})
			decided = slices.Delete(decided, d, d+1)
		case i >= 0:
			rows = append(rows, values[i])
		case o.hidden:
		case whole >= 0:
			rows = append(rows, value{o.name, o.get(spec), values[whole].Source, values[whole].Where})
		default:
			rows = append(rows, o.unset(spec, plan))
		}
	}
	for _, d := range decided {
		rows = append(rows, value{"lima " + d.Key, d.Value, fromLima, d.Where})
	}
	return rows
}

// limaKeys are Lima's words for the options that its files decide as well.
var limaKeys = map[string]string{
	"cpus": "cpus", "memory": "memory", "disk": "disk", "vm-type": "vmType", "mount-type": "mountType",
}

func projectSource(spec provision.Spec, plan provision.Plan) value {
	if spec.Project != "" {
		return value{"project", spec.Project, fromArgument, ""}
	}
	if plan.Existing != nil && plan.Existing.Project != "" {
		return value{"project", plan.Existing.Project, fromVM, ""}
	}
	if g := plan.Gets; g != nil && g.Worktree != "" {
		return value{"project", g.Project, fromDefault, "the primary checkout of the linked worktree " + g.Worktree}
	}
	dir, _ := os.Getwd() // without one, there is no plan
	return value{"project", dir, fromDefault, ""}
}

// unset returns the value of an option that nothing sets: the VM's, or in a new VM the profile's, else the default.
func (o option) unset(spec provision.Spec, plan provision.Plan) value {
	inherited := o.inherited && (!o.inProfile || spec.Profile == "")
	switch {
	case plan.Existing != nil && o.inVM && (spec.Replace == "" || inherited):
		vm, text := plan.Existing, ""
		if o.get != nil {
			had := provision.Spec{CPUs: vm.CPUs, Memory: vm.Memory, Disk: vm.Disk, VMType: vm.Type}
			if plan.HomeLeftOut {
				had.MountHome = provision.Off
			}
			text = o.get(had)
		}
		return value{o.name, text, fromVM, ""}
	case spec.Profile != "" && o.inProfile:
		return value{o.name, "", fromProfile, spec.Profile}
	case o.name == "vm-type":
		return value{o.name, defaultVMType(), fromDefault, ""}
	}
	return value{o.name, o.initial, fromDefault, ""}
}

// showSources shows where each value comes from.
func showSources(to *lines, values []value) {
	to.printf("settings:")
	var rows [][]string
	for _, v := range values {
		text, where := v.Text, v.Where
		switch v.Source {
		case fromVM:
			text, where = cmp.Or(text, "as it is"), "the VM"
		case fromProfile:
			text, where = "as in the profile, or the default", "the profile "+v.Where
		case fromEnvironment:
			where = "the variable " + v.Where
		case fromLima:
			text = cmp.Or(text, "as in the file")
		default:
			where = cmp.Or(where, string(v.Source))
		}
		rows = append(rows, []string{v.Name, text, where})
	}
	table(to, rows)
}
