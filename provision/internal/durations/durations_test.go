package durations

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "durations.json")
	d := Read(path)
	usual := func(acceleration, kind string) time.Duration {
		return Read(path).Median(acceleration, kind, "vm-start", 20*time.Second)
	}
	if usual("kvm", OfNew) != 20*time.Second || usual(Emulated, OfNew) != 200*time.Second {
		t.Errorf("before any run: %v, %v", usual("kvm", OfNew), usual(Emulated, OfNew))
	}
	for _, took := range []time.Duration{1, 2, 7, 9, 8, 60, 10} { // the last few count, and an outlier does not
		d.Add("kvm", OfRestart, "vm-start", took*time.Second)
	}
	if err := d.Write(path); err != nil {
		t.Fatal(err)
	}
	if usual("kvm", OfRestart) != 10*time.Second || usual("kvm", OfNew) != 10*time.Second ||
		usual(Emulated, OfNew) != 200*time.Second {
		t.Errorf("%v, as new %v, emulated %v", usual("kvm", OfRestart), usual("kvm", OfNew), usual(Emulated, OfNew))
	}
	if all := Read(path).Steps["kvm/restart/vm-start"]; len(all) != kept {
		t.Errorf("%v are kept", all)
	}
}

// TestDamagedDurations: they count for nothing, and the next run replaces them.
func TestDamagedDurations(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":   "",
		"no JSON":   "{\"steps_ns\": {",
		"another":   `[1, 2, 3]`,
		"no number": `{"steps_ns": {"kvm/new/vm-start": ["fast"]}}`,
		"absurd":    `{"steps_ns": {"kvm/new/vm-start": [-1, 90000000000000000]}, "rate": -5}`,
		"too long":  `{"rate": 1, "acceleration": {"qemu": "` + strings.Repeat("x", maxSize) + `"}}`,
		"null":      `{"steps_ns": null, "acceleration": null}`,
	} {
		path := filepath.Join(t.TempDir(), "durations.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d := Read(path)
		if took := d.Median("kvm", OfNew, "vm-start", time.Minute); took != time.Minute || d.Rate != 0 {
			t.Errorf("%s: %v, %d", name, took, d.Rate)
		}
		d.Acceleration["qemu"] = "kvm"
		d.Add("kvm", OfNew, "vm-start", time.Second)
		if err := d.Write(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took := Read(path).Median("kvm", OfNew, "vm-start", time.Minute); took != time.Second {
			t.Errorf("%s: afterwards %v", name, took)
		}
	}
}
