package staging_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/staging"
)

// place runs the scripts of the guest on this machine, as the user who is there.
type place struct {
	root string
	user *user.User
}

func newPlace(t *testing.T) place {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return place{filepath.Join(t.TempDir(), "staged-workspace"), me}
}

func (p place) current() string { return filepath.Join(p.root, "current") }

func (p place) run(t *testing.T, script embed.Script, input io.Reader, args ...string) (stdout string, err error) {
	t.Helper()
	text := script.Text
	for _, change := range [][2]string{ // whom it belongs to, only root can choose
		{`setpriv --reuid="$user" --regid=substrate --clear-groups `, ""},
		{`install -d -m 0750 -o root -g substrate`, `install -d -m 0750`},
		{`chown -hR "$user:substrate" "$new"`, ":"},
		{"group=$(getent group substrate)", "group=x:x:" + p.user.Gid + ":"},
	} {
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", text, script.Name}, args...)...)
	cmd.Env, cmd.Stdin = append(os.Environ(), "LC_ALL=C"), input
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, stderr.String())
	}
	return out.String(), nil
}

func (p place) listed(t *testing.T) *staging.Copy {
	t.Helper()
	out, err := p.run(t, embed.Staged, nil, append([]string{p.root, layout.ManifestName, p.user.Username},
		staging.Excluded...)...)
	if err != nil {
		t.Fatal(err)
	}
	var listing staging.Listing
	for line := range strings.Lines(out) {
		listing.Line(strings.TrimSuffix(line, "\n"))
	}
	copied, err := listing.Done()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return copied
}

func (p place) begin(t *testing.T, d *staging.Delta) {
	t.Helper()
	var remove strings.Builder
	for _, path := range d.Remove {
		remove.WriteString("./" + path + "\x00")
	}
	if _, err := p.run(t, embed.Stage, strings.NewReader(remove.String()), "begin", p.root, p.user.Username,
		layout.ManifestName); err != nil {
		t.Fatal(err)
	}
}

func (p place) end(t *testing.T, stream io.Reader) error {
	t.Helper()
	_, err := p.run(t, embed.Stage, stream, "end", p.root, p.user.Username, layout.ManifestName)
	return err
}

// stage copies a project and wants the copy to be as the project. It returns what was done.
func (p place) stage(t *testing.T, project string) *staging.Delta {
	t.Helper()
	d := staging.Compare(walk(t, project), p.listed(t))
	p.begin(t, d)
	var stream bytes.Buffer
	if _, err := d.Write(t.Context(), &stream, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.end(t, &stream); err != nil {
		t.Fatal(err)
	}
	if left := staging.Compare(walk(t, project), p.listed(t)); !left.Empty() {
		t.Fatalf("something is left to do: %q, to be removed: %q", left.Reasons(), left.Remove)
	}
	if entries, err := os.ReadDir(p.root); err != nil || len(entries) != 1 {
		t.Fatalf("beside the copy: %v %v", entries, err)
	}
	return d
}

// TestStageScripts takes a project through its life.
func TestStageScripts(t *testing.T) {
	p, project := newPlace(t), t.TempDir()
	at := func(path string) string { return filepath.Join(project, path) }
	write(t, at("a"), "a")
	write(t, at("b/c"), "c")
	write(t, at("ro/file"), "x")
	write(t, at("long/"+strings.Repeat("n", 200)+"/"+strings.Repeat("m", 200)), "x")
	if err := errors.Join(os.Symlink("/etc", at("etc")), os.Symlink(strings.Repeat("x", 300), at("b/long")),
		os.Chmod(at("a"), 0o751), os.Chtimes(at("b/c"), time.Time{}, time.Unix(-5, 7)), os.Link(at("a"),
			at("hard"))); err != nil {
		t.Fatal(err)
	}
	if d := p.stage(t, project); d.Added != 7 || d.Gone+d.Changed != 0 {
		t.Errorf("at first: %q", d.Reasons())
	}
	kept, err := os.Stat(filepath.Join(p.current(), "b/c"))
	if err != nil {
		t.Fatal(err)
	}
	if d := p.stage(t, project); !d.Empty() {
		t.Errorf("again: %q", d.Reasons())
	}

	write(t, filepath.Join(p.current(), "target/debug/made"), "kept")
	write(t, filepath.Join(p.current(), "only here"), "lost")
	write(t, filepath.Join(p.current(), "a"), "other")
	write(t, at("new/file"), "new")
	if err := errors.Join(os.RemoveAll(at("long")), os.Remove(at("b/long")), os.Mkdir(at("b/long"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if d := p.stage(t, project); d.Added != 1 || d.Changed != 1 || d.Gone != 2 || d.Newer != 1 || d.Misfit != 1 {
		t.Errorf("after changes: %q, %+v", d.Reasons(), d)
	}
	if text, err := os.ReadFile(filepath.Join(p.current(), "target/debug/made")); string(text) != "kept" {
		t.Errorf("what is excluded: %q, %v", text, err)
	}
	if now, err := os.Stat(filepath.Join(p.current(), "b/c")); err != nil || !os.SameFile(now, kept) {
		t.Errorf("an unchanged file was sent again: %v", err)
	}

	// A link of the guest's in the place of a directory is not followed.
	outside := t.TempDir()
	if err := errors.Join(os.RemoveAll(filepath.Join(p.current(), "b")),
		os.Symlink(outside, filepath.Join(p.current(), "b"))); err != nil {
		t.Fatal(err)
	}
	p.stage(t, project)
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("it was written through a link: %v", entries)
	}

	if err := os.Chmod(at("ro"), 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(p.current(), "ro"), 0o700) })
	p.stage(t, project)
	write(t, at("z"), "z")
	p.stage(t, project)
	if err := errors.Join(os.Chmod(at("ro"), 0o700), os.RemoveAll(at("ro"))); err != nil {
		t.Fatal(err)
	}
	p.stage(t, project)
}

// TestCutOff: a stream that ends anywhere leaves the copy that was there, and the next one removes what is left of it.
func TestCutOff(t *testing.T) {
	p, project := newPlace(t), t.TempDir()
	write(t, filepath.Join(project, "a"), "before")
	p.stage(t, project)
	write(t, filepath.Join(project, "a"), "after it")
	write(t, filepath.Join(project, "b"), strings.Repeat("b", 3000))
	tree := walk(t, project)
	var stream bytes.Buffer
	if _, err := staging.Compare(tree, p.listed(t)).Write(t.Context(), &stream, nil); err != nil {
		t.Fatal(err)
	}
	whole := stream.Bytes()
	manifest := bytes.LastIndex(whole, []byte("./"+layout.ManifestName))
	for cut := 0; cut <= manifest; cut += 512 {
		p.begin(t, staging.Compare(tree, p.listed(t)))
		if err := p.end(t, bytes.NewReader(whole[:cut])); err == nil {
			t.Fatalf("a stream that ends after %d bytes of %d is taken for a whole one", cut, len(whole))
		}
		if text, err := os.ReadFile(filepath.Join(p.current(), "a")); string(text) != "before" {
			t.Fatalf("after %d bytes the copy holds %q, %v", cut, text, err)
		}
	}
	if d := staging.Compare(tree, p.listed(t)); !d.Leftover || d.Stale() {
		t.Errorf("nothing is left beside it: %+v", d)
	}
	p.stage(t, project)

	// Killed between two renames, where one does not do.
	if err := os.Rename(p.current(), filepath.Join(p.root, ".old")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(project, "c"), "c")
	p.begin(t, staging.Compare(tree, nil))
	if _, err := os.Stat(filepath.Join(p.current(), "a")); err != nil {
		t.Errorf("the copy is not back: %v", err)
	}
	p.stage(t, project)
}

// TestStageInThePlaceOfOthers: what stands where the copy should be is kept under another name.
func TestStageInThePlaceOfOthers(t *testing.T) {
	project := t.TempDir()
	write(t, filepath.Join(project, "a"), "a")
	elsewhere := t.TempDir()
	write(t, filepath.Join(elsewhere, "theirs"), "theirs")
	for name, make := range map[string]func(p place) error{
		"a file": func(p place) error {
			return errors.Join(os.Mkdir(p.root, 0o700), os.WriteFile(p.current(), nil, 0o600))
		},
		"a link": func(p place) error {
			return errors.Join(os.Mkdir(p.root, 0o700),
				os.Symlink(elsewhere, p.current()))
		},
		"a dangling link": func(p place) error {
			return errors.Join(os.Mkdir(p.root, 0o700),
				os.Symlink("/nowhere", p.current()))
		},
		"a link to a root": func(p place) error { return os.Symlink(elsewhere, p.root) },
	} {
		p := newPlace(t)
		if err := make(p); err != nil {
			t.Fatal(err)
		}
		d := staging.Compare(walk(t, project), p.listed(t))
		p.begin(t, d)
		var stream bytes.Buffer
		_, err := d.Write(t.Context(), &stream, nil)
		if err := errors.Join(err, p.end(t, &stream)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if left := staging.Compare(walk(t, project), p.listed(t)); !left.Empty() {
			t.Errorf("%s: %q", name, left.Reasons())
		}
	}
	if entries, _ := os.ReadDir(elsewhere); len(entries) != 1 {
		t.Errorf("elsewhere: %v", entries)
	}
}

// TestStageOddNames: names of any bytes, some hundred of them at random.
func TestStageOddNames(t *testing.T) {
	p, project := newPlace(t), t.TempDir()
	names := []string{"new\nline", "-rf", "é", "e\u0301", "\xff\xfe", "back\\slash", " ", "tab\t", "*", "a'b\"c$d`e", "~",
		"@LongLink",
		"case", "Case", "CASE", "\\n", "%s", "#x", "\x01\x7f", strings.Repeat("é", 127), "..."}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		name := make([]byte, 1+random.IntN(60))
		for i := range name {
			for name[i] = byte(1 + random.IntN(255)); name[i] == '/'; {
				name[i] = '-'
			}
		}
		if text := string(name); text != "." && text != ".." {
			names = append(names, text)
		}
	}
	for i, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		path := filepath.Join(project, name)
		switch i % 3 {
		case 0:
			write(t, path, name)
		case 1:
			write(t, filepath.Join(path, name), name)
		default:
			if err := os.Symlink(name, path); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.stage(t, project)
	for i, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if i%2 == 0 {
			if err := os.RemoveAll(filepath.Join(project, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.stage(t, project)
}
