package vmswap_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// home is a directory that stands for Lima's home, and a small limactl over it. Both can be killed after some effects.
//
// Its content is written as "w=old w.ws-tmp=new!": a VM with "old" on its disk, and an unverified one beside it. A name
// with nothing behind it is an empty directory.
type home struct {
	vmswap.Place
	vmswap.Folders
	effects int // until the kill; negative: it never comes
	calls   []string
	fails   string // the call that fails
}

const (
	mark   = "/worldsetup-unproven"
	theirs = " other=theirs w.ws-older=theirs w2.ws-tmp=theirs wide=theirs!" // nothing may touch them
)

func newHome(t *testing.T, content string) *home {
	t.Helper()
	h := &home{effects: -1, Folders: vmswap.HostFolders()}
	h.Place = vmswap.Place{Home: t.TempDir(), VM: "w", Lima: lima.Client{Runner: h}, Folders: h}
	for _, vm := range strings.Fields(content + theirs) {
		name, disk, _ := strings.Cut(vm, "=")
		wantError(t, os.Mkdir(filepath.Join(h.Home, name), 0o700), "")
		if disk != "" {
			h.write(t, name+"/lima.yaml", "{}")
			h.write(t, name+"/status", "Running")
			h.write(t, name+"/ha.pid", "99999999") // of a process that has ended
			h.write(t, name+"/disk", strings.TrimSuffix(disk, "!"))
		}
		if strings.HasSuffix(disk, "!") {
			h.write(t, name+mark, `{"ran":true,"answered":["root"]}`)
		}
	}
	return h
}

func (h *home) write(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(h.Home, path)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600))
	wantError(t, err, "")
}

// want compares what there is with content.
func (h *home) want(t *testing.T, content string) {
	t.Helper()
	dirs, _ := filepath.Glob(h.Home + "/*") // the pattern is a good one
	want := strings.Fields(content + theirs)
	slices.Sort(want)
	for i, dir := range dirs {
		disk, _ := os.ReadFile(dir + "/disk") // there need be none
		dirs[i] = filepath.Base(dir) + "=" + string(disk)
		if _, err := os.Lstat(dir + mark); err == nil {
			dirs[i] += "!"
		}
	}
	if slices.Sort(dirs); !slices.Equal(dirs, want) {
		t.Errorf("there is %v, want %v", dirs, want)
	}
}

// effect does something, unless the kill comes first.
func (h *home) effect(do func() error) error {
	if h.effects--; h.effects == -1 {
		return errors.New("killed")
	}
	return do()
}

func (h *home) Move(from, to string) error {
	return h.effect(func() error { return h.Folders.Move(from, to) })
}

func (h *home) Unmark(path string) error {
	return h.effect(func() error { return h.Folders.Unmark(path) })
}

// Clear removes a part of the directory when the kill comes.
func (h *home) Clear(dir string) error {
	_ = os.Remove(dir + "/disk") // there need be none
	return h.effect(func() error { return h.Folders.Clear(dir) })
}

// Run is limactl. A VM's status is in its file "status".
func (h *home) Run(_ context.Context, command lima.Command) (result lima.Result, err error) {
	format := regexp.MustCompile(`--(log-)?(format|level) \w+ | -$`)
	call := format.ReplaceAllString(strings.Join(command.Args, " "), "")
	dir := filepath.Join(h.Home, call[strings.LastIndex(call, " ")+1:])
	if h.calls = append(h.calls, call); call == h.fails {
		return lima.Result{ExitCode: 1, Stderr: "limactl is unwell"}, nil
	}
	switch verb, _, _ := strings.Cut(call, " "); verb {
	case "list":
		status, _ := os.ReadFile(dir + "/status")
		config, _ := os.ReadFile(dir + "/lima.yaml")
		result.Stdout = fmt.Appendf(nil, `{"name":%q,"status":%q,"config":%s}`, filepath.Base(dir), status, config)
	case "stop":
		err = os.WriteFile(dir+"/status", []byte("Stopped"), 0o600)
	case "delete":
		err = h.Clear(dir)
	case "create":
		err = errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(dir+"/disk", command.Stdin, 0o600))
	}
	return result, err
}

// wantError wants an error that contains words; none when words are empty.
func wantError(t *testing.T, err error, words string) {
	t.Helper()
	if (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
		t.Fatalf("the error is %v, want %q", err, words)
	}
}

type act = func(*home, context.Context) error

// acts are the actions of a recovery.
var acts = map[string]act{
	vmswap.UndoAside:  func(h *home, ctx context.Context) error { return h.UndoAside(ctx, nil) },
	vmswap.UndoPlace:  func(h *home, ctx context.Context) error { return h.UndoPlace(ctx, nil) },
	vmswap.UndoRemove: func(h *home, ctx context.Context) error { return h.RemoveSpare(ctx, nil) },
	vmswap.UndoMark:   func(h *home, _ context.Context) error { return h.MarkVerified() },
	vmswap.UndoEmpty:  func(h *home, _ context.Context) error { return h.RemoveEmpty() },
	vmswap.UndoRename: func(h *home, _ context.Context) error { return h.Rejoin() },
}

func discard(suffix string) act {
	return func(h *home, ctx context.Context) error { return h.Discard(ctx, suffix, nil) }
}

func rename(from, to string) act {
	return func(h *home, _ context.Context) error { return h.Rename(from, to) }
}

func stop(h *home, ctx context.Context) error { return h.Stop(ctx, "", nil) }

func create(h *home, ctx context.Context) error {
	return h.Create(ctx, []byte("new"), vmswap.Note{Ran: true, Answered: []string{"root"}}, nil)
}

// TestProtocols plays them as a whole, over VMs that run, and reads what an unverified VM says of the old one.
func TestProtocols(t *testing.T) {
	for _, steps := range [][]struct {
		act  act
		want string
	}{{
		{nil, "w=old"},
		{create, "w=old w.ws-tmp=new!"},
		{stop, "w=old w.ws-tmp=new!"},
		{rename("", vmswap.Backup), "w.ws-old=old w.ws-tmp=new!"},
		{rename(vmswap.Spare, ""), "w=new! w.ws-old=old"},
		{acts[vmswap.UndoMark], "w=new w.ws-old=old"},
		{discard(vmswap.Backup), "w=new"},
	}, {
		{nil, "w=new! w.ws-old=old w.ws-tmp=x"}, // the replacement failed
		{acts[vmswap.UndoAside], "w.ws-tmp=new! w.ws-old=old"},
		{acts[vmswap.UndoPlace], "w.ws-tmp=new! w=old"},
	}, {
		{nil, "w=new w.ws-old=old"}, // the old one is restored
		{rename("", vmswap.Displaced), "w.ws-back=new w.ws-old=old"},
		{rename(vmswap.Backup, ""), "w.ws-back=new w=old"},
		{discard(vmswap.Displaced), "w=old"},
	}} {
		h := newHome(t, steps[0].want)
		for _, step := range steps[1:] {
			wantError(t, step.act(h, t.Context()), "")
			h.want(t, step.want)
			note, ok := h.ReadNote()
			if ok != strings.Contains(step.want, "!") || note.Ran != ok || note.Had("root") != ok || note.Had("user") {
				t.Errorf("with %s the note is %+v, %v", step.want, note, ok)
			}
		}
	}
}

// TestStop: in good order if it can be, by force if it can't, and not at all if there is nothing to stop.
func TestStop(t *testing.T) {
	for _, test := range []struct{ status, config, fails, calls, err string }{
		{"Running", "{}", "", "list w,stop w", ""},
		{"Running", "{}", "stop w", "list w,stop w,stop --force w", ""},
		{"Broken", "{}", "", "list w,stop --force w", ""},
		{"Broken", "{}", "stop --force w", "list w,stop --force w", "unwell"},
		{"Stopped", "{}", "", "list w", ""},
		{"Running", "null", "", "list w", ""}, // Lima can't read it
		{"Running", "{}", "list w", "list w", "unwell"},
	} {
		h := newHome(t, "w=")
		h.fails = test.fails
		h.write(t, "w/status", test.status)
		wantError(t, stop(h, t.Context()), "")
		h.write(t, "w/lima.yaml", test.config) // else Lima knows no VM
		wantError(t, stop(h, t.Context()), test.err)
		if calls := strings.Join(h.calls, ","); calls != test.calls {
			t.Errorf("%+v: the calls were %s", test, calls)
		}
	}
}

// TestRefused: what can't be done says why, and leaves everything as it was.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		content, file, fails string
		act                  act
		err                  string
	}{
		{"w=old", "w/ha.pid=" + fmt.Sprintln(os.Getpid()), "", rename("", vmswap.Backup), "w still runs: process "},
		{"w=new w.ws-old=old", "w.ws-old/protected", "", discard(vmswap.Backup), "protected: limactl unprotect"},
		{"w=new w.ws-tmp=x", "", "", discard(""), "w.ws-tmp is in the way"},
		{"w=new w.ws-old=", "", "", rename("", vmswap.Backup), "w.ws-old is in the way"}, // rename(2) would do it
		{"w=old", "", "", rename(vmswap.Spare, vmswap.Backup), "no such file"},
		{"w=old", "", "create --tty=false --name w.ws-tmp", create, "unwell"},
		{"w=new w.ws-tmp=x", "", "delete --force w.ws-tmp", acts[vmswap.UndoRemove], "unwell"},
		{"w=old", "", "", acts[vmswap.UndoEmpty], "not empty"},
	} {
		h := newHome(t, test.content)
		if path, text, _ := strings.Cut(test.file, "="); path != "" {
			h.write(t, path, text)
		}
		h.fails = test.fails
		wantError(t, test.act(h, t.Context()), test.err)
		h.want(t, test.content)
	}
}
