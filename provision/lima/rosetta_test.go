package lima

import (
	"strings"
	"testing"
)

// TestRosettaOn: what Lima takes a configuration for. The setting of the driver beats the older one.
func TestRosettaOn(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "cpus: 2\n": false, "- a\n": false, "vmOpts: {vz: 1}\n": false,
		"rosetta: {enabled: true}\n":                                            true,
		"vmOpts:\n  vz:\n    rosetta:\n      enabled: true\n":                   true,
		"vmOpts: {vz: {rosetta: {enabled: false}}}\n":                           false,
		"rosetta: {enabled: true}\nvmOpts: {vz: {rosetta: {enabled: false}}}\n": false,
		"vmOpts: {qemu: {minimumVersion: 8.2.1}}\n":                             false,
	} {
		if have := RosettaOn([]byte(text)); have != want {
			t.Errorf("%q: %v, want %v", text, have, want)
		}
		without, err := RemoveRosetta([]byte(text))
		if text != "- a\n" && (err != nil || RosettaOn(without)) {
			t.Errorf("%q: %v, and then %q", text, err, without)
		}
	}
}

// TestRosettaTakenOut: all else stays, and what a profile asks for beyond this Mac is left out of a new VM.
func TestRosettaTakenOut(t *testing.T) {
	const text = "# mine\ncpus: 2 # few\nvmOpts:\n  vz:\n    rosetta:\n      enabled: true\n      binfmt: true\n"
	without, err := RemoveRosetta([]byte(text))
	if err != nil || !strings.HasPrefix(string(without), "# mine\ncpus: 2 # few\n") ||
		strings.Contains(string(without), "true") {
		t.Errorf("%v in\n%s", err, without)
	}
	wanted := wantedForTests()
	wanted.NoRosetta = true
	if got, _ := edited(t, wanted, text); RosettaOn([]byte(got)) {
		t.Errorf("Rosetta is on in\n%s", got)
	}
	if got, _ := edited(t, wanted, "cpus: 2\n"); strings.Contains(got, "rosetta") {
		t.Errorf("Rosetta is named in\n%s", got)
	}
}
