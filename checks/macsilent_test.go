package checks

import (
	"context"
	"debug/macho"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestSilentMac: what a Mac's programs don't tell, or tell otherwise than any recording, is unknown and no fault.
func TestSilentMac(t *testing.T) {
	silent := errors.New("no answer")
	mac := func(arch string, answers map[string]string, change func(*Host)) Host {
		h := macWith(arch, machO(macho.CpuArm64), "brew")
		h.Run = func(_ context.Context, name string, args ...string) (string, error) {
			if out, ok := answers[strings.Join(append([]string{name}, args...), " ")]; ok {
				return out, nil
			}
			return "", silent
		}
		if change != nil {
			change(&h)
		}
		return h
	}
	unreadable := func(h *Host) { h.Read = func(string) ([]byte, error) { return nil, silent } }
	missing := func(h *Host) { h.Find = installed() }
	memory := func(answers map[string]string) Result {
		return mac("arm64", answers, nil).memory(gib)(t.Context())
	}
	const size = "hw.memsize: 8589934592\n"
	for name, test := range map[string]struct {
		result Result
		words  string
	}{
		"the system":            {mac("arm64", nil, nil).macOS(t.Context()), "sw_vers failed: no answer"},
		"the system's version":  {mac("arm64", map[string]string{"sw_vers": "?"}, nil).macOS(t.Context()), "has no version"},
		"whether it translates": {mac("arm64", nil, nil).processor(t.Context()), "no answer"},
		"its memory":            {memory(nil), "no answer"},
		"its memory in numbers": {memory(map[string]string{"sysctl hw.memsize": "hw.memsize: much\n"}),
			`hw.memsize is "much"`},
		"its free memory": {memory(map[string]string{"sysctl hw.memsize": size}), "no answer"},
		"its free memory's size": {memory(map[string]string{"sysctl hw.memsize": size, "vm_stat": "?"}),
			`vm_stat printed "?"`},
		"its Homebrew":           {mac("arm64", nil, nil).homebrew(t.Context()), "no answer"},
		"limactl's quarantine":   {mac("arm64", nil, nil).quarantine(t.Context()), "no answer"},
		"limactl's rights":       {mac("arm64", nil, nil).entitlement(t.Context()), "no answer"},
		"limactl's file":         {mac("arm64", nil, unreadable).entitlement(t.Context()), "no answer"},
		"no limactl's rights":    {mac("arm64", nil, missing).entitlement(t.Context()), "not found"},
		"the Mac's processor":    {mac("amd64", nil, nil).limactlProcessor(t.Context()), "no answer"},
		"limactl's processor":    {mac("arm64", nil, unreadable).limactlProcessor(t.Context()), "no answer"},
		"no limactl's processor": {mac("arm64", nil, missing).limactlProcessor(t.Context()), "not found"},
	} {
		if test.result.Outcome != Unknown || !strings.Contains(test.result.Found, test.words) {
			t.Errorf("%s: %v, %q", name, test.result.Outcome, test.result.Found)
		}
	}
}

// TestUniversalProgram: one file can hold a program for both processors.
func TestUniversalProgram(t *testing.T) {
	const header, each = 8, 20
	content := binary.BigEndian.AppendUint32(nil, macho.MagicFat)
	content = binary.BigEndian.AppendUint32(content, 2)
	programs := ""
	for i, cpu := range []macho.Cpu{macho.CpuAmd64, macho.CpuArm64} {
		program := machO(cpu)
		offset := header + 2*each + i*len(program)
		for _, field := range []int{int(cpu), 0, offset, len(program), 0} {
			content = binary.BigEndian.AppendUint32(content, uint32(field))
		}
		programs += program
	}
	content = append(content, programs...)
	if cpus := machOCPUs(content); !slices.Equal(cpus, []macho.Cpu{macho.CpuAmd64, macho.CpuArm64}) {
		t.Errorf("it is for %v", cpus)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		mac := macWith(arch, string(content))
		if result := mac.limactlProcessor(t.Context()); result.Outcome != OK {
			t.Errorf("on %s: %v, %s", arch, result.Outcome, result.Found)
		}
	}
}
