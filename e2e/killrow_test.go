//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// row is a kind of run that is killed in a row, and who is killed.
type row struct {
	deed   string
	victim victim
}

// rowsOn returns what a rig plays: its share of the rows, of which the first take the longest. What kills everything of
// a repair is on three of the guests, which take turns by the day when rigs do.
func rowsOn(rig *rig) (mine []row) {
	for i, row := range []row{
		{"replace", killTree}, {"restore", killTree}, {"remove", killTree}, {"repair", killSSH}, {"repair", killLima},
		{"repair", killSelf}, {"repair", killTree}, {"repair", killTree}, {"repair", killTree},
	} {
		if again := i - 6; *turns != 0 && again >= 0 && again != *onDay%3 {
			continue
		}
		turn := i % len(suite.rigs)
		if i/len(suite.rigs)%2 == 1 { // back again: whose first row was the longest gets the last
			turn = len(suite.rigs) - 1 - turn
		}
		if suite.rigs[turn] == rig && !slices.Contains(mine, row) {
			mine = append(mine, row)
		}
	}
	return mine
}

// TestKillsInARow kills one run after the other, each at a later event than the one before. Only the last run is left
// in peace. Each of them has to cope with what several killed ones have left.
func TestKillsInARow(t *testing.T) {
	onEachRig(t, func(t *testing.T, rig *rig) {
		if rig.bed == nil {
			t.Skip("hundreds of runs: the test bed plays this")
		}
		w := newKillWorld(t, rig)
		for _, row := range rowsOn(rig) {
			t.Run(fmt.Sprintf("%s, %s", row.deed, row.victim), func(t *testing.T) {
				deed := deeds[row.deed]
				deed.name = row.deed
				w.killInARow(t, deed, row.victim)
			})
		}
	})
}

// inARow returns the points at which a victim is killed in a row: all events, but one of each kind of those of which
// there are many.
func (v victim) inARow(moments []moment) (points []killPoint) {
	for _, i := range landmarks(moments, v.chances(moments)) {
		points = append(points, killPoint{victim: v, at: moments[i].name})
	}
	return points
}

func (w *killWorld) killInARow(t *testing.T, d deed, v victim) {
	if w.spoilt {
		w.clear(t)
	}
	w.spoilt = true // until the end has shown that it isn't
	d.prepare(w, t)
	moments, r := w.record(t, d.args(w))
	if r.code != d.code {
		t.Fatalf("unharmed: exit code %d, %+v", r.code, r.last())
	}
	w.healthy = d.name != "remove"
	points := v.inARow(moments)
	if len(points) == 0 {
		t.Fatal("no points")
	}
	d.prepare(w, t)
	for _, p := range points {
		t.Run(p.at, func(t *testing.T) { w.report(t, w.killNext(t, d, p)) })
	}
	t.Logf("%d points", len(points))
	sockets := w.forwarded()
	w.report(t, errors.Join(w.carryOn(t), w.only(append([]string{vm}, d.beside...)...),
		w.leftovers(t, sockets)))
	w.healthy, w.spoilt = true, false
}

// killNext kills a run that goes on from where the one before was killed.
func (w *killWorld) killNext(t *testing.T, d deed, p killPoint) error {
	for attempt := range 4 { // some live for milliseconds, and a busy test comes too late
		w.forgetRestarts(t)
		r, met := w.strike(t, d.args(w), p)
		w.healthy = r.code == 0 && d.name != "remove"
		switch {
		case met && p.victim.survived():
			err := w.wantTruth(t, d, p, r)
			if r.code == 0 {
				d.prepare(w, t)
			}
			return err
		case met && d.killed != nil:
			return d.killed(w, t)
		case met:
			return nil
		case r.code != d.code && attempt > 0: // at first it may have come too far already: what is restored is gone
			return fmt.Errorf("unharmed: exit code %d, %+v", r.code, r.last())
		}
		d.prepare(w, t) // the runs before had come further
	}
	return errors.New("it did not come to that")
}
