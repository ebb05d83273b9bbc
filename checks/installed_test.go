package checks

import (
	"context"
	"debug/macho"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"testing"
)

// installation is a Mac on which limactl is found at a path. real has where links lead to, entitled the one program
// that may create VMs, and which what a shim's program prints.
type installation struct {
	found    string
	real     map[string]string
	programs []string
	files    map[string]string
	which    string
	entitled string
}

func (i installation) host() Host {
	return Host{
		OS: "darwin", Arch: "arm64",
		Find: func(name string) (string, error) {
			if name == "limactl" && i.found != "" {
				return i.found, nil
			}
			return installed(i.programs...)(name)
		},
		Real: func(path string) (string, error) {
			if real := i.real[path]; real != "" {
				return real, nil
			}
			return path, nil
		},
		Read: files(i.files),
		Stat: func(path string) (fs.FileInfo, error) {
			_, err := files(i.files)(path)
			return nil, err
		},
		Run: func(_ context.Context, name string, args ...string) (string, error) {
			last := args[len(args)-1]
			switch {
			case name == "codesign" && i.entitled != "" && (last == i.entitled || i.real[last] == i.entitled):
				return "[Key] com.apple.security.virtualization\n", nil
			case name == "codesign":
				return "", fmt.Errorf("%w: code object is not signed at all", &exec.ExitError{})
			case strings.Join(args, " ") == "which limactl" && i.which != "":
				return i.which + "\n", nil
			}
			return "", errors.New(name + " failed")
		},
	}
}

// TestInstallations: what each package manager puts where limactl is found, which of it is limactl itself, and the
// commands that install Lima again there. Where shims and wrappers are is from the documentation of mise, asdf and
// aqua, and from nixpkgs (wrapProgram in pkgs/build-support/setup-hooks/make-wrapper.sh).
func TestInstallations(t *testing.T) {
	const program = "/Users/ada/.local/share/mise/installs/lima/2.2.0/bin/limactl"
	const asdf = "/Users/ada/.asdf/installs/lima/2.2.0/bin/limactl"
	const aqua = "/Users/ada/.local/share/aquaproj-aqua/pkgs/github_release/github.com/lima-vm/lima/v2.2.0/" +
		"lima-2.2.0-Darwin-arm64.tar.gz/bin/limactl"
	const store = "/nix/store/7l9q1zgvsdq9pwq5d1fbhmxfkfw0x2ln-lima-2.2.0/bin/"
	native, script := machO(macho.CpuArm64), "#!/bin/sh\n"
	for name, test := range map[string]struct {
		installation
		itself string // limactl
		advice string // to install it again
	}{
		"Homebrew, Apple silicon": {
			installation{found: "/opt/homebrew/bin/limactl", programs: []string{"brew"},
				real:  map[string]string{"/opt/homebrew/bin/limactl": "/opt/homebrew/Cellar/lima/2.2.0/bin/limactl"},
				files: map[string]string{"/opt/homebrew/Cellar/lima/2.2.0/bin/limactl": native}},
			"/opt/homebrew/Cellar/lima/2.2.0/bin/limactl", "brew reinstall lima",
		},
		"Homebrew, Intel": {
			installation{found: "/usr/local/bin/limactl", programs: []string{"brew"},
				real:  map[string]string{"/usr/local/bin/limactl": "/usr/local/Cellar/lima/HEAD-1a2b3c4/bin/limactl"},
				files: map[string]string{"/usr/local/Cellar/lima/HEAD-1a2b3c4/bin/limactl": native}},
			"/usr/local/Cellar/lima/HEAD-1a2b3c4/bin/limactl", "brew reinstall lima",
		},
		"MacPorts": {
			installation{found: "/opt/local/bin/limactl", programs: []string{"brew", "port"},
				files: map[string]string{"/opt/local/bin/limactl": native}},
			"/opt/local/bin/limactl", "sudo port -n upgrade --force lima",
		},
		"Nix": {
			installation{found: "/Users/ada/.nix-profile/bin/limactl",
				real:  map[string]string{"/Users/ada/.nix-profile/bin/limactl": store + "limactl"},
				files: map[string]string{store + "limactl": script, store + ".limactl-wrapped": native}},
			store + ".limactl-wrapped", "sudo nix store repair /nix/store/7l9q1zgvsdq9pwq5d1fbhmxfkfw0x2ln-lima-2.2.0",
		},
		"mise's shim, mise by Homebrew": {
			installation{found: "/Users/ada/.local/share/mise/shims/limactl", programs: []string{"mise", "brew"}, which: program,
				real: map[string]string{
					"/Users/ada/.local/share/mise/shims/limactl": "/opt/homebrew/Cellar/mise/2026.9.1/bin/mise",
				},
				files: map[string]string{program: native, "/opt/homebrew/Cellar/mise/2026.9.1/bin/mise": native}},
			program, "mise install --force lima",
		},
		"mise's PATH": {installation{found: program, files: map[string]string{program: native}}, program,
			"mise install --force lima"},
		"asdf": {
			installation{found: "/Users/ada/.asdf/shims/limactl", which: asdf,
				files: map[string]string{"/Users/ada/.asdf/shims/limactl": script, asdf: native}},
			asdf, "asdf install lima",
		},
		"aqua": {
			installation{found: "/Users/ada/.local/share/aquaproj-aqua/bin/limactl", which: aqua,
				real: map[string]string{
					"/Users/ada/.local/share/aquaproj-aqua/bin/limactl": "/Users/ada/.local/share/aquaproj-aqua/bin/aqua-proxy",
				},
				files: map[string]string{aqua: native}},
			aqua, "aqua rm lima-vm/lima",
		},
		"an archive": {
			installation{found: "/usr/local/bin/limactl", programs: []string{"brew"},
				files: map[string]string{"/usr/local/bin/limactl": native}},
			"/usr/local/bin/limactl", "unpack its archive again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := test.host()
			if path, err := h.limactlFile(t.Context()); err != nil || path != test.itself {
				t.Errorf("limactl itself is %s, %v; want %s", path, err, test.itself)
			}
			if advice := h.limaAdvice("reinstall"); !strings.Contains(advice, test.advice) {
				t.Errorf("advice %q, want %q", advice, test.advice)
			}
			if result := h.entitlement(t.Context()); result.Outcome != Failed || !strings.Contains(result.Next, test.advice) {
				t.Errorf("without a signature: %+v", result)
			}
			test.entitled = test.itself
			if result := test.host().entitlement(t.Context()); result.Outcome != OK {
				t.Errorf("as Lima signs it: %+v", result)
			}
		})
	}
}

// TestShimsWithoutAnAnswer: a shim whose program does not tell what it stands for is in no one's way, and neither is a
// limactl without the entitlement whose driver has it.
func TestShimsWithoutAnAnswer(t *testing.T) {
	const shim, mise = "/Users/ada/.local/share/mise/shims/limactl", "/opt/homebrew/bin/mise"
	native := machO(macho.CpuArm64)
	h := installation{found: shim, real: map[string]string{shim: mise}, files: map[string]string{mise: native}}.host()
	if result := h.entitlement(t.Context()); result.Outcome != Info {
		t.Errorf("a shim: %+v", result)
	}
	const external, driver = "/opt/lima/bin/limactl", "/opt/lima/libexec/lima/lima-driver-vz"
	h = installation{found: external, files: map[string]string{external: native, driver: native}, entitled: driver}.host()
	if result := h.entitlement(t.Context()); result.Outcome != OK {
		t.Errorf("an external driver: %+v", result)
	}
}

// TestRosetta: a Mac without it makes VMs all the same, and the check says how to get it.
func TestRosetta(t *testing.T) {
	h := installation{files: map[string]string{RosettaFile: ""}}.host()
	if result := h.rosetta(t.Context()); result.Outcome != OK {
		t.Errorf("%+v", result)
	}
	result := installation{}.host().rosetta(t.Context())
	if result.Outcome != Info || result.Fix.String() != "softwareupdate --install-rosetta --agree-to-license" {
		t.Errorf("%+v", result)
	}
}

// TestWhatInstallsLima: where Lima is not installed, what this machine has installs it.
func TestWhatInstallsLima(t *testing.T) {
	for program, want := range map[string]string{
		"brew": "brew install lima", "port": "sudo port install lima", "nix": "nix profile install nixpkgs#lima",
		"mise": "mise use --global lima", "": "https://brew.sh",
	} {
		h := installation{programs: []string{program}}.host()
		if advice := h.limaAdvice("install"); !strings.Contains(advice, want) {
			t.Errorf("%s: %q, want %q", program, advice, want)
		}
	}
}
