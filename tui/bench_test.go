package tui

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// BenchmarkFlood is one beat of 50 ms under 50,000 log lines a second: the lines, the tick, a key, and the frame, with
// the log open. A quarter of a core is 12.5 ms a beat.
//
//	go test -bench Flood -benchmem ./tui
func BenchmarkFlood(b *testing.B) {
	m := newModel(b.Context(), Options{VM: "substrate", UTF8: true, Now: time.Now})
	m.Init()
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	m.press(keyPress("l"))
	m.over = logPage{}
	line := logged("[   12.345678] systemd[1]: Started a unit with a name of the usual length, and some words more.")
	for b.Loop() {
		for range 2500 {
			m.worker.mailbox.put(line)
		}
		m.Update(tickMsg{time.Now(), m.ticks})
		m.Update(keyPress("up"))
		m.View()
	}
}
