package staging_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/staging"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func walk(t *testing.T, project string) *staging.Tree {
	t.Helper()
	tree, err := staging.Walk(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func paths(tree *staging.Tree) (paths []string) {
	for _, e := range tree.Entries {
		paths = append(paths, string(e.Type)+" "+e.Path)
	}
	return paths
}

// copyOf is a copy that is as its project.
func copyOf(tree *staging.Tree) *staging.Copy {
	return staging.NewCopy(slices.Clone(tree.Entries), tree.Manifest())
}

// TestWalk: what is excluded is left out at any level, whatever it is; links are not followed; and what has no content
// is named.
func TestWalk(t *testing.T) {
	outside, project := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	for _, path := range []string{"src/main.rs", ".git/HEAD", "src/target/debug/x", "target", "a/.DS_Store", ".codex/x",
		layout.ManifestName, "sub/" + layout.ManifestName, "targets/kept", "Target/kept"} {
		write(t, filepath.Join(project, path), "x")
	}
	for link, to := range map[string]string{"out": outside, "dangling": "/nowhere", "dir": "src"} {
		if err := os.Symlink(to, filepath.Join(project, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(project, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	tree := walk(t, project)
	want := []string{"d Target", "f Target/kept", "d a", "l dangling", "l dir", "l out", "d src", "f src/main.rs", "d sub",
		"f sub/" + layout.ManifestName, "d targets", "f targets/kept"}
	if got := paths(tree); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !slices.Equal(tree.Skipped, []string{"fifo"}) {
		t.Errorf("skipped %q", tree.Skipped)
	}
	var stream bytes.Buffer
	if _, err := staging.Compare(tree, nil).Write(t.Context(), &stream, nil); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stream.String(), "secret") {
		t.Error("something outside of the project was read")
	}
}

func TestCompare(t *testing.T) {
	project := t.TempDir()
	for _, path := range []string{"a", "b/c", "b/d", "e/f/g"} {
		write(t, filepath.Join(project, path), path)
	}
	tree := walk(t, project)
	if d := staging.Compare(tree, copyOf(tree)); !d.Empty() || d.Reasons() != nil {
		t.Errorf("a copy that is up to date: %+v", d.Reasons())
	}
	for name, test := range map[string]struct {
		damage func(c *staging.Copy)
		stale  bool
		words  string
		remove []string
	}{
		"a file is missing": {func(c *staging.Copy) { c.Entries = c.Entries[1:] }, true, "1 new", nil},
		"a file is older":   {func(c *staging.Copy) { c.Entries[0].ModTime -= 1e9 }, true, "1 changed", []string{"a"}},
		"a file is newer":   {func(c *staging.Copy) { c.Entries[0].ModTime += 1e9 }, true, "newer there: 1", []string{"a"}},
		"of another mode":   {func(c *staging.Copy) { c.Entries[0].Mode = 0o666 }, true, "1 changed", []string{"a"}},
		"a link in place":   {func(c *staging.Copy) { c.Entries[1].Type = 'l' }, true, "other directories", []string{"b"}},
		"a file of its own": {func(c *staging.Copy) {
			c.Entries = append(c.Entries, staging.NewCopy([]staging.Entry{{Path: "x", Type: 'f'}}, "").Entries...)
		}, true, "only there: 1", []string{"x"}},
		"all of e is a file": {func(c *staging.Copy) {
			c.Entries = c.Entries[:4]
			c.Entries = append(c.Entries, staging.NewCopy([]staging.Entry{{Path: "e", Type: 'f'}}, "").Entries...)
		}, true, "1 new", []string{"e"}},
		"no manifest":        {func(c *staging.Copy) { c.Manifest = "" }, false, "manifest", nil},
		"of another project": {func(c *staging.Copy) { c.Manifest = "project_path=/x\n" }, false, "manifest", nil},
		"another commit": {func(c *staging.Copy) { c.Manifest += "git_head=" + strings.Repeat("a", 40) + "\n" }, true,
			"commit", nil},
		"left over": {func(c *staging.Copy) { c.Leftover = true }, false, "not finished", nil},
	} {
		seen := copyOf(tree)
		test.damage(seen)
		d := staging.Compare(tree, seen)
		if d.Empty() || d.Stale() != test.stale || !strings.Contains(strings.Join(d.Reasons(), "; "), test.words) ||
			!slices.Equal(d.Remove, test.remove) {
			t.Errorf("%s: stale is %v, removed %q, the reasons %q", name, d.Stale(), d.Remove, d.Reasons())
		}
	}
}

// TestListingOfOddNames: names hold everything but a slash and a NUL, and the list comes in pieces.
func TestListingOfOddNames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	want := map[string]string{}
	var text bytes.Buffer
	for range 500 {
		name := make([]byte, 1+random.IntN(40))
		for i := range name {
			for name[i] = byte(1 + random.IntN(255)); name[i] == '/'; {
				name[i] = '|'
			}
		}
		want["dir/"+string(name)] = "to\n" + string(name)
		fmt.Fprintf(&text, "l|777|3|-1.5000000000|1|2|dir/%s\x00to\n%s\x00", name, name)
	}
	var listing staging.Listing
	lines := []string{"worldsetup-staged 1", "owner:1:2", "manifest:" +
		base64.StdEncoding.EncodeToString([]byte("project_path=/a\nb=c\n"))}
	for encoded := base64.StdEncoding.EncodeToString(text.Bytes()); len(encoded) > 0; {
		n := min(len(encoded), 3000)
		lines = append(lines, encoded[:n])
		encoded = encoded[n:]
	}
	for _, line := range append(lines, "end:") {
		listing.Line(line)
	}
	copied, err := listing.Done()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range copied.Entries {
		got[e.Path] = e.Link
	}
	if !maps.Equal(got, want) || staging.ParseManifest(copied.Manifest).Project != "/a" {
		t.Errorf("%d of %d entries, the manifest %q", len(got), len(want), copied.Manifest)
	}
}

func TestBadListings(t *testing.T) {
	entry := base64.StdEncoding.EncodeToString([]byte("f|644|3|1.5|1|2|a\x00\x00"))
	for name, lines := range map[string][]string{
		"nothing":         nil,
		"another version": {"worldsetup-staged 2", "end:"},
		"cut off":         {"worldsetup-staged 1", entry},
		"more after it":   {"worldsetup-staged 1", "end:", entry},
		"half an entry": {"worldsetup-staged 1", base64.StdEncoding.EncodeToString([]byte("f|644|3|1.5|1|2|a\x00")),
			"end:"},
		"no base64": {"worldsetup-staged 1", "???", "end:"},
		"a size that isnt": {"worldsetup-staged 1", base64.StdEncoding.EncodeToString([]byte("f|644|x|1.5|1|2|a\x00\x00")),
			"end:"},
		"no path": {"worldsetup-staged 1", base64.StdEncoding.EncodeToString([]byte("f|644|3|1.5|1|2|\x00\x00")),
			"end:"},
	} {
		var listing staging.Listing
		for _, line := range lines {
			listing.Line(line)
		}
		if _, err := listing.Done(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// trick is a destination that does something to the project once a file has begun to come.
type trick struct {
	bytes.Buffer
	do func()
}

func (t *trick) Write(p []byte) (int, error) {
	if t.Len() > 300<<10 && t.do != nil {
		t.do()
		t.do = nil
	}
	return t.Buffer.Write(p)
}

// TestFilesThatChange: a file that changes while it is read leaves a whole stream, and is named.
func TestFilesThatChange(t *testing.T) {
	const size = 1 << 20
	for name, change := range map[string]func(path string) error{
		"shrinks":     func(path string) error { return os.Truncate(path, 10) },
		"grows":       func(path string) error { return os.Truncate(path, 2*size) },
		"is replaced": func(path string) error { return os.Rename(path, path+".old") },
	} {
		project := t.TempDir()
		write(t, filepath.Join(project, "big"), strings.Repeat("x", size))
		write(t, filepath.Join(project, "next"), "next")
		tree := walk(t, project)
		to := &trick{do: func() {
			if err := change(filepath.Join(project, "big")); err != nil {
				t.Error(err)
			}
		}}
		changed, err := staging.Compare(tree, nil).Write(t.Context(), to, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"big"}
		if name == "is replaced" { // it was read to its end
			want = nil
		}
		if !slices.Equal(changed, want) {
			t.Errorf("%s: changed are %q", name, changed)
		}
		reader := tar.NewReader(&to.Buffer)
		for _, want := range []struct {
			name string
			size int64
		}{{"./big", size}, {"./next", 4}, {"./" + layout.ManifestName, int64(len(tree.Manifest()))}} {
			header, err := reader.Next()
			if err != nil || header.Name != want.name || header.Size != want.size {
				t.Fatalf("%s: %v, %+v, want %+v", name, err, header, want)
			}
		}
	}
}

// TestSwappedForALink: what was a file when the project was listed, and is a link to something outside now, is not
// read.
func TestSwappedForALink(t *testing.T) {
	project, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	write(t, outside, "secret")
	for _, name := range []string{"file", "dir/file", "pipe"} {
		write(t, filepath.Join(project, name), "as it was")
	}
	tree := walk(t, project)
	if err := errors.Join(os.Remove(filepath.Join(project, "file")), os.Symlink(outside, filepath.Join(project, "file")),
		os.RemoveAll(filepath.Join(project, "dir")), os.Symlink(filepath.Dir(outside), filepath.Join(project, "dir")),
		os.Remove(filepath.Join(project, "pipe")), syscall.Mkfifo(filepath.Join(project, "pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	changed, err := staging.Compare(tree, nil).Write(t.Context(), &stream, nil)
	if strings.Contains(stream.String(), "secret") {
		t.Error("something outside of the project was read")
	}
	if err == nil && len(changed) != 3 {
		t.Errorf("changed are %q", changed)
	}
}

// TestMemory: what is in memory does not depend on the sizes of the files.
func TestMemory(t *testing.T) {
	project := t.TempDir()
	write(t, filepath.Join(project, "big"), "")
	const size = 2 << 30
	if err := os.Truncate(filepath.Join(project, "big"), size); err != nil { // it is sparse
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var moved int64
	_, err := staging.Compare(walk(t, project), nil).Write(t.Context(), io.Discard, func(bytes int64) { moved = bytes })
	runtime.ReadMemStats(&after)
	if err != nil || moved != size {
		t.Errorf("%v, %d bytes", err, moved)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("%d KiB were allocated", grown>>10)
	}
}

// TestCancelled: a run that is cancelled ends the stream within a file.
func TestCancelled(t *testing.T) {
	project := t.TempDir()
	write(t, filepath.Join(project, "big"), strings.Repeat("x", 1<<20))
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := errors.New("ended")
	_, err := staging.Compare(walk(t, project), nil).Write(ctx, io.Discard, func(int64) { cancel(ended) })
	if !errors.Is(err, ended) {
		t.Errorf("%v", err)
	}
}

func TestGitHead(t *testing.T) {
	one, two := strings.Repeat("1", 40), strings.Repeat("2", 40)
	for name, test := range map[string]struct {
		files map[string]string
		in    string
		want  string
	}{
		"none":     {map[string]string{"a": "x"}, "", ""},
		"detached": {map[string]string{".git/HEAD": one + "\n"}, "", one},
		"a branch": {map[string]string{".git/HEAD": "ref: refs/heads/a/b\n", ".git/refs/heads/a/b": one + "\n"}, "",
			one},
		"packed": {map[string]string{".git/HEAD": "ref: refs/heads/a\n", ".git/packed-refs": "# pack-refs\n" +
			two + " refs/heads/aa\n" + one + " refs/heads/a\n^" + two + "\n"}, "", one},
		"in a directory": {map[string]string{".git/HEAD": one + "\n", "sub/a": "x"}, "sub", one},
		"a linked one": {map[string]string{"main/.git/worktrees/w/HEAD": "ref: refs/heads/a\n",
			"main/.git/worktrees/w/commondir": "../..\n", "main/.git/refs/heads/a": one +
				"\n", "w/.git": "gitdir: ../main/.git/worktrees/w\n"}, "w", one},
		"no commit yet":   {map[string]string{".git/HEAD": "ref: refs/heads/a\n"}, "", ""},
		"leads elsewhere": {map[string]string{".git/HEAD": "ref: ../../secret\n", "secret": one + "\n"}, "", ""},
		"is garbled":      {map[string]string{".git/HEAD": "\x00\x01"}, "", ""},
		"another form": {map[string]string{".git/HEAD": "ref: refs/heads/.invalid\n", ".git/reftable/tables.list": "x"},
			"", ""},
		"head is a folder": {map[string]string{".git/HEAD/x": one + "\n"}, "", ""},
	} {
		project := t.TempDir()
		for path, text := range test.files {
			write(t, filepath.Join(project, path), text)
		}
		if got := walk(t, filepath.Join(project, test.in)).GitHead; got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestManyFiles: a hundred thousand files are compared without much ado.
func TestManyFiles(t *testing.T) {
	const n = 100_000
	tree := &staging.Tree{Project: "/p"}
	for i := range n {
		tree.Entries = append(tree.Entries, staging.Entry{Path: fmt.Sprintf("d/%d", i), Type: staging.File,
			ModTime: int64(time.Second)})
	}
	seen := copyOf(tree)
	seen.Entries[n/2].ModTime++
	if d := staging.Compare(tree, seen); d.Changed != 1 || d.Added+d.Gone != 0 {
		t.Errorf("%q", d.Reasons())
	}
}
