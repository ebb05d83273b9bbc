package provision

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// prerequisites returns the target of the checks. findErr is why Lima did not list the VM.
func (t target) prerequisites(instance *limatype.Instance, findErr error, client lima.Client) checks.Target {
	spec := t.spec
	place := vmswap.Place{Home: spec.LimaHome, VM: spec.VM}
	_, protectedByUs := place.Protected("")
	hidden := hiddenVM(place, findErr)
	wanted := checks.Target{
		VM: checks.VM{
			Name: spec.VM, Instance: instance, Signs: t.signs(place, instance), ProtectedByUs: protectedByUs,
		}, VMType: t.vmType, Arch: t.arch,
		Starts: instance == nil || instance.Status != limatype.StatusRunning || spec.Replace != "",
		Memory: spec.Memory, Space: checks.Space{Disk: spec.Disk}, Mounts: spec.MountType,
		Home: t.wanted.Home, NoHome: t.wanted.NoHome || t.wanted.NoMounts, GuestHome: t.guestHome(instance),
		Project: t.spec.Project, NoProject: t.noProject,
		Firmware: t.firmware(instance),
		Agents:   t.agents(instance != nil || hidden),
		LimaHome: spec.LimaHome, StateDir: spec.StateDir, Lima: client,
		Traces: checks.Traces{Lock: lockOf(spec).File(), Log: LogPath(spec)},
	}
	if findErr != nil {
		wanted.VM.Trouble = limaError(context.Background(), cannotList, findErr)
		if _, ok := errors.AsType[*lima.NotInstalledError](findErr); !ok && hidden {
			wanted.Starts, wanted.Unlisted = false, true // what a new VM needs does not matter
			return wanted
		}
	}
	if instance == nil || spec.Replace != "" { // a replacement needs room for a whole new disk beside the old one
		wanted.Images = t.imagePlaces()
		wanted.Containers = t.containers()
		wanted.Memory = t.sizeOf(profile.Memory, t.wanted.Memory, DefaultMemory)
		wanted.Space.Disk = t.sizeOf(profile.Disk, t.wanted.Disk, DefaultDisk)
		wanted.Space.Kept = lifecycle.DiskSpace(instance)
		return wanted
	}
	wanted.Memory = cmp.Or(spec.Memory, instance.Memory)
	wanted.Space.Disk = cmp.Or(spec.Disk, instance.Disk)
	wanted.Space.Used = lifecycle.DiskSpace(instance)
	return wanted
}

// layers are the configurations that decide about the VM, the strongest first, as Lima merges them.
func (t target) layers(instance *limatype.Instance) []*limatype.LimaYAML {
	if instance != nil && t.spec.Replace == "" {
		if instance.Config == nil {
			return nil
		}
		return []*limatype.LimaYAML{instance.Config} // all is merged in it
	}
	var before, after []*limatype.LimaYAML
	for _, file := range t.files {
		if file.Overrides() {
			before = append(before, file.Config)
		} else {
			after = append(after, file.Config)
		}
	}
	if t.profile != nil { // there is none when Lima did not answer about a VM that is there
		before = append(before, t.profile)
	}
	return append(before, after...)
}

// firmware returns what the configuration of the VM says about its firmware.
func (t target) firmware(instance *limatype.Instance) (firmware checks.Firmware) {
	if instance != nil && t.spec.Replace == "" {
		_, err := os.Stat(filepath.Join(instance.Dir, filenames.QemuEfiCodeFD)) // downloaded when it was started first
		firmware.Own = err == nil
	}
	decided, layers := false, t.layers(instance)
	firmware.Unsure = len(layers) == 0 // Lima can't read it
	for _, layer := range layers {
		if legacy := layer.Firmware.LegacyBIOS; legacy != nil && !decided {
			firmware.LegacyBIOS, decided = *legacy, true
		}
		for _, image := range layer.Firmware.Images {
			firmware.Own = firmware.Own || image.Arch == t.arch && image.VMType != limatype.VZ
		}
		firmware.Unsure = firmware.Unsure || len(layer.Base) > 0
	}
	firmware.Unsure = firmware.Unsure && !decided
	return firmware
}

// containers returns what a new VM gets for containers: unless that is set otherwise, Lima adds them.
func (t target) containers() (containers checks.Containers) {
	system, user := "", ""
	for _, layer := range t.layers(nil) {
		system, user = cmp.Or(system, switchText(layer.Containerd.System)),
			cmp.Or(user, switchText(layer.Containerd.User))
		for _, archive := range layer.Containerd.Archives {
			if archive.Arch == "" || archive.Arch == t.arch {
				containers.Archives = append(containers.Archives, archive.Location)
			}
		}
		containers.Unsure = containers.Unsure || len(layer.Base) > 0
	}
	containers.Wanted = system == "true" || user != "false"
	containers.Unsure = containers.Unsure && user == ""
	return containers
}

// switchText returns the value of a switch as text; empty when it is not set.
func switchText(value *bool) string {
	if value == nil {
		return ""
	}
	return strconv.FormatBool(*value)
}

// guestHome returns the home directory of the user in the guest; empty when Lima will choose it.
func (t target) guestHome(instance *limatype.Instance) string {
	for _, layer := range t.layers(instance) {
		if home := deref(layer.User.Home); home != "" {
			return strings.ReplaceAll(home, "{{.User}}", cmp.Or(deref(layer.User.Name), "{{.User}}"))
		}
	}
	return ""
}

// checkMachine runs the prerequisites of a target, reports each, and returns those that failed as an error as well.
func (r *run) checkMachine(
	ctx context.Context, t target, instance *limatype.Instance, findErr error,
) ([]checks.Result, error) {
	each := func(result checks.Result) { r.events.emit(Event{Type: EventCheck, Check: &result}) }
	missing, results := lacks(ctx, r.edges.Checks(t.prerequisites(instance, findErr, r.place.Lima)), each)
	if ctx.Err() != nil {
		return results, interrupted(ctx)
	}
	return results, lackError(ctx, missing, findErr)
}

// lacks runs the checks, and returns first the prerequisites that failed, the causes of others before them.
func lacks(
	ctx context.Context, list []checks.Check, each func(checks.Result),
) (missing []Finding, results []checks.Result) {
	results = checks.Run(ctx, list, each)
	for _, result := range checks.Causes(list, results) {
		missing = append(missing, result.Finding)
	}
	return missing, results
}

// lackError returns the error of a machine that lacks something: it describes the first of lacks, and has all of them.
func lackError(ctx context.Context, lacks []Finding, findErr error) error {
	if len(lacks) == 0 {
		return nil
	}
	first := lacks[0]
	failure := &Error{Kind: KindPrerequisite, What: first.Found, Why: first.Why, Next: first.Next}
	if findErr != nil && first.ID == checks.VMState {
		failure = limaError(ctx, cannotList, findErr)
	}
	failure.Lacks = lacks
	return failure
}
