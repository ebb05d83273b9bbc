package lifecycle

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// This file is about a `limactl start` that fails although its host agent, which is what starts a VM, has not. The
// rules are: only what the host agent reports counts, and whether it lives, never limactl's words. A VM that Lima calls
// degraded counts as started if Lima's connection into it is open: what is missing is found by observing, and a world
// that is verified does not fail for what Lima misses.

// agentPatience is how long a host agent may take to begin. Lima waits for 5 s, and leaves it to itself then; a Mac
// that is busy, or looks a new program over when it is first run, takes longer.
const agentPatience = time.Minute

// outlast returns the end of the boot that began when log did, after limactl gave it up with refused: nil when the VM
// has started all the same.
func (v *VM) outlast(ctx context.Context, log lima.HostLog, refused *lima.CommandError, line func(string)) error {
	dir := v.Place.Dir("")
	ticker := time.NewTicker(sshPause)
	defer ticker.Stop()
	late := time.Now().Add(agentPatience)
	for told, ran := false, false; ; {
		boot, began := log.Boot()
		switch {
		case began && boot.Degraded != "":
			return v.degraded(ctx, dir, boot, refused, line)
		case !began, boot.Exiting, boot.Ended && !told:
			return refused
		case boot.Ended:
			return nil
		}
		present, runs := lima.HostAgent(dir)
		switch reasons := log.Reasons(); {
		case runs:
			ran = true
		case ran, present, len(reasons) > 0:
			return refused
		case time.Now().After(late):
			return &AgentError{dir, refused}
		}
		if !told {
			line("limactl did not wait for its host agent, which is still there or has yet to begin; waiting for it")
			told = true
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// degraded returns nil for a VM that can be entered, although its host agent could not do all that it does at a boot.
func (v *VM) degraded(
	ctx context.Context, dir string, boot lima.Boot, refused *lima.CommandError, line func(string),
) error {
	if !Accepts(ctx, filepath.Join(dir, filenames.SSHSock)) {
		return &StartError{[]string{"Lima calls the VM degraded: " + boot.Degraded}, refused}
	}
	line("Lima calls the VM degraded: " + boot.Degraded)
	return nil
}

// AgentError is the error of a host agent that does not begin.
type AgentError struct {
	dir string // the VM's
	err *lima.CommandError
}

func (e *AgentError) Error() string {
	return fmt.Sprintf("Lima's host agent, the process that starts the VM, had not begun after %v: this machine is busy, "+
		"or delays a program that it runs for the first time\n%v", agentPatience, e.err)
}

func (e *AgentError) Unwrap() error { return e.err }

// Next is what to do about it.
func (e *AgentError) Next() string {
	return "close programs that keep this machine busy, then run worldsetup again: it carries on, also when the host " +
		"agent has begun meanwhile. Its log: " + filepath.Join(e.dir, filenames.HostAgentStderrLog)
}
