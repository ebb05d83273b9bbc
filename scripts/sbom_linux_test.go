package scripts

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

type (
	sbom struct {
		Format     string          `json:"bomFormat"`
		Metadata   sbomMetadata    `json:"metadata"`
		Components []sbomComponent `json:"components"`
	}
	sbomMetadata struct {
		Properties []sbomProperty `json:"properties"`
	}
	sbomProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	sbomComponent struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
)

// sbomOf is a correct SBOM of a program that has those modules.
func sbomOf(program []byte, modules []sbomComponent) sbom {
	sum := fmt.Sprintf("%x", sha256.Sum256(program))
	return sbom{
		Format:     "CycloneDX",
		Metadata:   sbomMetadata{[]sbomProperty{{"cdx:gomod:binary:hash:SHA-256", sum}}},
		Components: append([]sbomComponent{{"std", "go1.26.8"}}, modules...),
	}
}

// An SBOM names each module of THIRD_PARTY_NOTICES, and no others, and is of the program in its archive.
func TestSBOMCheck(t *testing.T) {
	notices, err := os.ReadFile("../THIRD_PARTY_NOTICES")
	if err != nil {
		t.Fatal(err)
	}
	var modules []sbomComponent
	for _, match := range regexp.MustCompile(`(?m)^={80}\n(\S+) (v\S+)$`).FindAllStringSubmatch(string(notices), -1) {
		modules = append(modules, sbomComponent{match[1], match[2]})
	}
	if len(modules) < 20 {
		t.Fatalf("THIRD_PARTY_NOTICES has %d modules", len(modules))
	}
	program := []byte("a program")
	older := append([]sbomComponent{{modules[0].Name, "v0.0.1"}}, modules[1:]...)
	more := append([]sbomComponent{{"example.org/other", "v1.0.0"}}, modules...)
	noStd := sbomOf(program, modules)
	noStd.Components = noStd.Components[1:]
	for name, test := range map[string]struct {
		content any
		want    string
	}{
		"correct":             {sbomOf(program, modules), "1 archives have an SBOM"},
		"none":                {nil, "has no SBOM"},
		"a module is missing": {sbomOf(program, modules[1:]), "< " + modules[0].Name + " " + modules[0].Version},
		"another version":     {sbomOf(program, older), "> " + modules[0].Name + " v0.0.1"},
		"one too many":        {sbomOf(program, more), "> example.org/other v1.0.0"},
		"of another program":  {sbomOf([]byte("another"), modules), "is of another program"},
		"no standard library": {noStd, "lacks Go's standard library"},
		"another format":      {map[string]string{"spdxVersion": "SPDX-2.3"}, "is not in CycloneDX's format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dist := t.TempDir()
			if err := os.WriteFile(filepath.Join(dist, "worldsetup"), program, 0o755); err != nil {
				t.Fatal(err)
			}
			pack := exec.Command("tar", "-czf", "worldsetup_1_linux_amd64.tar.gz", "worldsetup")
			pack.Dir = dist
			if out, err := pack.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if test.content != nil {
				text, err := json.Marshal(test.content)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dist, "worldsetup_1_linux_amd64.cdx.json"), text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			check := exec.Command("/bin/bash", "sbom-check.sh", dist)
			check.Stdout, check.Stderr = &out, &out
			if err := check.Run(); (err == nil) != (name == "correct") || !strings.Contains(out.String(), test.want) {
				t.Errorf("%v, want %q\n%s", err, test.want, out.String())
			}
		})
	}
}
