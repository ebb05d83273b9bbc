//go:build e2e

package e2e

import (
	"cmp"
	"flag"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// slots are what tests play in side by side: as many as -parallel says. Go starts the tests that wait in any order, and
// a long one that begins last keeps one processor busy, after all others have ended. So those below come first. The
// time that go test prints for one begins when it waits.
var slots struct {
	sync.Mutex
	free    int
	waiting []turn
}

// longest are the tests that take longest.
var longest = []string{"TestScenarios", "TestWarm", "TestKillsInARow", "TestStaged", "TestReplace", "TestMac"}

// turn is a test that waits for a slot.
type turn struct {
	rank int
	come chan struct{}
}

// openSlots takes the place of Go's own limit.
func openSlots() error {
	limit := flag.Lookup("test.parallel").Value
	free, err := strconv.Atoi(limit.String())
	if err != nil {
		return err
	}
	slots.free = free
	return limit.Set("10000")
}

// besides lets a test play side by side with others, from when it has a slot to its end. A test whose parts do must not
// ask for one itself.
func besides(t *testing.T) {
	t.Parallel()
	name, _, _ := strings.Cut(t.Name(), "/")
	mine := turn{rank: slices.Index(longest, name), come: make(chan struct{})}
	if mine.rank < 0 {
		mine.rank = len(longest)
	}
	slots.Lock()
	if slots.free > 0 {
		slots.free--
		close(mine.come)
	} else {
		slots.waiting = append(slots.waiting, mine)
	}
	slots.Unlock()
	<-mine.come
	t.Cleanup(leaveSlot)
}

// leaveSlot leaves a slot to the longest test that waits.
func leaveSlot() {
	slots.Lock()
	defer slots.Unlock()
	if len(slots.waiting) == 0 {
		slots.free++
		return
	}
	slices.SortStableFunc(slots.waiting, func(a, b turn) int { return cmp.Compare(a.rank, b.rank) })
	close(slots.waiting[0].come)
	slots.waiting = slots.waiting[1:]
}
