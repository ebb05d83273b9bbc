//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// rowVictims are who is killed in a row. Each guest of the test bed takes one of them, in turn.
var rowVictims = []victim{killTree, killSSH, killSelf, killLima}

// TestKillsInARow kills one repair after the other, each at a later event than the one before, at every event. Only the
// last run is left in peace. Each of them has to cope with what several killed ones have left.
func TestKillsInARow(t *testing.T) {
	onEachRig(t, func(t *testing.T, rig *rig) {
		if rig.bed == nil {
			t.Skip("hundreds of runs: the test bed plays this")
		}
		victims := rowVictims
		if n := len(suite.rigs); n > 1 {
			at := slices.Index(suite.rigs, rig)
			if at >= len(rowVictims) {
				t.Skip("the other guests have the victims between them; one guest and one Lima play them all")
			}
			victims = nil
			for i := at; i < len(rowVictims); i += n {
				victims = append(victims, rowVictims[i])
			}
		}
		w := newKillWorld(t, rig)
		repair := deeds["repair"]
		repair.name = "repair"
		repair.prepare(w, t)
		moments, r := w.record(t, repair.args(w))
		if w.healthy = r.code == 0; !w.healthy {
			t.Fatalf("unharmed: exit code %d, %+v", r.code, r.last())
		}
		for _, v := range victims {
			t.Run(string(v), func(t *testing.T) { w.killInARow(t, repair, v, v.row(moments)) })
		}
	})
}

// row are the points at which a victim is killed in a row: all, but most checks of the machine, which are all alike.
func (v victim) row(moments []moment) (points []killPoint) {
	checks := 0
	for _, i := range v.chances(moments) {
		if moments[i].event.Type == provision.EventCheck {
			if checks++; checks > 3 {
				continue
			}
		}
		points = append(points, killPoint{victim: v, at: moments[i].name})
	}
	return points
}

func (w *killWorld) killInARow(t *testing.T, d deed, v victim, points []killPoint) {
	if len(points) == 0 {
		t.Fatal("no points")
	}
	w.spoilt = true // until the end has shown that it isn't
	d.prepare(w, t)
	for _, p := range points {
		t.Run(p.at, func(t *testing.T) { w.report(t, d.name+"/"+p.String(), w.killNext(t, d, p)) })
	}
	t.Logf("%d points", len(points))
	w.report(t, "all of "+d.name+" in a row", errors.Join(w.carryOn(t), w.only(vm), w.leftovers(t, w.forwarded()),
		d.finished(w, t, watched{})))
	w.healthy, w.spoilt = true, false
}

// killNext kills a run that goes on from where the one before was killed.
func (w *killWorld) killNext(t *testing.T, d deed, p killPoint) error {
	for range 4 { // some live for milliseconds, and a busy test comes too late
		w.forgetRestarts(t)
		r, met := w.strike(t, d.args(w), p)
		w.healthy = r.code == 0
		switch {
		case met && !p.victim.survived():
			return w.wantUsersFiles(t, r)
		case met:
			err := w.wantTruth(t, d, p, r)
			if w.healthy {
				d.prepare(w, t)
			}
			return err
		case !w.healthy:
			return fmt.Errorf("unharmed: exit code %d, %+v", r.code, r.last())
		}
		d.prepare(w, t) // the runs before had come further
	}
	return errors.New("it did not come to that")
}
