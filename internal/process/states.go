package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/platform"
)

// The states of a process that matter here, as both systems call them: it was stopped by a signal (or by a debugger, on
// Linux), or it has ended and its parent does not know yet.
const (
	Stopped = 'T'
	Traced  = 't'
	Zombie  = 'Z'
)

// psDeadline bounds a call of ps, which takes a few milliseconds.
const psDeadline = 2 * time.Second

// States returns the states of processes of this machine, one letter each. One that is unknown is left out.
func States(ctx context.Context, pids ...int) map[int]byte {
	if platform.OS() == "darwin" {
		return statesByPS(ctx, pids)
	}
	states := map[int]byte{}
	for _, pid := range pids {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // it may have ended
		if _, state, ok := bytes.Cut(status, []byte(") ")); ok && len(state) > 0 {
			states[pid] = state[0]
		}
	}
	return states
}

// statesByPS asks ps, as macOS has no files about processes.
func statesByPS(ctx context.Context, pids []int) map[int]byte {
	if len(pids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, psDeadline)
	defer cancel()
	var list []string
	for _, pid := range pids {
		list = append(list, strconv.Itoa(pid))
	}
	ps := exec.CommandContext(ctx, "ps", "-o", "pid=", "-o", "stat=", "-p", strings.Join(list, ","))
	ps.WaitDelay = psDeadline
	out, _ := ps.Output() // it fails if one of them has ended, and shows the others
	return parseStates(string(out))
}

// parseStates reads lines of ps: a number, and a state with more letters behind the first.
func parseStates(out string) map[int]byte {
	states := map[int]byte{}
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		if pid, err := strconv.Atoi(words[0]); err == nil {
			states[pid] = words[1][0]
		}
	}
	return states
}
