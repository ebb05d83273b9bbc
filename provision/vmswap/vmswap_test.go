package vmswap_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// home is a directory that stands for Lima's home, and a small limactl over it. Both can be killed after some effects.
// Its content is written as "w=old w.ws-tmp=new!": a VM with "old" on its disk, and an unverified one beside it. A name
// with nothing behind it is an empty directory.
type home struct {
	vmswap.Place
	vmswap.Folders
	effects int // until the kill; negative: it never comes
	calls   []string
	fails   string // the call that fails
}

// world is the configuration of a world, and of nothing else.
const world = `{"portForwards":[{"guestSocket":"/run/substrate.sock"}]}`

const mark, theirs = "/worldsetup-unproven", " other=theirs w.ws-older=theirs w2.ws-tmp=theirs wide=theirs!"

func newHome(t *testing.T, content string) *home {
	t.Helper()
	h := &home{effects: -1, Folders: vmswap.HostFolders()}
	h.Place = vmswap.Place{Home: t.TempDir(), VM: "w", Lima: lima.Client{Runner: h}, Folders: h}
	for _, vm := range strings.Fields(content + theirs) {
		name, disk, _ := strings.Cut(vm, "=")
		wantError(t, os.Mkdir(filepath.Join(h.Home, name), 0o700), "")
		if disk, unverified := strings.CutSuffix(disk, "!"); disk != "" {
			h.write(t, name, "lima.yaml="+world+" status=Running ha.pid=99999999 disk="+disk) // that process has ended
			if unverified {
				h.write(t, name, mark+`={"ran":true,"answered":["root"]}`)
			}
		}
	}
	return h
}

// write writes files of a VM, as in "a=text b=another".
func (h *home) write(t *testing.T, vm, files string) {
	t.Helper()
	for _, file := range strings.Fields(files) {
		name, text, _ := strings.Cut(file, "=")
		path := filepath.Join(h.Home, vm, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600))
		wantError(t, err, "")
	}
}

// want compares what there is with content.
func (h *home) want(t *testing.T, content string) {
	t.Helper()
	dirs, _ := filepath.Glob(h.Home + "/*") // the pattern is a good one
	want := slices.Sorted(slices.Values(strings.Fields(content + theirs)))
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
	vmswap.RollbackDisplace: func(h *home, ctx context.Context) error { return h.RollbackDisplace(ctx, nil) },
	vmswap.RollbackPlace:    func(h *home, ctx context.Context) error { return h.RollbackPlace(ctx, nil) },
	vmswap.RollbackRemove:   func(h *home, ctx context.Context) error { return h.RemoveStaged(ctx, nil) },
	vmswap.RollbackMark:     func(h *home, _ context.Context) error { return h.MarkVerified() },
	vmswap.RollbackEmpty:    func(h *home, _ context.Context) error { return h.RemoveEmpty() },
}

func rename(from, to string) act {
	return func(h *home, _ context.Context) error { return h.Rename(from, to) }
}
func stop(h *home, ctx context.Context) error { return h.Stop(ctx, "", nil) }
func discard(name string) act {
	return func(h *home, ctx context.Context) error { return h.Discard(ctx, name, nil) }
}
func create(h *home, ctx context.Context) error {
	return h.Create(ctx, []byte("new"), vmswap.Record{Ran: true, Answered: []string{"root"}}, true, nil)
}

// TestProtocols plays them as a whole, over VMs that run, and reads what an unverified VM reports of the old one.
func TestProtocols(t *testing.T) {
	for _, steps := range [][]struct {
		act  act
		want string
	}{{
		{nil, "w=old"},
		{create, "w=old w.ws-tmp=new!"},
		{stop, "w=old w.ws-tmp=new!"},
		{rename("", vmswap.Backup), "w.ws-old=old w.ws-tmp=new!"},
		{rename(vmswap.Staged, ""), "w=new! w.ws-old=old"},
		{acts[vmswap.RollbackMark], "w=new w.ws-old=old"},
		{discard(vmswap.Backup), "w=new"},
	}, {
		{nil, "w=new! w.ws-old=old w.ws-tmp=x"}, // the replacement failed
		{acts[vmswap.RollbackDisplace], "w.ws-tmp=new! w.ws-old=old"},
		{acts[vmswap.RollbackPlace], "w.ws-tmp=new! w=old"},
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
			note, ok := h.ReadRecord()
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
		{"Stopped", "{}", "", "list w", ""},
		{"Running", "null", "", "list w", ""}, // Lima can't read it
		{"Running", "{}", "list w", "list w", "unwell"},
	} {
		h := newHome(t, "w=")
		h.fails = test.fails
		h.write(t, "w", "status="+test.status)
		wantError(t, stop(h, t.Context()), "")
		h.write(t, "w", "lima.yaml="+test.config) // else Lima knows no VM
		wantError(t, stop(h, t.Context()), test.err)
		if calls := strings.Join(h.calls, ","); calls != test.calls {
			t.Errorf("%+v: the calls were %s", test, calls)
		}
	}
}

// TestRunningVMIsNotRenamed: a process in a pid file counts if it is the VM's.
func TestRunningVMIsNotRenamed(t *testing.T) {
	h := newHome(t, "w=old")
	cmd := exec.Command("/bin/sh", "-c", "read _", "limactl", "hostagent", "--pidfile", h.Dir("")+"/ha.pid")
	input, err := cmd.StdinPipe()
	wantError(t, errors.Join(err, cmd.Start()), "")
	defer func() { input.Close(); _ = cmd.Wait() }()
	h.write(t, "w", fmt.Sprint("ha.pid=", cmd.Process.Pid))
	wantError(t, h.Rename("", vmswap.Backup), "w still runs: process ")
	h.want(t, "w=old")
	h.write(t, "w", fmt.Sprint("ha.pid=", os.Getpid())) // a stranger
	wantError(t, h.Rename("", vmswap.Backup), "")
	h.want(t, "w.ws-old=old")
}

// TestRefused: what can't be done reports why, and leaves everything as it was.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		content, files, fails string
		act                   act
		err                   string
	}{
		{"w=old", "protected=", "", discard(""), "protected: limactl unprotect"},
		{"w=new w.ws-tmp=x", "", "", discard(""), "w.ws-tmp is in the way"},
		{"w=new w.ws-old=", "", "", rename("", vmswap.Backup), "w.ws-old is in the way"}, // rename(2) would do it
		{"w=old", "", "", rename(vmswap.Staged, vmswap.Backup), "no such file"},
		{"w=old", "", "create --tty=false --name w.ws-tmp", create, "unwell"},
		{"w=new w.ws-tmp=x", "", "delete --force w.ws-tmp", acts[vmswap.RollbackRemove], "unwell"},
		{"w=old", "", "", acts[vmswap.RollbackEmpty], "not empty"},
	} {
		h := newHome(t, test.content)
		h.write(t, "w", test.files)
		h.fails = test.fails
		wantError(t, test.act(h, t.Context()), test.err)
		if strings.HasPrefix(test.fails, "delete") {
			test.content += " _w.ws-tmp=" // the note stays, since Lima may have removed a part
		}
		h.want(t, test.content)
	}
}

// recover takes the actions that lead out of what there is, as the engine does, and returns their ids.
func (h *home) recover(t *testing.T) (ids []string, err error) {
	t.Helper()
	for s := h.Observe(); len(s.Recovery()) > 0 && len(ids) < 10; s = h.Observe() {
		id := s.Recovery()[0].ID
		if err := acts[id](h, t.Context()); err != nil {
			return ids, err
		}
		if h.Observe() != s.After(id) {
			t.Errorf("after %s there is %+v, announced was %+v", id, h.Observe(), s.After(id))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// TestRecovery plays every state that a kill can leave, and kills the recovery as well, before each of its effects.
func TestRecovery(t *testing.T) {
	const displace, place, remove = vmswap.RollbackDisplace, vmswap.RollbackPlace, vmswap.RollbackRemove
	const empty, commit = vmswap.RollbackEmpty, vmswap.RollbackMark
	for name, state := range map[string]struct{ left, actions, after, is string }{
		"nothing":                {},
		"creation begun":         {"w=", empty, "", ""},
		"creation beside backup": {"w= w.ws-old=old", empty + " " + place, "w=old", ""},
		"spare begun":            {"w=old w.ws-tmp=", remove, "w=old", ""},
		"spare marked":           {"w=old w.ws-tmp=new!", remove, "w=old", ""},
		"backed up":              {"w.ws-old=old w.ws-tmp=new!", place + " " + remove, "w=old", ""},
		"new one in place":       {"w=new! w.ws-old=old", "", "w=new! w.ws-old=old", "pending"},
		"verified, or kept":      {"w=new w.ws-old=old", "", "w=new w.ws-old=old", "kept"},
		"old one discarded":      {"w=new w.ws-tmp=old", remove, "w=new", ""},
		"old one lost":           {"w=new!", commit, "w=new", ""},
		"old one lost, spare":    {"w=new! w.ws-tmp=x", remove + " " + commit, "w=new", ""},
		"only a backup":          {"w.ws-old=old", place, "w=old", ""},
		"only a spare":           {"w.ws-tmp=old", remove, "", ""},
		"displaced":              {"w.ws-back=new w.ws-old=old", place, "w=new w.ws-old=old", "kept"},
		"being restored":         {"w=old w.ws-back=new", displace + " " + place, "w=new w.ws-old=old", "kept"},
		"only a displaced":       {"w.ws-back=new", place, "w=new", ""},
		"all names":              {"w=1 w.ws-tmp=2 w.ws-old=3 w.ws-back=4", remove, "w=1 w.ws-old=3 w.ws-back=4", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t, state.left)
			before := h.Observe()
			actions, after := before.Recovered()
			ids, err := h.recover(t)
			if err != nil || strings.Join(ids, " ") != state.actions || len(actions) != len(ids) {
				t.Errorf("done was %v, %v, want %s; announced were %v", ids, err, state.actions, actions)
			}
			if before.Unfinished() != (len(ids) > 0 || state.is == "pending") || h.Observe() != after ||
				after.Pending() != (state.is == "pending") || after.Kept() != (state.is == "kept") {
				t.Errorf("there was %+v, announced was %+v, there is %+v", before, after, h.Observe())
			}
			h.want(t, state.after)
			for kill, killed := 0, true; killed; kill++ {
				h := newHome(t, state.left)
				h.effects = kill
				_, err := h.recover(t)
				killed = err != nil
				_, err = h.recover(t)
				wantError(t, err, "")
				h.want(t, state.after)
			}
		})
	}
}

func TestReserved(t *testing.T) {
	for _, name := range strings.Fields("substrate ws-old w.ws-older w.ws-tmp! w.ws-old! w.ws-back!") {
		if name, want := strings.CutSuffix(name, "!"); vmswap.Reserved(name) != want {
			t.Errorf("%s: reserved %v", name, !want)
		}
	}
}

// TestForeign: what has one of the names and no sign of worldsetup is neither moved nor removed nor recovered from, and
// named.
func TestForeign(t *testing.T) {
	for name, act := range map[string]act{
		vmswap.Staged: acts[vmswap.RollbackRemove], vmswap.Backup: acts[vmswap.RollbackPlace],
		vmswap.Displaced: rename(vmswap.Displaced, ""),
	} {
		for _, files := range []string{"lima.yaml={}", "disk=1", "lima.yaml={} protected="} {
			h := newHome(t, "w"+name+"=")
			h.write(t, "w"+name, files)
			before := h.Observe()
			if before.Foreign != "w"+name || before.Unfinished() {
				t.Errorf("%s with %s: %+v", name, files, before)
			}
			wantError(t, act(h, t.Context()), "w"+name+" was made by worldsetup")
			if h.Observe() != before || strings.Contains(strings.Join(h.calls, ","), "delete") {
				t.Errorf("%s with %s: there is %+v after %v", name, files, h.Observe(), h.calls)
			}
		}
	}
}

// TestForeignVM: a displaced VM does not take the place of a foreign one, which came meanwhile.
func TestForeignVM(t *testing.T) {
	h := newHome(t, "w= w.ws-back=new w.ws-old=old")
	h.write(t, "w", "lima.yaml={} disk=another")
	if s := h.Observe(); s.Ours || len(s.Recovery()) > 0 || !s.VM {
		t.Errorf("%+v", s)
	}
	wantError(t, rename("", vmswap.Displaced)(h, t.Context()), "w was made by worldsetup")
	wantError(t, discard("")(h, t.Context()), "w was made by worldsetup")
}

// TestProtection: worldsetup's own is lifted for a removal, and restored if that fails; another's is not.
func TestProtection(t *testing.T) {
	for _, test := range []struct {
		protect, later bool
		fails, err     string
	}{
		{protect: true},
		{protect: true, later: true, err: "w is protected"},
		{err: "w is protected"},
		{protect: true, fails: "delete --force w.ws-tmp", err: "unwell"},
	} {
		h := newHome(t, "w=old")
		h.fails = test.fails
		wantError(t, h.Claim(t.Context(), "", test.protect, nil), "")
		h.write(t, "w", "status=Stopped protected=")
		if test.later { // a user lifted it, and called protect again
			late := time.Now().Add(time.Hour)
			wantError(t, os.Chtimes(h.Dir("")+"/protected", late, late), "")
		}
		wantError(t, discard("")(h, t.Context()), test.err)
		calls := strings.Join(h.calls, ",")
		lifted := strings.Contains(calls, "unprotect w.ws-tmp")
		restored := strings.HasSuffix(calls, ",protect w.ws-tmp")
		if lifted != (test.protect && !test.later) || restored != (test.fails != "") {
			t.Errorf("%+v: the calls were %s", test, calls)
		}
	}
}
