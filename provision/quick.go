package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// QuickStatus is what the agent answers to a client on this machine. Only [Setup.Status] shows that
// a world is ready.
type QuickStatus struct {
	Schema  int           `json:"schema"` // always Schema
	VM      string        `json:"vm"`
	Time    time.Time     `json:"time"`
	Answers bool          `json:"answers"`
	Socket  string        `json:"socket"` // on this machine, that Lima forwards
	Agent   AgentInfo     `json:"agent"`
	Took    time.Duration `json:"took_ns"` // from connecting to the answer; 0 without one
	Error   *Error        `json:"error,omitempty"`
}

// quickDeadline bounds a quick status: an agent that has to be started first takes 2 s on an emulated machine.
const quickDeadline = 5 * time.Second

// Quick asks the agent through the socket that Lima forwards, as a client does, and starts no program: not ssh, not
// limactl. It takes at most 5 s, or [Spec.Timeout] if that is shorter. The error is of KindUnhealthy when there is no
// answer, and of KindBusy while a run is in progress on the VM.
func (s *Setup) Quick(ctx context.Context) (QuickStatus, error) {
	r, err := s.begin()
	spec := r.target.spec
	if err != nil {
		return QuickStatus{}, r.finish(err)
	}
	limit := min(quickDeadline, spec.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, lateError(limit))
	defer cancel()
	now := QuickStatus{Schema: Schema, VM: spec.VM, Time: r.edges.Now(),
		Socket: filepath.Join(r.place.Dir(""), filepath.FromSlash(lima.HostSocket))}
	if info := underWay(spec); info != nil {
		now.Error = busy(spec, info)
		return now, r.finish(now.Error)
	}
	begun := r.edges.Now()
	capabilities, err := askAny(ctx, now.Socket)
	if err != nil {
		now.Error = unreached(spec, now.Socket, err)
		return now, r.finish(now.Error)
	}
	now.Answers, now.Took = true, r.edges.Now().Sub(begun)
	now.Agent.describe(capabilities)
	return now, r.finish(nil)
}

// askAny makes one GET /v1/capabilities of the agent, of whatever layout, over the UNIX socket at path.
func askAny(ctx context.Context, path string) (capabilities guest.Capabilities, err error) {
	if other := otherOwner(path, os.Getuid()); other != "" {
		return capabilities, errors.New("it " + other)
	}
	status, body, err := get(ctx, path)
	if err != nil {
		return capabilities, err
	}
	for _, of := range layout.All {
		if capabilities, err = guest.ParseCapabilities(of, status, body); err == nil {
			break
		}
	}
	return capabilities, err
}

// unreached returns the error of an agent that did not answer at the socket at path.
func unreached(spec Spec, path string, err error) *Error {
	failure := &Error{
		Kind: KindUnhealthy, What: fmt.Sprintf("the agent in the VM %s does not answer", spec.VM), Err: err,
		Why: fmt.Sprintf("%s: %v", path, err), Next: "see what is wrong: " + vmCommand("worldsetup status", spec.VM),
	}
	if dir := filepath.Join(spec.LimaHome, spec.VM); errors.Is(err, fs.ErrNotExist) {
		failure.Why = "the VM is not running, or its socket is not forwarded: there is no " + path
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			failure.What, failure.Why = fmt.Sprintf("there is no VM %s", spec.VM), "there is no "+dir
			failure.Next = "make one: " + vmCommand("worldsetup", spec.VM)
		}
	}
	return failure
}
