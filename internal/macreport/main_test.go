package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// macs are the records that the Mac of this test is made of.
var macs = []string{"tahoe-26.4", "vz-guest", "lima-entitled", "quarantined", "memory-apple-silicon",
	"homebrew-apple-silicon"}

const (
	secret = "hunter2-hunter2"
	host   = "adas-macbook-pro"
	token  = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
)

// aMac has only programs in PATH that answer as the recorded Macs did, and returns what each question is answered with.
func aMac(t *testing.T) map[string]string {
	t.Helper()
	bin, home := t.TempDir(), filepath.Join(t.TempDir(), "ada.lovelace")
	if err := os.MkdirAll(filepath.Join(home, ".lima/substrate"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string, mode fs.FileMode) {
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	answers := map[string]string{
		"limactl list --format json": fmt.Sprintf(`{"name":"dev","dir":"%s/.lima/dev","env":{"API_TOKEN":"%s"}}`+"\n",
			home, secret),
		"limactl --version":                "limactl version 2.2.0\n",
		"exit 1: sysctl hw.optional.arm64": "sysctl: unknown oid 'hw.optional.arm64'\n",
		"brew --version":                   "Homebrew 5.0\n-- sw_vers --\nProductVersion: 1.0\n",
		"df -k " + home:                    "Filesystem 1024-blocks\n/dev/disk3s5 971350180\n",
	}
	for _, name := range macs {
		archive, err := txtar.ParseFile(filepath.Join("../../checks/testdata/macs", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			name := strings.ReplaceAll(file.Name, "/opt/homebrew/bin/limactl", filepath.Join(bin, "limactl"))
			answers[name] = string(file.Data)
		}
	}
	programs := map[string]string{"limactl": ""}
	for command, answer := range answers {
		stream, code := 1, 0
		if rest, failed := strings.CutPrefix(command, "exit 1: "); failed {
			command, stream, code = rest, 2, 1
		}
		name, args, _ := strings.Cut(command, " ")
		programs[name] += fmt.Sprintf("if [ \"$*\" = '%s' ]; then /bin/cat >&%d <<'END'\n%sEND\nexit %d; fi\n", args, stream,
			answer, code)
	}
	for name, script := range programs {
		write(filepath.Join(bin, name), "#!/bin/sh\n"+script+"echo not recorded: \"$*\" >&2\nexit 9\n", 0o755)
	}
	write(filepath.Join(home, ".lima/substrate/ha.stderr.log"),
		`{"level":"info","msg":"[VZ] - vm state change: running on `+host+`.local"}`+"\n"+token+"\n", 0o600)
	write(filepath.Join(home, ".lima/substrate/serialv.log"), "", 0o600)
	write(filepath.Join(home, ".lima/substrate/lima.yaml"), "not: recorded\n", 0o600)
	t.Setenv("PATH", bin)
	t.Setenv("HOME", home)
	t.Setenv("LIMA_HOME", "")
	t.Setenv("USER", "ada.lovelace")
	t.Setenv("API_TOKEN", secret)
	return answers
}

// The record of a Mac that answers as the recorded ones is their records.
func TestRecord(t *testing.T) {
	answers := aMac(t)
	path := filepath.Join(t.TempDir(), "record.txtar")
	var out strings.Builder
	if err := run(t.Context(), []string{"-yes", "-o", path}, strings.NewReader(""), &out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(out.String(), string(text)) {
		t.Fatalf("%v; what is written was not shown first:\n%s\nbut\n%s", err, out.String(), text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	archive := txtar.Parse(text)
	recorded := map[string]string{}
	for _, file := range archive.Files {
		if _, twice := recorded[file.Name]; twice {
			t.Errorf("%s is there twice", file.Name)
		}
		recorded[file.Name] = string(file.Data)
	}
	home := os.Getenv("HOME")
	for command, want := range answers {
		name := strings.ReplaceAll(command, home, "~")
		if got, found := recorded[name]; strings.HasPrefix(command, "limactl list") ||
			strings.HasPrefix(command, "brew --v") {
			continue // below
		} else if !found || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"limactl list --format json": `{"name":"dev","dir":"~/.lima/dev","env":{"API_TOKEN":"***"}}` + "\n",
		"brew --version":             "Homebrew 5.0\n -- sw_vers --\nProductVersion: 1.0\n",
		"exit 9: limactl info":       "not recorded: info\n",
		"file: serialv.log":          "",
	} {
		if got, found := recorded[name]; !found || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(recorded["file: ha.stderr.log"], "vm state change: running") {
		t.Errorf("the log is %q", recorded["file: ha.stderr.log"])
	}
	if !strings.Contains(string(archive.Comment), "Not there: uname -srm; ") {
		t.Errorf("the comment does not tell what is missing:\n%s", archive.Comment)
	}
	for _, hidden := range []string{secret, token, host, "ada.lovelace", home, "not: recorded"} {
		if strings.Contains(string(text), hidden) {
			t.Errorf("%q is in the record", hidden)
		}
	}
}

func TestOnlyWhenAgreed(t *testing.T) {
	aMac(t)
	path := filepath.Join(t.TempDir(), "record.txtar")
	for _, answer := range []string{"", "n\n", "\n", "yesterday\n"} {
		var out strings.Builder
		if err := run(t.Context(), []string{"-o", path}, strings.NewReader(answer), &out); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(path); err == nil || !strings.Contains(out.String(), "nothing was written") {
			t.Errorf("%q: %v\n%s", answer, err, out.String())
		}
	}
	if err := run(t.Context(), []string{"-o", path}, strings.NewReader("y\n"), new(strings.Builder)); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	if err := run(t.Context(), []string{"-yes", "-o", path}, strings.NewReader(""), new(strings.Builder)); err == nil ||
		!strings.Contains(err.Error(), "-o FILE") {
		t.Errorf("another file was replaced: %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) || len(before) == 0 {
		t.Errorf("the file changed to %q", after)
	}
}

func TestRefused(t *testing.T) {
	aMac(t)
	if err := run(t.Context(), []string{"-vm", "../other"}, strings.NewReader(""), new(strings.Builder)); err == nil {
		t.Error("a path was taken for a VM")
	}
	t.Setenv("PATH", t.TempDir())
	if err := run(t.Context(), nil, strings.NewReader(""), new(strings.Builder)); err == nil ||
		!strings.Contains(err.Error(), "no Mac") {
		t.Errorf("not a Mac: %v", err)
	}
}
