package checks

import (
	"slices"
	"testing"
)

// The variable is read as Lima reads it, quotes included.
func TestQEMUCommand(t *testing.T) {
	for text, want := range map[string][]string{
		"a  b":                   {"a", "b"},
		`'a b' "c 'd'" e\ f`:     {"a b", "c 'd'", "e f"},
		`a'b'"c"`:                {"abc"},
		`'' x`:                   {"", "x"},
		`"a\"b" '\'`:             {`a"b`, `\`},
		"q -machine q35,accel=x": {"q", "-machine", "q35,accel=x"},
	} {
		h := Host{Getenv: environment("QEMU_SYSTEM_X86_64=" + text)}
		command, err := h.qemuCommand(x86)
		if got := append([]string{command.program}, command.args...); err != nil || !command.own ||
			!slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`'`, `"a`, `a\`, `"\"`, " \t "} {
		h := Host{Getenv: environment("QEMU_SYSTEM_X86_64=" + text)}
		if command, err := h.qemuCommand(x86); err == nil || command.own {
			t.Errorf("%q: %+v, want an error", text, command)
		}
	}
	if command, err := (Host{Getenv: environment("")}).qemuCommand(arm); err != nil || command.own ||
		command.program != "qemu-system-aarch64" {
		t.Errorf("without the variable: %+v, %v", command, err)
	}
}
