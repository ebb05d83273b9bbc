package worktree

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestPrimaryCheckout: a .git file counts only if git's own directory of the worktree names it too.
func TestPrimaryCheckout(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	worktree := func(of, name, back string) {
		put(of+"/worktrees/"+name+"/commondir", "../..\n")
		put(of+"/worktrees/"+name+"/gitdir", back+"\n")
	}
	put("primary/.git/HEAD", "ref: refs/heads/main\n")
	put("primary/sub/file", "x")
	worktree("primary/.git", "linked", filepath.Join(root, "linked/.git"))
	put("linked/.git", "gitdir: "+root+"/primary/.git/worktrees/linked\n")
	put("linked/a/b/file", "x")
	put("lying/.git", "gitdir: "+root+"/primary/.git/worktrees/linked\n")
	put("inventing/.git", "gitdir: own\n")
	put("inventing/own/commondir", root+"/primary/.git\n")
	put("inventing/own/gitdir", root+"/inventing/.git\n")
	put("submodule/.git", "gitdir: ../primary/.git/modules/submodule\n")
	put("primary/.git/modules/submodule/HEAD", "x\n")
	worktree("bare.git", "of-bare", filepath.Join(root, "of-bare/.git"))
	put("of-bare/.git", "gitdir: "+root+"/bare.git/worktrees/of-bare\n")
	put("odd/.git", "no such words\n")
	for dir, want := range map[string]string{
		"linked": "primary", "linked/a/b": "primary",
		"primary": "", "primary/sub": "", "lying": "", "inventing": "", "submodule": "", "of-bare": "", "odd": "", ".": "",
	} {
		primary, linked := Primary(filepath.Join(root, dir))
		if want != "" {
			want = filepath.Join(root, want)
		}
		if primary != want || (linked != "") != (want != "") {
			t.Errorf("%s: the primary checkout is %q of %q, want %q", dir, primary, linked, want)
		}
	}
}
