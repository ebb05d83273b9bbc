package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// no one is the user that runs the command when the tests run as root: Lima refuses root, and root reads everything.
const nobody = 65534

func TestMain(m *testing.M) {
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // else each call of the command takes a second longer under -race
	}
	testscript.Main(m, map[string]func(){
		"worldsetup": func() {
			if err := dropRoot(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(99)
			}
			main()
		},
	})
}

func dropRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody))
}

// TestScripts runs testdata/script. Its commands, beside those of testscript:
//
//	exits CODE PROGRAM ARG…   runs it; the exit code must be CODE, no output may hold an escape byte, and JSON fits its
//	                          schema
//	unread CODE PROGRAM ARG…  the same with a standard output that is not read
//	unchanged [besides-state] the home directory must be as before the script, or all of it but the state directory
//	events TYPE…              the last standard output must be events: these types, in this order, others between them
//	fill FILE BYTES           makes a file of that size
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     scriptExits,
			"unread":    scriptUnread,
			"unchanged": scriptUnchanged,
			"events":    scriptEvents,
			"fill":      scriptFill,
		},
	})
}

// before is the key of the home directory's fingerprint.
type before struct{}

// withoutLima is path with the machine's own limactl taken out: a directory that has one is replaced by one of links to
// everything else in it. `make world` installs one, and the scripts about a missing Lima found it.
func withoutLima(path, work string) (string, error) {
	dirs := filepath.SplitList(path)
	for i, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "limactl")); err != nil {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return "", err
		}
		links := filepath.Join(work, "path", strconv.Itoa(i))
		if err := os.MkdirAll(links, 0o755); err != nil {
			return "", err
		}
		for _, entry := range entries {
			if entry.Name() == "limactl" {
				continue
			}
			if err := os.Symlink(filepath.Join(dir, entry.Name()), filepath.Join(links, entry.Name())); err != nil {
				return "", err
			}
		}
		dirs[i] = links
	}
	return strings.Join(dirs, string(filepath.ListSeparator)), nil
}

func setUpScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := errors.Join(os.MkdirAll(home, 0o755), os.MkdirAll(filepath.Join(env.WorkDir, "project"),
		0o755)); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	// Asking for emulation in so many words is fine on every Linux machine, with or without /dev/kvm.
	env.Setenv("QEMU_SYSTEM_X86_64", "qemu-fake -machine q35,accel=tcg -cpu max")
	env.Setenv("QEMU_SYSTEM_AARCH64", "qemu-fake -machine virt,accel=tcg -cpu max")
	if err := fakePrograms(filepath.Join(env.WorkDir, "bin")); err != nil {
		return err
	}
	if err := fakeDownloads(env); err != nil {
		return err
	}
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		return err
	}
	env.Setenv("DOCS", docs)
	env.Setenv("NEWLINE", "\n")
	env.Setenv("LONG", strings.Repeat("a", 300))
	if err := give(env.WorkDir); err != nil {
		return err
	}
	path, err := withoutLima(env.Getenv("PATH"), env.WorkDir) // not given away: its links lead out of there
	if err != nil {
		return err
	}
	env.Setenv("PATH", filepath.Join(env.WorkDir, "bin")+":"+path)
	env.Values[before{}], err = fingerprint(home)
	return err
}

// fakeProgram prints its version, as QEMU does, and nothing else.
const fakeProgram = `#!/bin/sh
[ "$*" = --version ] && echo 'QEMU emulator version 8.2.2 (fake)' && exit
echo "unexpected: $0 $*" >&2
exit 98
`

// fakeDownloads puts what Lima would have downloaded, its guest agent and QEMU's firmware where they are searched for:
// no script may depend on a network.
func fakeDownloads(env *testscript.Env) error {
	cache := filepath.Join(env.WorkDir, "cache")
	env.Setenv("XDG_CACHE_HOME", cache)
	profile, err := lima.ParseProfile(embed.Profile())
	if err != nil {
		return err
	}
	files := []string{filepath.Join(env.WorkDir, "share/lima/lima-guestagent.Linux-x86_64.gz"),
		filepath.Join(env.WorkDir, "share/lima/lima-guestagent.Linux-aarch64.gz")}
	for _, image := range profile.Images {
		files = append(files, fmt.Sprintf("%s/lima/download/by-url-sha256/%x/data", cache,
			sha256.Sum256([]byte(image.Location))))
	}
	archive := filepath.Join(cache, "lima/download/by-url-sha256/containerd")
	files = append(files, filepath.Join(archive, "data"))
	for _, arch := range []limatype.Arch{limatype.X8664, limatype.AARCH64} { // where QEMU in bin has it, as in /usr
		files = append(files, filepath.Join(env.WorkDir, "share/qemu/edk2-"+arch+"-code.fd"))
	}
	for _, file := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755),
			os.WriteFile(file, []byte("fake"), 0o644)); err != nil {
			return err
		}
	}
	const address = "https://github.com/containerd/nerdctl/releases/download/nerdctl-full.tar.gz"
	return os.WriteFile(filepath.Join(archive, "url"), []byte(address), 0o644)
}

// fakePrograms puts programs into bin that are searched for and not run, and makes executable what a script put there.
func fakePrograms(bin string) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"ssh", "qemu-fake", "qemu-img"} {
		err := os.WriteFile(filepath.Join(bin, name), []byte(fakeProgram), 0o755)
		if err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(bin)
	for _, entry := range entries {
		err = errors.Join(err, os.Chmod(filepath.Join(bin, entry.Name()), 0o755))
	}
	return err
}

// give lets the user nobody work in dir, if the command will run as that user.
func give(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // testscript's own, for this run only
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, nobody, nobody))
	})
}

// fingerprint is a line for everything below dir.
func fingerprint(dir string) (string, error) {
	var lines strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s %v", path, info.Mode())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&lines, " %x", sha256.Sum256(content))
		}
		fmt.Fprintln(&lines)
		return nil
	})
	return lines.String(), err
}

func scriptUnchanged(ts *testscript.TestScript, _ bool, args []string) {
	now, err := fingerprint(ts.Getenv("HOME"))
	ts.Check(err)
	if len(args) == 1 && args[0] == "besides-state" {
		now = regexp.MustCompile(`(?m)^\S+/home/\.local\b.*\n`).ReplaceAllString(now, "")
	}
	if was := ts.Value(before{}).(string); now != was {
		ts.Fatalf("the home directory was:\n%s\nand is:\n%s", was, now)
	}
}

func scriptExits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	judge(ts, args[0], err, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	ts.Check(fitSchema(ts.ReadFile("stdout")))
}

// judge compares an exit code, and holds the output against the rules for all of it.
func judge(ts *testscript.TestScript, want string, err error, stdout, stderr string) {
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
	if i := strings.IndexFunc(stdout+stderr, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
		ts.Fatalf("the output holds %q", (stdout + stderr)[i:i+1])
	}
	if code != 0 && !strings.HasPrefix(stderr, "error: ") {
		ts.Fatalf("a failure must report it on standard error")
	}
	if code != 0 && code != 1 && !strings.Contains(stderr, "\n  next: ") {
		ts.Fatalf("a failure must report what to do next")
	}
}

func scriptUnread(ts *testscript.TestScript, _ bool, args []string) {
	// A child that another script is starting just now would hold the reader open until it has become its program.
	syscall.ForkLock.RLock()
	reader, writer, err := os.Pipe()
	if err == nil {
		err = reader.Close()
	}
	syscall.ForkLock.RUnlock()
	ts.Check(err)
	defer writer.Close()
	var stderr bytes.Buffer
	cmd := exec.Command(lookPath(ts, args[1]), args[2:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), writer, io.MultiWriter(&stderr, ts.Stderr())
	for _, name := range []string{"HOME", "PATH", "WORK", "QEMU_SYSTEM_X86_64",
		"QEMU_SYSTEM_AARCH64", "XDG_CACHE_HOME"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	judge(ts, args[0], cmd.Run(), "", stderr.String())
}

// lookPath finds a program on the script's own path.
func lookPath(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	ts.Fatalf("%s is not on the path", name)
	return ""
}

func scriptEvents(ts *testscript.TestScript, _ bool, types []string) {
	last := ""
	for i, line := range strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n") {
		var event provision.Event
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&event); err != nil {
			ts.Fatalf("line %d is no event: %v", i+1, err)
		}
		if event.Schema != provision.Schema || event.Seq != i+1 || event.Time.IsZero() {
			ts.Fatalf("line %d has schema %d, number %d, time %v", i+1, event.Schema, event.Seq, event.Time)
		}
		if last = string(event.Type); len(types) > 0 && last == types[0] {
			types = types[1:]
		}
	}
	if len(types) > 0 || last != string(provision.EventFinished) {
		ts.Fatalf("not seen: %v; the last one is %q", types, last)
	}
}

func scriptFill(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte("#\n"), int(size/2)), 0o644))
}
