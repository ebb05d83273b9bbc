package agent

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/layout"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/finding"
)

// put writes a file below directory and returns its path.
func put(t *testing.T, directory, path string, content []byte) string {
	t.Helper()
	path = filepath.Join(directory, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindAgentByName(t *testing.T) {
	content := newProgram(elf.EM_X86_64).bytes()
	dir := t.TempDir()
	path := put(t, dir, "my agent", content)
	sum := sha256.Sum256(content)

	agent, rejected, err := Find(path, t.TempDir(), limatype.X8664, layout.All)
	if err != nil || len(rejected) > 0 {
		t.Fatal(rejected, err)
	}
	if agent.Source != SourceFlag || agent.Path != path || agent.SHA256 != hex.EncodeToString(sum[:]) ||
		agent.Size != int64(len(content)) || agent.Probe || !slices.Equal(agent.Content, content) {
		t.Errorf("%+v", agent)
	}

	t.Chdir(dir)
	if agent, _, err := Find("my agent", "", limatype.X8664, layout.All); err != nil || !filepath.IsAbs(agent.Path) {
		t.Errorf("%+v, %v; a relative path is taken from the working directory", agent, err)
	}
}

func TestFindAgentBuiltin(t *testing.T) {
	project := t.TempDir()
	put(t, project, "bin/world-agent", newProgram(elf.EM_X86_64).bytes())
	for _, arch := range []limatype.Arch{limatype.X8664, limatype.AARCH64} {
		agent, rejected, err := Find(Builtin, project, arch, layout.All)
		if err != nil || len(rejected) > 0 {
			t.Fatal(rejected, err)
		}
		if agent.Source != SourceBuiltin || !agent.Probe || agent.Path != "" || !slices.Equal(agent.Content,
			embed.ProbeAgent()) {
			t.Errorf("%+v", agent)
		}
	}
}

func TestFindAgentBadFile(t *testing.T) {
	dir := t.TempDir()
	whole := newProgram(elf.EM_X86_64).bytes()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	huge := put(t, dir, "huge", nil)
	if err := os.Truncate(huge, maxSize+1); err != nil { // takes no space
		t.Fatal(err)
	}
	unreadable := put(t, dir, "unreadable", whole)
	if err := os.Chmod(unreadable, 0); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, why string }{
		"missing":        {filepath.Join(dir, "none"), "no such file"},
		"below a file":   {filepath.Join(huge, "x"), "not a directory"},
		"newline":        {filepath.Join(dir, "a\nb"), "no such file"},
		"directory":      {dir, "it is a directory"},
		"FIFO":           {fifo, "not a regular file"},
		"device":         {"/dev/null", "not a regular file"},
		"too large":      {huge, "more than 512 MiB"},
		"unreadable":     {unreadable, "permission denied"},
		"empty":          {put(t, dir, "empty", nil), "it is empty"},
		"script":         {put(t, dir, "script", []byte("#!/bin/sh\n")), "a script"},
		"Mach-O":         {put(t, dir, "macho", []byte("\xcf\xfa\xed\xfe\x0c\x00\x00\x01")), "macOS"},
		"another CPU":    {put(t, dir, "arm", newProgram(elf.EM_AARCH64).bytes()), "aarch64"},
		"truncated":      {put(t, dir, "cut", whole[:len(whole)-1]), "truncated"},
		"truncated soon": {put(t, dir, "cut2", whole[:20]), "truncated"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.path == unreadable && os.Geteuid() == 0 {
				t.Skip("root reads everything")
			}
			// A project that has an agent: what was asked for by name is never replaced by another one.
			project := t.TempDir()
			put(t, project, "bin/world-agent", whole)
			agent, _, err := Find(test.path, project, limatype.X8664, layout.All)
			failure, ok := errors.AsType[*finding.Error](err)
			if agent != nil || !ok {
				t.Fatalf("%+v, %v", agent, err)
			}
			if failure.Kind != finding.KindUsage || !strings.Contains(failure.What, test.path) ||
				!strings.Contains(failure.Why, test.why) || strings.Contains(failure.Why, test.path) ||
				!strings.Contains(failure.Next, "--agent FILE") {
				t.Errorf("kind %s, what %q, why %q, next %q; want %q", failure.Kind, failure.What,
					failure.Why, failure.Next,
					test.why)
			}
		})
	}
}

// Each candidate is taken when those before it are gone.
func TestFindAgentOrder(t *testing.T) {
	want := []string{
		"bin/linux/world-agent",
		"bin/world-agent-linux",
		"bin/world-agent",
		"target/aarch64-unknown-linux-gnu/release/world-agent",
		"target/aarch64-unknown-linux-musl/release/world-agent",
		"target/release/world-agent",
		"target/aarch64-unknown-linux-gnu/debug/world-agent",
		"target/aarch64-unknown-linux-musl/debug/world-agent",
		"target/debug/world-agent",
	}
	project := t.TempDir()
	content := newProgram(elf.EM_AARCH64).bytes()
	put(t, project, "target/x86_64-unknown-linux-gnu/release/world-agent", content) // not observed
	for _, path := range want {
		put(t, project, path, content)
	}
	for _, path := range want {
		agent, rejected, err := Find("", project, limatype.AARCH64, layout.All)
		if err != nil || agent == nil || len(rejected) > 0 {
			t.Fatal(agent, rejected, err)
		}
		if agent.Path != filepath.Join(project, path) || agent.Source != SourceProject {
			t.Errorf("%+v, want %s", agent, path)
		}
		if err := os.Remove(agent.Path); err != nil {
			t.Fatal(err)
		}
	}
	if agent, rejected, err := Find("", project, limatype.AARCH64, layout.All); agent != nil || len(rejected) > 0 ||
		err != nil {
		t.Error(agent, rejected, err)
	}
}

// A Mac build leaves a Mach-O in target/release: it is reported, and the next candidate is taken.
func TestFindAgentRejects(t *testing.T) {
	project := t.TempDir()
	machO := put(t, project, "bin/world-agent", []byte("\xcf\xfa\xed\xfe\x0c\x00\x00\x01"))
	dead := filepath.Join(project, "target/release/world-agent")
	if err := errors.Join(os.MkdirAll(filepath.Dir(dead), 0o700), os.Symlink("gone", dead)); err != nil {
		t.Fatal(err)
	}
	foreign := put(t, project, "target/x86_64-unknown-linux-musl/debug/world-agent", newProgram(elf.EM_AARCH64).bytes())
	good := put(t, project, "target/debug/world-agent", newProgram(elf.EM_X86_64).bytes())

	agent, rejected, err := Find("", project, limatype.X8664, layout.All)
	if err != nil || agent == nil || agent.Path != good {
		t.Fatal(agent, err)
	}
	if len(rejected) != 3 {
		t.Fatalf("%+v", rejected)
	}
	for i, want := range []Rejected{{machO, "Mach-O"}, {dead, "no such file"}, {foreign, "aarch64"}} {
		if rejected[i].Path != want.Path || !strings.Contains(rejected[i].Why, want.Why) {
			t.Errorf("%+v, want %+v", rejected[i], want)
		}
	}
}

func TestFindAgentOddProject(t *testing.T) {
	project := t.TempDir()
	put(t, project, "bin", []byte("a file in the place of a directory"))
	for _, project := range []string{project, filepath.Join(project, "none")} {
		if agent, rejected, err := Find("", project, limatype.X8664, layout.All); agent != nil || len(rejected) > 0 ||
			err != nil {
			t.Errorf("%s: %+v, %+v, %v", project, agent, rejected, err)
		}
	}
}

func TestMissing(t *testing.T) {
	err := Missing("/p", limatype.AARCH64, []Rejected{{"/p/bin/world-agent", "it is a script"}}, layout.All)
	for text, words := range map[string][]string{
		err.Why: {"/p holds no world-agent or world-service as bin/linux/NAME, ",
			"target/aarch64-unknown-linux-gnu/{release,debug}/NAME, ", "target/{release,debug}/NAME, and no Cargo",
			"/p/bin/world-agent was not taken: it is a script"},
		err.Next: {
			"--agent FILE", "WORLDSETUP_AGENT", "bin/linux/world-agent", "--agent builtin", "runs no commands",
			"cargo build --release --locked -p world-agent --target aarch64-unknown-linux-musl",
		},
	} {
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%q is not in: %s", word, text)
			}
		}
	}
}
