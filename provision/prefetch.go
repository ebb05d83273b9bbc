package provision

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// question is what an observation of the guest is asked, as far as that is remembered from one run to the next.
type question struct {
	Layout string   `json:"layout"`
	User   string   `json:"user"` // as whom Lima's shared connection is logged in; empty when that is unknown
	Mounts []string `json:"mounts"`
}

func (q question) same(as question) bool {
	return q.Layout == as.Layout && q.User == as.User && slices.Equal(q.Mounts, as.Mounts)
}

func questionOf(instance *limatype.Instance, of layout.Layout, mounts []string) question {
	return question{Layout: of.Name, User: deref(instance.Config.User.Name), Mounts: mounts}
}

// prefetch observes a guest while Lima still lists its VMs: it asks what the last run asked, over Lima's shared
// connection if that is open. What it observed counts only for who asks the same of the VM that Lima then lists;
// nothing else relies on it.
type prefetch struct {
	// first is what the first observation of this run asked of a VM that had booted, for the next run; nil before.
	first *question

	instance *limatype.Instance // as it was predicted; nil when nothing is under way
	asked    question
	ask      []string
	end      context.CancelFunc
	ended    chan struct{}
	answer   answer // valid once ended is closed
}

// answer is how an observation over the shared connection ended.
type answer struct {
	seen *guest.Observation
	err  error
}

// begin begins to observe as the last run did, if it can be told what that was. ask are those who ask the agent.
func (p *prefetch) begin(
	ctx context.Context, enter func(*limatype.Instance, layout.Layout) guest.Client, spec Spec, ask []string,
) {
	home, err := filepath.EvalSymlinks(spec.LimaHome) // as limactl does
	if err != nil {
		return
	}
	dir := filepath.Join(home, spec.VM)
	last := readSeen(spec, dir)
	if last == nil || last.Asked == nil {
		return
	}
	of, found := layout.Named(last.Asked.Layout)
	socket, err := os.Lstat(filepath.Join(dir, filenames.SSHSock))
	if !found || err != nil || socket.Mode().Type() != os.ModeSocket {
		return
	}
	p.instance = &limatype.Instance{
		Name: spec.VM, Dir: dir, SSHConfigFile: filepath.Join(dir, filenames.SSHConfig), Status: limatype.StatusRunning,
		Config: &limatype.LimaYAML{User: limatype.User{Name: &last.Asked.User}},
	}
	p.asked, p.ask, p.ended = *last.Asked, ask, make(chan struct{})
	ctx, p.end = context.WithTimeoutCause(ctx, sharedDeadline, guest.Late(sharedDeadline))
	client, ended, answered := enter(p.instance, of), p.ended, &p.answer
	options := guest.ObserveOptions{Mounts: p.asked.Mounts, Ask: ask, OnlyOpen: true}
	go func() {
		defer close(ended)
		defer crash.Catch()
		answered.seen, answered.err = client.Observe(ctx, guest.Shared, options)
	}()
}

// take returns how the observation that is under way ends, once, if it asks of the instance what is to be asked now. It
// is nil when there is none, and when it failed, except by hanging: then the guest has to be observed now.
func (p *prefetch) take(instance *limatype.Instance, asked question, ask []string) *answer {
	if p.first == nil {
		p.first = &asked
	}
	if p.instance == nil || p.instance.Dir != instance.Dir || p.instance.SSHConfigFile != instance.SSHConfigFile ||
		p.instance.Name != instance.Name || !p.asked.same(asked) || !slices.Equal(p.ask, ask) {
		return nil
	}
	<-p.ended
	p.drop()
	if p.answer.err != nil && !errors.Is(p.answer.err, guest.ErrLate) {
		return nil
	}
	return &p.answer
}

// drop ends the observation that is under way, if there is one, and waits for its end.
func (p *prefetch) drop() {
	if p.instance == nil {
		return
	}
	p.end()
	<-p.ended
	p.instance = nil
}
