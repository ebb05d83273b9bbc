package vmswap_test

import (
	"os"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// recover takes the actions that lead out of what there is, as the engine does, and returns their ids.
func (h *home) recover(t *testing.T) (ids []string, err error) {
	t.Helper()
	for s := h.Survey(); len(s.Recovery()) > 0 && len(ids) < 10; s = h.Survey() {
		id := s.Recovery()[0].ID
		if err := acts[id](h, t.Context()); err != nil {
			return ids, err
		}
		if h.Survey() != s.After(id) {
			t.Errorf("after %s there is %+v, announced was %+v", id, h.Survey(), s.After(id))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// TestRecovery plays every state that a kill can leave, and kills the recovery as well, before each of its effects.
func TestRecovery(t *testing.T) {
	const aside, place, remove = vmswap.UndoAside, vmswap.UndoPlace, vmswap.UndoRemove
	const empty, commit = vmswap.UndoEmpty, vmswap.UndoMark
	for name, state := range map[string]struct{ left, actions, after, is string }{
		"nothing":                {},
		"a VM":                   {"w=old", "", "w=old", ""},
		"creation begun":         {"w=", empty, "", ""},
		"creation beside backup": {"w= w.ws-old=old", empty + " " + place, "w=old", ""},

		"spare begun":         {"w=old w.ws-tmp=", remove, "w=old", ""},
		"spare created":       {"w=old w.ws-tmp=new", remove, "w=old", ""},
		"spare marked":        {"w=old w.ws-tmp=new!", remove, "w=old", ""},
		"backed up":           {"w.ws-old=old w.ws-tmp=new!", place + " " + remove, "w=old", ""},
		"new one in place":    {"w=new! w.ws-old=old", "", "w=new! w.ws-old=old", "pending"},
		"verified, or kept":   {"w=new w.ws-old=old", "", "w=new w.ws-old=old", "kept"},
		"old one discarded":   {"w=new w.ws-tmp=old", remove, "w=new", ""},
		"old one lost":        {"w=new!", commit, "w=new", ""},
		"old one lost, spare": {"w=new! w.ws-tmp=x", remove + " " + commit, "w=new", ""},
		"only a backup":       {"w.ws-old=old", place, "w=old", ""},
		"only a spare":        {"w.ws-tmp=old", remove, "", ""},

		"displaced":        {"w.ws-back=new w.ws-old=old", place, "w=new w.ws-old=old", "kept"},
		"being restored":   {"w=old w.ws-back=new", aside + " " + place, "w=new w.ws-old=old", "kept"},
		"only a displaced": {"w.ws-back=new", place, "w=new", ""},
		"all names":        {"w=1 w.ws-tmp=2 w.ws-old=3 w.ws-back=4", remove, "w=1 w.ws-old=3 w.ws-back=4", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t, state.left)
			before := h.Survey()
			actions, after := before.Recovered()
			ids, err := h.recover(t)
			if err != nil || strings.Join(ids, " ") != state.actions || len(actions) != len(ids) {
				t.Errorf("done was %v, %v, want %s; announced were %v", ids, err, state.actions, actions)
			}
			if before.Unfinished() != (len(ids) > 0 || state.is == "pending") || h.Survey() != after ||
				after.Pending() != (state.is == "pending") || after.Kept() != (state.is == "kept") {
				t.Errorf("there was %+v, announced was %+v, there is %+v", before, after, h.Survey())
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

// TestHalves: a `limactl rename` that was killed after any number of files is undone, even by runs that are killed in
// their turn. It moves files in the order of their names, makes directories without any permission, and leaves an empty
// VZ identity.
func TestHalves(t *testing.T) {
	files := [][2]string{
		{"cidata.iso"}, {"disk", "old"}, {"lima.yaml", "{}"}, {"sub/file", "x"},
		{"vz-identifier", "id"}, {"zzz", "last"},
	}
	for moved := 1; moved < 2*len(files); moved++ {
		for kill, killed := 0, moved != len(files); killed; kill++ {
			h := newHome(t, "w= w.ws-old=")
			from, to := h.Dir(""), h.Dir(vmswap.Backup)
			if moved > len(files) { // from the backup's name to the VM's
				from, to = to, from
			}
			for i, file := range files {
				dir := from
				if i < moved%len(files) {
					dir = to
				}
				h.write(t, dir[len(h.Home):]+"/"+file[0], file[1])
				if file[0] == "vz-identifier" && dir == to {
					h.write(t, from[len(h.Home):]+"/"+file[0], file[1])
					h.write(t, to[len(h.Home):]+"/"+file[0], "")
				}
			}
			_ = os.Mkdir(from+"/sub", 0o700)
			_ = os.Chmod(to+"/sub", 0) // not there yet: just as well
			if s := h.Survey(); !s.Partial || !s.Unfinished() {
				t.Fatalf("%d files: %+v", moved, s)
			}
			h.effects = kill
			_, err := h.recover(t)
			killed = err != nil
			_, err = h.recover(t)
			wantError(t, err, "")
			h.want(t, "w=old")
			for _, file := range files {
				if have, err := os.ReadFile(h.Dir("") + "/" + file[0]); err != nil || string(have) != file[1] {
					t.Fatalf("%d files, killed at %d: %s holds %q, %v", moved, kill, file[0], have, err)
				}
			}
		}
	}
}

// TestTwoVMs: two VMs are no halves, whatever one of them has lost.
func TestTwoVMs(t *testing.T) {
	for _, lost := range [][]string{nil, {vmswap.Backup}, {""}, {"", vmswap.Backup}} {
		h := newHome(t, "w=new w.ws-old=old")
		for _, suffix := range lost {
			wantError(t, os.Remove(h.Dir(suffix)+"/lima.yaml"), "")
		}
		if s := h.Survey(); s.Partial || s.Unfinished() {
			t.Errorf("without those of %q: %+v", lost, s)
		}
		wantError(t, h.Rejoin(), "are both there, and differ")
		h.want(t, "w=new w.ws-old=old")
	}
}
