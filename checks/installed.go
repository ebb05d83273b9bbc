package checks

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// This file is about how Lima came onto this machine: that decides where limactl itself is, and what repairs it.
//
// The rules are: what runs when someone types limactl may be a link, a shim that finds out at each call what it stands
// for, or a wrapper script; only limactl itself has a signature that means anything. The way to it never fails: where
// it can't be followed, it ends at what was found.

// installer is a program that installs Lima.
type installer struct {
	program string
	places  []string // parts of the paths at which Lima is, or its shims are, when this has installed it
	shims   string   // part of the paths of shims, which `PROGRAM which limactl` follows; empty without any
	// The commands to install, upgrade and repair Lima, for a person to type. DIR is the directory in which Lima is.
	install, upgrade, reinstall string
}

// installers are those that have a Lima for Macs, in the order in which they are suggested. Their names for it are from
// Homebrew's formulae, macports-ports (sysutils/lima), nixpkgs, and the registries of mise, asdf and aqua.
var installers = []installer{
	{
		program: "brew", places: []string{"/Cellar/lima/"},
		install: "brew install lima", upgrade: "brew upgrade lima", reinstall: "brew reinstall lima",
	},
	{
		program: "port", places: []string{"/opt/local/"}, install: "sudo port install lima",
		upgrade: "sudo port selfupdate && sudo port upgrade lima", reinstall: "sudo port -n upgrade --force lima",
	},
	{
		program: "mise", places: []string{"/mise/"}, shims: "/mise/shims/", install: "mise use --global lima",
		upgrade: "mise upgrade lima", reinstall: "mise install --force lima",
	},
	{
		program: "asdf", places: []string{"/.asdf/", "/asdf/"}, shims: "/shims/",
		install: "asdf plugin add lima && asdf install lima latest", upgrade: "asdf install lima latest",
		reinstall: "asdf uninstall lima VERSION && asdf install lima VERSION",
	},
	{
		program: "aqua", places: []string{"/aquaproj-aqua/"}, shims: "/aquaproj-aqua/bin/",
		install: "aqua generate -i lima-vm/lima && aqua install", upgrade: "aqua update lima-vm/lima && aqua install",
		reinstall: "aqua rm lima-vm/lima && aqua install",
	},
	{
		program: "nix", places: []string{"/nix/store/", "/.nix-profile/"}, install: "nix profile install nixpkgs#lima",
		upgrade:   "nix profile upgrade lima, or rebuild the configuration that has it",
		reinstall: "sudo nix store repair DIR",
	},
}

// installedBy returns what has installed the limactl that is called; nil for an archive that was unpacked, for a build,
// and when that is not known.
func (h Host) installedBy() *installer {
	path, err := h.Find("limactl")
	if err != nil {
		return nil
	}
	for _, path := range []string{path, h.real(path)} { // a shim may be a link to its program, which others install
		at := slices.IndexFunc(installers, func(by installer) bool {
			return slices.ContainsFunc(by.places, func(place string) bool { return strings.Contains(path, place) })
		})
		if at >= 0 {
			return &installers[at]
		}
	}
	return nil
}

// real returns a path without symbolic links, as far as they can be read.
func (h Host) real(path string) string {
	if real, err := h.Real(path); err == nil {
		return real
	}
	return path
}

// limactlProgram returns limactl itself: what is called or, of a shim or a wrapper, what that calls.
func (h Host) limactlProgram(ctx context.Context) (string, error) {
	path, err := h.Find("limactl")
	if err != nil {
		return "", err
	}
	if by := h.installedBy(); by != nil && by.shims != "" && strings.Contains(path, by.shims) {
		out, err := h.Run(ctx, by.program, "which", "limactl")
		if behind := strings.TrimSpace(out); err == nil && filepath.IsAbs(behind) {
			path = behind
		}
	}
	// wrapProgram of nixpkgs puts what it wraps beside its script.
	if real := h.real(path); strings.HasPrefix(real, "/nix/store/") {
		wrapped := filepath.Join(filepath.Dir(real), ".limactl-wrapped")
		if _, err := h.Stat(wrapped); err == nil {
			return wrapped, nil
		}
	}
	return path, nil
}

// limactlFile returns limactl itself without symbolic links.
func (h Host) limactlFile(ctx context.Context) (string, error) {
	path, err := h.limactlProgram(ctx)
	if err != nil {
		return "", err
	}
	return h.real(path), nil
}

// fromArchive is what a person does without any of them.
const fromArchive = "as https://lima-vm.io/docs/installation/ describes"

// limaAdvice returns what installs, upgrades or reinstalls Lima, for a person to read: what has installed it or, where
// it is not installed, what there is.
func (h Host) limaAdvice(verb string) string {
	by := h.installedBy()
	if by == nil && h.OS == "darwin" {
		if path, err := h.Find("limactl"); err == nil && verb != "install" {
			return "unpack its archive again, " + fromArchive + ", in the place of " + path
		}
		for i := range installers {
			_, err := h.Find(installers[i].program)
			if err == nil || installers[i].program == "brew" && h.brew() != "" {
				by = &installers[i]
				break
			}
		}
		if by == nil {
			return "first Homebrew, as https://brew.sh describes, then: brew install lima"
		}
	}
	if by == nil || by.program == "brew" {
		return cmp.Or(h.brew(), "brew") + " " + verb + " lima, or " + fromArchive
	}
	command := map[string]string{"install": by.install, "upgrade": by.upgrade, "reinstall": by.reinstall}[verb]
	if path, err := h.Find("limactl"); err == nil {
		command = strings.ReplaceAll(command, "DIR", shellescape.Quote(filepath.Dir(filepath.Dir(h.real(path)))))
	}
	return command
}

// fixLima makes result fixable by what Homebrew does, as in "upgrade", with a Lima that Homebrew has installed.
func (h Host) fixLima(result Result, verb string) Result {
	by, brew := h.installedBy(), h.brew()
	if by == nil || by.program != "brew" || brew == "" {
		return result
	}
	return result.fixable("", brew, verb, "lima")
}
