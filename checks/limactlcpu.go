package checks

import (
	"bytes"
	"context"
	"debug/macho"
	"fmt"
)

// limactlCPU checks that limactl is no program for Intel on Apple silicon: it would run under Rosetta, and refuses to.
func limactlCPU(h Host) Check {
	return Check{
		ID: "limactl-processor", Title: "Lima's processor", Requires: []string{"limactl"},
		Probe: func(ctx context.Context) Finding {
			apple, err := h.appleSilicon(ctx)
			if err != nil {
				return Finding{Found: err.Error()}
			}
			path, content, err := h.limactlFile()
			if err != nil {
				return Finding{Found: err.Error()}
			}
			cpus := machOCPUs(content)
			for _, cpu := range cpus {
				if (cpu == macho.CpuArm64) == apple {
					return ok("%v", cpu)
				}
			}
			if len(cpus) == 0 {
				return Finding{Outcome: Info, Found: path + " is no program of a Mac; perhaps a script that calls one"}
			}
			return wrongCPU(h, path, cpus[0])
		},
	}
}

func wrongCPU(h Host, path string, cpu macho.Cpu) Finding {
	if cpu == macho.CpuArm64 {
		return failed("Lima is for Apple silicon, and this Mac has an Intel processor", fmt.Sprintf("%s is for %v", path, cpu),
			"install the one for Intel: "+h.lima().again)
	}
	brew := "/opt/homebrew/bin/brew"
	next := "install Homebrew for Apple silicon from https://brew.sh in a native shell (arch -arm64 /bin/zsh), then: " + brew + " install lima"
	finding := failed("Lima is for Intel, and would run under Rosetta", fmt.Sprintf("%s is for %v, and this is Apple silicon", path, cpu), next)
	if _, err := h.Find(brew); err != nil {
		return finding
	}
	finding.Problem.Next = "install the one for Apple silicon: arch -arm64 " + brew + " install lima; and have /opt/homebrew/bin first in PATH"
	return finding.fixable(`have Apple silicon's Homebrew first in PATH: eval "$(/opt/homebrew/bin/brew shellenv)"`, "arch", "-arm64", brew, "install", "lima")
}

// limactlFile is limactl as it lies on the disk.
func (h Host) limactlFile() (path string, content []byte, err error) {
	if path, err = h.Find("limactl"); err != nil {
		return "", nil, err
	}
	if real, err := h.Real(path); err == nil {
		path = real
	}
	content, err = h.Read(path)
	return path, content, err
}

// machOCPUs are the processors that a program of a Mac is for; none when it is no such program.
func machOCPUs(content []byte) (cpus []macho.Cpu) {
	if fat, err := macho.NewFatFile(bytes.NewReader(content)); err == nil {
		for _, arch := range fat.Arches {
			cpus = append(cpus, arch.Cpu)
		}
		return cpus
	}
	if thin, err := macho.NewFile(bytes.NewReader(content)); err == nil {
		return []macho.Cpu{thin.Cpu}
	}
	return nil
}
