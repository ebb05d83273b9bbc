//go:build e2e

package e2e

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/scenario"
)

var pairCount = flag.Int("pairs", 12, "how many pairs of faults are played at once, on each guest of the test bed")

// TestPairs plays two faults at once, from different tables. They are drawn, and the seed that is printed draws them
// again.
func TestPairs(t *testing.T) { onEachRig(t, testPairs) }

func testPairs(t *testing.T, rig *rig) {
	if rig.bed == nil {
		t.Skip("pairs are played on the test bed: on a real VM each takes minutes")
	}
	seed := newSeed()
	guest, lima, _ := strings.Cut(rig.name, " lima-")
	t.Logf("to play these again: -guest %s -lima %s -run TestPairs -seed %d -pairs %d", guest, lima, seed, *pairCount)
	w := newWorld(t, rig)
	w.setup(t, "--agent", "builtin", "--netfilter=false").wantReady(t)
	place := newPlace(t, w)
	random := rand.New(rand.NewPCG(seed, 0))
	for played, drawn := 0, 0; played < *pairCount && drawn < 4**pairCount; drawn++ {
		a, b, found := drawPair(random, place)
		if !found {
			t.Fatal("there are no two tables to draw from")
		}
		t.Run(a.Name+" and "+b.Name, func(t *testing.T) {
			if place.playPair(t, a, b) {
				played++
			}
		})
	}
}

// drawPair draws two scenarios of different tables.
func drawPair(random *rand.Rand, place *place) (a, b scenario.Scenario, found bool) {
	var tables [][]scenario.Scenario
	for _, table := range scenario.Tables() {
		var rows []scenario.Scenario
		for _, s := range table {
			if s.VMOnly == "" && s.InPairs(place.rig.name) {
				rows = append(rows, s)
			}
		}
		if len(rows) > 0 {
			tables = append(tables, rows)
		}
	}
	if len(tables) < 2 {
		return a, b, false
	}
	two := random.Perm(len(tables))
	first, second := tables[two[0]], tables[two[1]]
	return first[random.IntN(len(first))], second[random.IntN(len(second))], true
}

// playPair plays a pair, and reports whether it could be. The next is played in a new world, unless all went well.
func (p *place) playPair(t *testing.T, a, b scenario.Scenario) (played bool) {
	p.t = t
	if p.spoilt {
		p.startOver()
	}
	ended, restored, err := scenario.PlayPair(p, a, b)
	p.usual = nil
	p.spoilt = err != nil || !restored || p.last.Err != nil
	if scenario.Undamaged(err) {
		t.Skip(err)
	}
	if err != nil {
		t.Error(err)
	}
	t.Log(ended)
	return true
}
