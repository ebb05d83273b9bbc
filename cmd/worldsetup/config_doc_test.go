package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

const tableOfKeys = "| key | flag | type | value | default | environment |\n| --- | --- | --- | --- | --- | --- |\n"

// The table in the document is made from the code: go test ./cmd/worldsetup -update
func TestConfigDocument(t *testing.T) {
	var rows strings.Builder
	rows.WriteString(tableOfKeys)
	for _, o := range savedOptions() {
		variables := strings.Join(o.env, "`, `")
		if variables != "" {
			variables = "`" + variables + "`"
		}
		flag := strings.TrimSpace("--" + o.name + " " + o.arg)
		rows.WriteString(fmt.Sprintf("| `%s` | `%s` | %s | %s | %s | %s |\n", o.name, flag, o.kind,
			o.values, o.initial, variables))
	}
	const path = "../../docs/config.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(regexp.QuoteMeta(tableOfKeys) + `(?:\|.*\n)*`)
	golden(t, path, table.ReplaceAllLiteralString(string(text), rows.String()))
}

// The examples in the document and in a new file are valid.
func TestConfigExamples(t *testing.T) {
	text, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Fatal("no example in the document")
	}
	uncommented := regexp.MustCompile(`(?m)^#([a-z-]+:)`).ReplaceAllString(fileTemplate(false), "$1")
	for _, example := range []string{blocks[0][1], uncommented} {
		path := filepath.Join(t.TempDir(), config.Name)
		if err := os.WriteFile(path, []byte(example), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := config.Read(path, fileKeys())
		if err != nil {
			t.Errorf("%v in\n%s", err, example)
			continue
		}
		for _, value := range file.Values {
			if err := optionNamed(value.Key).set(&provision.Spec{}, value.Text); err != nil {
				t.Errorf("%s: %v", value.Key, err)
			}
		}
		if example == uncommented && len(file.Values) != len(savedOptions()) {
			t.Errorf("%d keys of %d in a new file", len(file.Values), len(savedOptions()))
		}
	}
}

// The limits and defaults in the table are those of the code.
func TestLimits(t *testing.T) {
	for text, fine := range map[string]bool{
		"cpus: 1": true, "cpus: 256": true, "cpus: 0": false, "cpus: 257": false,
		"memory: 512MiB": true, "memory: 511MiB": false, "memory: 4TiB": true, "memory: 5TiB": false,
		"disk: 4GiB": true, "disk: 3GiB": false, "disk: 64TiB": true, "disk: 65TiB": false,
		"size: default": true, "size: dev": true, "size: small": false, "vm-type: vz": true, "vm-type: qemu": true,
		"vm-type: wsl2":        false,
		"mount-type: virtiofs": true, "mount-type: 9p": true, "mount-type: reverse-sshfs": true,
		"mount-type: nfs": false,
		"timeout: 45m":    true, "timeout: 45": false, "timeout: -1m": false,
		"vm: " + strings.Repeat("a", 76): true, "vm: " + strings.Repeat("a", 77): false,
	} {
		if _, _, err := (layers{project: text}).spec(t); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
	defaults := provision.Spec{}
	for _, o := range optionsNamed("vm", "cpus", "memory", "disk", "timeout") {
		if err := o.set(&defaults, o.initial); err != nil {
			t.Error(err)
		}
	}
	want := provision.Spec{VM: provision.DefaultVM, CPUs: provision.DefaultCPUs, Memory: provision.DefaultMemory,
		Disk: provision.DefaultDisk, Timeout: provision.DefaultTimeout}
	if defaults != want {
		t.Errorf("%+v, want %+v", defaults, want)
	}
}

// Every option can be saved, except for consent and what is for one run; and each has what its flag, help and key need.
func TestOptionsAreComplete(t *testing.T) {
	var never, names []string
	for _, o := range options {
		names = append(names, o.name)
		if o.never != "" {
			never = append(never, o.name)
		}
		if o.usage == "" || o.values == "" || o.set == nil || (o.arg == "") != (o.kind == config.Switch) {
			t.Errorf("%s is incomplete: %+v", o.name, o)
		}
		if o.never == "" && (o.initial == "" || o.example == "") {
			t.Errorf("%s has no default or no example", o.name)
		}
		if o.partOf != "" && !slices.Contains(names, o.partOf) {
			t.Errorf("%s takes effect before %s, which would overwrite it", o.name, o.partOf)
		}
		if o.partOf != "" && !o.hidden && o.get == nil {
			t.Errorf("%s is set by %s and can't be read from a Spec", o.name, o.partOf)
		}
	}
	if want := []string{"rebuild-agent", "replace", "remove", "adopt", "allow"}; !slices.Equal(never, want) {
		t.Errorf("never saved: %v, want %v", never, want)
	}
}
