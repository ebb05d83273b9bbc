package main

import (
	"cmp"
	"os"
	"runtime"
	"slices"
	"strconv"

	"github.com/atomize-hq/worldsetup/provision"
)

// settlement is a setting as it counts, and where that comes from.
type settlement struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"` // empty for what nobody has named and the VM or the profile has
	Source source `json:"source"`
	Where  string `json:"where,omitempty"` // the flag, the variable, or the file with the line
}

// settled are the project and all settings, in the order of keys.
func settled(spec provision.Spec, answers []answer, plan provision.Plan) []settlement {
	list := []settlement{settledProject(spec, plan)}
	for _, key := range keys() {
		if i := indexOf(answers, key.flag); i >= 0 {
			list = append(list, settlement{key.flag, answers[i].value, answers[i].source, answers[i].where})
			continue
		}
		size := indexOf(answers, "size")
		switch {
		case key.flag == "size", key.flag == "image-digest":
		case size >= 0 && slices.Contains(covers["size"], key.flag):
			list = append(list, settlement{key.flag, ofSpec(spec, key.flag), answers[size].source, answers[size].where})
		default:
			list = append(list, unsettled(key, spec, plan))
		}
	}
	return list
}

func indexOf(answers []answer, flag string) int {
	return slices.IndexFunc(answers, func(a answer) bool { return a.setting.flag == flag })
}

// settledProject says which directory is shown at /src.
func settledProject(spec provision.Spec, plan provision.Plan) settlement {
	if spec.Project != "" {
		return settlement{"project", spec.Project, fromArgument, ""}
	}
	if plan.Existing != nil && plan.Existing.Project != "" {
		return settlement{"project", plan.Existing.Project, fromVM, ""}
	}
	dir, _ := os.Getwd() // without one, there is no plan
	return settlement{"project", dir, fromDefault, ""}
}

// unsettled is what comes of a setting that nobody has given: what the VM has stays, and a new one is made from the profile.
func unsettled(key key, spec provision.Spec, plan provision.Plan) settlement {
	var (
		sizes     = slices.Contains(covers["size"], key.flag)
		ofVM      = sizes || slices.Contains([]string{"netfilter", "profile", "image", "vm-type", "mount-type"}, key.flag)
		ofProfile = sizes || slices.Contains([]string{"image", "vm-type", "mount-type"}, key.flag)
		replacing = spec.Replace != ""
		inherited = key.flag == "netfilter" || sizes && spec.Profile == ""
	)
	switch {
	case plan.Existing != nil && ofVM && (!replacing || inherited):
		return settlement{key.flag, ofExisting(*plan.Existing, key.flag), fromVM, ""}
	case spec.Profile != "" && ofProfile:
		return settlement{key.flag, "", fromProfile, spec.Profile}
	case plan.Existing != nil && key.flag == "agent":
		return settlement{key.flag, "the project's own, else the installed one", fromDefault, ""}
	case key.flag == "vm-type":
		return settlement{key.flag, map[bool]string{true: "vz", false: "qemu"}[runtime.GOOS == "darwin"], fromDefault, ""}
	}
	return settlement{key.flag, key.unset, fromDefault, ""}
}

// ofExisting is what a VM has; empty for what a plan does not tell.
func ofExisting(vm provision.Existing, flag string) string {
	if flag == "vm-type" {
		return vm.Type
	}
	return ofSpec(provision.Spec{CPUs: vm.CPUs, Memory: vm.Memory, Disk: vm.Disk}, flag)
}

// ofSpec is one of the three parts of a size.
func ofSpec(spec provision.Spec, flag string) string {
	switch flag {
	case "cpus":
		return strconv.Itoa(spec.CPUs)
	case "memory":
		return sizeText(spec.Memory)
	case "disk":
		return sizeText(spec.Disk)
	}
	return ""
}

// showSettled shows where each value comes from.
func showSettled(to *lines, list []settlement) {
	to.printf("settings:")
	var rows [][]string
	for _, s := range list {
		value, where := s.Value, s.Where
		switch s.Source {
		case fromVM:
			value, where = cmp.Or(value, "as it is"), "the VM"
		case fromProfile:
			value, where = "as it says, or the default", "the profile "+s.Where
		case fromEnvironment:
			where = "the variable " + s.Where
		default:
			where = cmp.Or(where, string(s.Source))
		}
		rows = append(rows, []string{s.Name, value, where})
	}
	table(to, rows)
}
