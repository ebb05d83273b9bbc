package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A profile that takes the place of the trusted one is refused, whether it or a part of it changed.
func TestProfileDigest(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("base.yaml", "cpus: 2\n")
	write("a.sh", "true\n")
	path := write("lima.yaml", "base: [base.yaml, 'template:x']\nprovision: [{file: a.sh}]\nprobes: [{file: {url: "+
		"b.sh}}]\n")
	write("b.sh", "true\n")
	digest, err := ProfileDigest(path)
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Profile: path, ProfileDigest: digest}
	if _, _, err := baseProfile(spec, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"base.yaml", "a.sh", "b.sh", "lima.yaml"} {
		before, _ := os.ReadFile(filepath.Join(dir, name))
		write(name, string(before)+"# other\n")
		if _, _, err := baseProfile(spec, nil); err == nil || !strings.Contains(err.Error(), "has changed") {
			t.Errorf("%s: %v", name, err)
		}
		write(name, string(before))
	}
	if _, _, err := baseProfile(spec, nil); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"itself": "base: lima.yaml\n", "an endless chain": "base: /dev/zero\n", "a directory": "base: .\n",
	} {
		if _, err := ProfileDigest(write("lima.yaml", text)); (err == nil) != (name == "itself") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
