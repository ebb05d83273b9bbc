package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/atomize-hq/worldsetup/internal/bundle"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/internal/redact"
)

const (
	// limit is how long one command may take: an iCloud home or a broken limactl hangs.
	limit = 30 * time.Second
	// most is how many bytes of one answer are kept.
	most = 64 << 10
)

// commands are the questions: first those of package checks, as it asks them.
func commands(home string) [][]string {
	list := [][]string{{"sw_vers"}, {"uname", "-srm"}}
	for _, name := range []string{
		"sysctl.proc_translated", "hw.optional.arm64", "hw.memsize", "kern.hv_support", "kern.hv_vmm_present",
		"hw.ncpu", "machdep.cpu.brand_string", "kern.maxfilesperproc",
	} {
		list = append(list, []string{"sysctl", name})
	}
	list = append(list, []string{"vm_stat"}, []string{"df", "-k", home}, []string{"launchctl", "limit", "maxfiles"},
		[]string{"ls", "-l", "/Library/Apple/usr/libexec/oah/RosettaLinux/rosetta"}, // where macOS has Rosetta for Linux
		[]string{"ssh", "-V"}, []string{"brew", "--version"}, []string{"brew", "--prefix"},
		[]string{"brew", "--prefix", "lima"})
	if limactl, err := exec.LookPath("limactl"); err == nil {
		list = append(list, []string{"xattr", limactl}, []string{"file", limactl},
			[]string{"codesign", "-d", "--entitlements", "-", limactl}, []string{"codesign", "-d", "-vv", limactl})
		if real, err := filepath.EvalSymlinks(limactl); err == nil {
			list = append(list, []string{"ls", "-l", limactl, real})
		}
	}
	return append(list, []string{"limactl", "--version"}, []string{"limactl", "info"},
		[]string{"limactl", "list", "--format", "json"})
}

// record asks all questions, and returns the answers in the form of checks/testdata/macs.
func record(ctx context.Context, vm string, hide *redact.Redactor) []byte {
	home := os.Getenv("HOME")
	var archive txtar.Archive
	var missing []string
	add := func(prefix string, command []string, content []byte) {
		if len(content) > most {
			content = append(content[:most:most], "\n[the rest was left out]\n"...)
		}
		archive.Files = append(archive.Files, txtar.File{
			Name: prefix + named(hide, command), Data: plain(redacted(hide, command, content))})
	}
	for _, command := range commands(home) {
		if _, err := exec.LookPath(command[0]); err != nil {
			missing = append(missing, named(hide, command))
			continue
		}
		stdout, stderr, err := ask(ctx, command)
		exit, exited := errors.AsType[*exec.ExitError](err)
		switch {
		case exited:
			add(fmt.Sprintf("exit %d: ", exit.ExitCode()), command, append(stderr, stdout...))
		case err != nil:
			add("no answer: ", command, []byte(err.Error()+"\n"))
		default:
			add("", command, stdout)
			if len(stderr) > 0 {
				add("stderr: ", command, stderr)
			}
		}
	}
	for _, path := range logs(home, vm) {
		content, err := bundle.File(path, most)(ctx)
		if err != nil {
			content = []byte(err.Error() + "\n")
		}
		add("file: ", []string{filepath.Base(path)}, content)
	}
	archive.Comment = []byte("A Mac, as `make mac-report` recorded it.\n" +
		"SOURCE: put the address of the issue here to which this file is attached.\n")
	if len(missing) > 0 {
		archive.Comment = fmt.Appendf(archive.Comment, "Not there: %s.\n", strings.Join(missing, "; "))
	}
	return txtar.Format(&archive)
}

// named returns a command as the name of its answer. Only paths in it are not ours.
func named(hide *redact.Redactor, command []string) string {
	words := slices.Clone(command)
	for i, word := range words {
		if strings.HasPrefix(word, "/") {
			words[i] = strings.Join(strings.Fields(hide.Text(word)), " ")
		}
	}
	return strings.Join(words, " ")
}

// redacted returns an answer without what tells whose it is. The name of a sysctl in it is what was asked for, and
// would be taken for a host's.
func redacted(hide *redact.Redactor, command []string, content []byte) []byte {
	if command[0] == "sysctl" {
		parts := bytes.Split(content, []byte(command[1]))
		for i, part := range parts {
			parts[i] = []byte(hide.Text(string(part)))
		}
		return bytes.Join(parts, []byte(command[1]))
	}
	shown := hide.File(content)
	if bytes.Equal(shown, bytes.ReplaceAll(content, []byte("\t"), []byte(" "))) {
		return content // nothing was redacted: tabs stay
	}
	return shown
}

// ask runs a command, which gets no input.
func ask(ctx context.Context, command []string) (stdout, stderr []byte, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %v", limit))
	defer cancel()
	var out, errs bytes.Buffer
	cmd := process.Command(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err = process.Run(cmd); err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out.Bytes(), errs.Bytes(), err
}

// logs are Lima's logs of the VM's last start, if there is one, which show the phases of a boot.
func logs(home, vm string) []string {
	lima := os.Getenv("LIMA_HOME")
	if lima == "" {
		lima = filepath.Join(home, ".lima")
	}
	var found []string
	for _, pattern := range []string{"ha.stdout.log", "ha.stderr.log", "serial*.log"} {
		entries, err := os.ReadDir(filepath.Join(lima, vm))
		if err != nil {
			return nil
		}
		for _, entry := range entries {
			if ok, _ := filepath.Match(pattern, entry.Name()); ok { // the patterns are right
				found = append(found, filepath.Join(lima, vm, entry.Name()))
			}
		}
	}
	return found
}

// plain keeps a line of an answer from being taken for the begin of another one.
func plain(content []byte) []byte {
	var result bytes.Buffer
	for line := range bytes.Lines(content) {
		if bytes.HasPrefix(line, []byte("-- ")) {
			result.WriteByte(' ')
		}
		result.Write(line)
	}
	return result.Bytes()
}
