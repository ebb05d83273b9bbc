package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision"
)

// noVMs is the consent where there are no VMs to name.
const noVMs = "none"

// traces is all that worldsetup has put on this machine, in this Lima home, for this user.
type traces struct {
	VMs   []string // worlds, each with its backup and what interrupted runs left
	locks []string // names of VMs that have gone, whose files are still there
	Files []trace
	Left  []trace
}

// trace is a file that is removed, or something that is left, with what it is, or how a person removes it.
type trace struct {
	Path string `json:"path"`
	What string `json:"what"`
}

// consent returns the names that agree to it.
func (t traces) consent() string {
	if len(t.VMs) == 0 {
		return noVMs
	}
	return strings.Join(t.VMs, ",")
}

// findTraces searches this machine.
func (a *app) findTraces(spec provision.Spec) (found traces) {
	found.VMs = provision.Worlds(spec.LimaHome)
	locks, _ := filepath.Glob(filepath.Join(spec.LimaHome, "_worldsetup.*.lock")) // the pattern is a constant
	for _, path := range locks {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "_worldsetup."), ".lock")
		if provision.CheckName(name) == nil && !slices.Contains(found.VMs, name) {
			found.locks = append(found.locks, name)
		}
	}
	store := writtenFiles(spec.StateDir)
	paths, _ := store.Paths() // none, when it can't be read
	if user := config.UserPath(a.getenv); user != "" && !slices.Contains(paths, user) {
		paths = append(paths, user)
	}
	for _, path := range paths {
		switch info, err := os.Lstat(path); {
		case err != nil: // it has gone
		case info.Mode().IsRegular() && (isWritten(path, spec.StateDir) || path == config.UserPath(a.getenv)):
			found.Files = append(found.Files, trace{path, "settings that worldsetup saved"})
		default:
			found.Left = append(found.Left, trace{path, "changed after it was written: rm " + shellescape.Quote(path)})
		}
	}
	found.Files = append(found.Files, installedHere(a.getenv("HOME"))...)
	entries, _ := os.ReadDir(spec.StateDir)
	for _, entry := range entries {
		what := "the log of a run"
		switch {
		case entry.Name() == "trusted.json":
			what = "what you trusted"
		case filepath.Ext(entry.Name()) == ".json":
			what = "what worldsetup remembers"
		}
		found.Files = append(found.Files, trace{filepath.Join(spec.StateDir, entry.Name()), what})
	}
	found.Left = append(found.Left, notOurs()...)
	return found
}

const manualPage = "a manual page"

// installedHere are completions and manual pages in the user's own directories, where `worldsetup completion` and
// `worldsetup man` say that they go. Their content shows whose they are.
func installedHere(home string) (files []trace) {
	for _, place := range []struct{ pattern, begin, what string }{
		{".local/share/bash-completion/completions/worldsetup", "# bash completion", "completions"},
		{".local/share/zsh/site-functions/_worldsetup", "#compdef worldsetup", "completions"},
		{".zfunc/_worldsetup", "#compdef worldsetup", "completions"},
		{".config/fish/completions/worldsetup.fish", "# fish completion for worldsetup", "completions"},
		{".local/share/fish/vendor_completions.d/worldsetup.fish", "# fish completion for worldsetup", "completions"},
		{".local/share/man/man1/worldsetup*.1", `.TH "WORLDSETUP`, manualPage},
	} {
		found, _ := filepath.Glob(filepath.Join(home, place.pattern)) // the patterns are constants
		for _, path := range found {
			info, err := os.Lstat(path)
			if text, rerr := os.ReadFile(path); err == nil && rerr == nil && info.Mode().IsRegular() &&
				strings.HasPrefix(string(text), place.begin) {
				files = append(files, trace{path, place.what})
			}
		}
	}
	return files
}

// notOurs is what a user may have got for worldsetup, and which others use as well.
func notOurs() []trace {
	left := []trace{
		{"downloads of Lima", "limactl prune"},
		{"Lima, with its other VMs", "limactl list shows them; brew uninstall lima, or however you installed it"},
	}
	if platform.OS() == "darwin" {
		left = append(left, trace{"packages of Homebrew", "brew uninstall qemu; brew autoremove"})
	} else {
		left = append(left, trace{"packages of the system",
			"sudo apt-get remove qemu-system-x86 qemu-system-arm qemu-utils, or however you installed them"})
	}
	return append(left,
		trace{"worlds in another LIMA_HOME", "LIMA_HOME=DIR worldsetup remove --all"},
		trace{"worldsetup itself",
			"make uninstall PREFIX=DIR, brew uninstall --cask worldsetup, or sudo apt-get remove worldsetup"},
	)
}

// removeAll removes everything that worldsetup has put on this machine, once names agree to that.
func (a *app) removeAll(ctx context.Context, spec provision.Spec, names string) error {
	found := a.findTraces(spec)
	one := func(name string) provision.Setup {
		spec := spec
		spec.VM, spec.Remove = name, name
		return provision.Setup{Spec: spec}
	}
	for _, name := range found.VMs {
		if _, err := a.engine(one(name)).PlanRemove(ctx); err != nil {
			return err // nothing was changed
		}
	}
	if a.json == nil {
		showTraces(a.stdout(), found)
	}
	if err := a.agreeToAll(ctx, found, names); err != nil {
		return err
	}
	for _, name := range append(slices.Clone(found.VMs), found.locks...) {
		setup := one(name)
		if a.json == nil && slices.Contains(found.VMs, name) {
			setup.Events = a.face("removed").show
		}
		if err := a.engine(setup).Remove(ctx); err != nil && !provision.IsForeign(err) {
			return err
		}
	}
	failed := removeFiles(found.Files)
	_ = os.Remove(spec.StateDir) // unless something is left in it
	if user := config.UserPath(a.getenv); user != "" {
		_ = os.Remove(filepath.Dir(user))
	}
	if failed != nil {
		return &provision.Error{Kind: provision.KindProvisioning, What: "not all files could be removed",
			Why: failed.Error(), Next: "remove them yourself, or run it again", Err: failed}
	}
	if a.json != nil {
		a.json.result(removedObject{provision.Schema, append([]string{}, found.VMs...),
			append([]trace{}, found.Files...), found.Left})
		return nil
	}
	a.stdout().printf("removed all of it")
	return nil
}

// removedObject is the JSON form of what was removed, and of what is left with the commands for it.
type removedObject struct {
	Schema int      `json:"schema"`
	VMs    []string `json:"vms"`
	Files  []trace  `json:"files"`
	Left   []trace  `json:"left"`
}

// showTraces shows what will be removed, and what will not.
func showTraces(to *lines, found traces) {
	to.printf("will be removed:")
	var rows [][]string
	for _, name := range found.VMs {
		rows = append(rows, []string{"the VM " + name, "with its backup, its log and its locks"})
	}
	pages := 0
	for _, file := range found.Files {
		if file.What != manualPage {
			rows = append(rows, []string{file.Path, file.What})
		} else if pages++; pages == 1 {
			rows = append(rows, []string{filepath.Join(filepath.Dir(file.Path), "worldsetup*.1"), "manual pages"})
		}
	}
	table(to, rows)
	if len(rows) == 0 {
		to.printf("  nothing: there are no worlds, settings or logs")
	}
	to.printf("will be left, with the commands that remove it:")
	rows = nil
	for _, one := range found.Left {
		rows = append(rows, []string{one.Path, one.What})
	}
	table(to, rows)
}

// agreeToAll returns nil when all VMs were named, in the flag or at the prompt.
func (a *app) agreeToAll(ctx context.Context, found traces, names string) error {
	missing := &provision.Error{
		Kind: provision.KindReplacement, What: "nothing was removed: there was no consent",
		Next: "read the list, then: worldsetup remove --all=" + found.consent(),
	}
	switch {
	case names == found.consent():
		return nil
	case names != "":
		return usage("read the list, then: worldsetup remove --all="+found.consent(),
			"the consent is for %s, but the VMs are: %s", names, found.consent())
	case !a.canAsk():
		return missing
	}
	answer, err := newPrompter(a.person, a.utf8).ask(ctx, "type "+found.consent()+" to remove all of it:")
	switch {
	case err != nil:
		return err
	case answer != found.consent():
		return provision.Declined(missing)
	}
	return nil
}

// removeFiles removes files; those that have gone meanwhile are no error.
func removeFiles(files []trace) (failed error) {
	for _, file := range files {
		if err := os.Remove(file.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// writtenFiles holds which files worldsetup wrote, with the digest of what it wrote last.
func writtenFiles(stateDir string) config.Trust {
	return config.Trust{Path: filepath.Join(stateDir, "written.json")}
}

// keepWritten remembers that worldsetup wrote a file. That it can't is no reason to fail.
func keepWritten(path, stateDir string, text []byte) {
	_ = writtenFiles(stateDir).Add(resolved(path), digest(text))
}

// isWritten reports whether a file holds what worldsetup wrote, or is not there yet.
func isWritten(path, stateDir string) bool {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	before, _ := writtenFiles(stateDir).Digest(resolved(path))
	return err == nil && before == digest(text)
}

func digest(text []byte) string {
	hash := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(hash[:])
}

// resolved returns the path of a file through no symbolic link to its directory.
func resolved(path string) string {
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}
