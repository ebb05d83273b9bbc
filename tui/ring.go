package tui

// ringSize is how many log lines are kept to scroll in: 5,000 take under a megabyte, and the file has the rest.
const ringSize = 5000

// ring keeps the last ringSize lines. The zero value is empty.
type ring struct {
	lines []string
	start int // of the oldest, once the ring is full
	lost  int // how many fell out
}

func (r *ring) add(line string) {
	if len(r.lines) < ringSize {
		r.lines = append(r.lines, line)
		return
	}
	r.lines[r.start] = line
	r.start = (r.start + 1) % ringSize
	r.lost++
}

func (r *ring) len() int { return len(r.lines) }

// at is the line i, counted from the oldest that is kept.
func (r *ring) at(i int) string { return r.lines[(r.start+i)%len(r.lines)] }
