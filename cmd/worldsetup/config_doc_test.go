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
	types := map[config.Kind]string{config.Text: "text", config.Number: "whole number", config.Size: "text, or whole number of bytes", config.Switch: "switch"}
	rows := tableOfKeys
	for _, setting := range settings() {
		key, can := keyOf(setting.flag)
		if !can {
			continue
		}
		variables := strings.Join(setting.env, "`, `")
		if variables != "" {
			variables = "`" + variables + "`"
		}
		flag := strings.TrimSpace("--" + setting.flag + " " + setting.value)
		rows += fmt.Sprintf("| `%s` | `%s` | %s | %s | %s | %s |\n", key.flag, flag, types[key.kind], key.values, key.unset, variables)
	}
	const path = "../../docs/config.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(regexp.QuoteMeta(tableOfKeys) + `(?:\|.*\n)*`)
	golden(t, path, table.ReplaceAllLiteralString(string(text), rows))
}

// The examples in the document and in a new file are read, and mean something.
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
		for _, entry := range file.Entries {
			i := slices.IndexFunc(settings(), func(s setting) bool { return s.flag == entry.Key })
			if err := settings()[i].set(&provision.Spec{}, entry.Value); err != nil {
				t.Errorf("%s: %v", entry.Key, err)
			}
		}
		if example == uncommented && len(file.Entries) != len(keys()) {
			t.Errorf("%d keys of %d in a new file", len(file.Entries), len(keys()))
		}
	}
}

// The table's edges are those of the code, and its defaults as well.
func TestEdgesOfKeys(t *testing.T) {
	for text, fine := range map[string]bool{
		"cpus: 1": true, "cpus: 256": true, "cpus: 0": false, "cpus: 257": false,
		"memory: 512MiB": true, "memory: 511MiB": false, "memory: 4TiB": true, "memory: 5TiB": false,
		"disk: 4GiB": true, "disk: 3GiB": false, "disk: 64TiB": true, "disk: 65TiB": false,
		"size: default": true, "size: dev": true, "size: small": false, "vm-type: vz": true, "vm-type: qemu": true, "vm-type: wsl2": false,
		"mount-type: virtiofs": true, "mount-type: 9p": true, "mount-type: reverse-sshfs": true, "mount-type: nfs": false,
		"timeout: 45m": true, "timeout: 45": false, "timeout: -1m": false,
		"vm: " + strings.Repeat("a", 76): true, "vm: " + strings.Repeat("a", 77): false,
	} {
		if _, _, err := (layers{project: text}).spec(t); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
	defaults := provision.Spec{}
	for _, key := range keys() {
		i := slices.IndexFunc(settings(), func(s setting) bool { return s.flag == key.flag })
		if slices.Contains([]string{"vm", "cpus", "memory", "disk", "timeout"}, key.flag) {
			if err := settings()[i].set(&defaults, key.unset); err != nil {
				t.Error(err)
			}
		}
	}
	want := provision.Spec{VM: provision.DefaultVM, CPUs: provision.DefaultCPUs, Memory: provision.DefaultMemory, Disk: provision.DefaultDisk, Timeout: provision.DefaultTimeout}
	if defaults != want {
		t.Errorf("%+v, want %+v", defaults, want)
	}
}

// Every setting can be kept, in the same order, except for the consent and for what is for one run.
func TestKeysAreTheSettings(t *testing.T) {
	var flags, names []string
	for _, setting := range settings() {
		if setting.flag != "replace" && setting.flag != "rebuild-agent" {
			flags = append(flags, setting.flag)
		}
	}
	for _, key := range keys() {
		names = append(names, key.flag)
	}
	if !slices.Equal(flags, names) {
		t.Errorf("settings %v\nkeys     %v", flags, names)
	}
}
