// Package verify verifies a world: it connects to the agent as everyone who should reach it, and as one who should not.
package verify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Deadline bounds a whole verification; an emulated machine needs 2 s, and an agent may take 10 s to answer.
const Deadline = time.Minute

// hostDeadline bounds one answer; in the guest curl has 10 s. shellDeadline bounds one by `limactl shell`, whose login
// shell may hang: the fresh connection, which waits for the others, is to end well before Deadline.
const (
	hostDeadline  = 15 * time.Second
	shellDeadline = 30 * time.Second
)

const (
	foundAnswered = "answered"
	foundRefused  = "refused"
	// foundOmitted is found of a connection that status makes only when it is asked for.
	foundOmitted = "left to --fresh"
)

// Who is a user, or a route, that may or may not reach the agent: the id of a finding about access.
type Who = string

// The users and routes that are verified.
const (
	User     Who = "user"     // the SSH user, on a fresh connection, without sudo
	Shared   Who = "shared"   // the SSH user over Lima's shared connection, as `limactl shell` uses it
	Root     Who = "root"     // root in the guest
	Client   Who = "client"   // the host, through a socket forwarded over a fresh ssh connection, as clients do it
	Host     Who = "host"     // the host, through the socket that Lima forwards
	Outsider Who = "outsider" // a user of the guest outside the group, who must be refused
)

// titles are their titles.
var titles = map[Who]string{
	User: "the user, on a fresh connection", Shared: "the user, on Lima's shared connection",
	Root: "root in the guest", Client: "the host, through a socket of its own",
	Host: "the host, through Lima's socket", Outsider: "a user outside the group",
}

// Mode determines whether to verify while the world is observed.
type Mode int

// The modes.
const (
	Never    Mode = iota
	WhenIdle      // verify, and discard the result when something has to be changed first
	Always
	OverOpen // verify over the connections that are open, and make none
)

// Asks returns who asks the agent while the guest is observed: all for whom that needs no login of their own.
func (m Mode) Asks() []string {
	switch m {
	case Never:
		return nil
	case OverOpen:
		return []string{guest.Self, guest.Root, guest.Outsider}
	}
	return []string{guest.Root, guest.Outsider}
}

// Result is the result of connecting.
type Result struct {
	Entered      bool // the fresh connection was established
	Access       []finding.Finding
	Misanswered  bool     // root got the answer of something that is no world agent
	LostMounts   []string // mount points at which nothing was mounted afterwards
	Capabilities guest.Capabilities
	Refusal      *Rejection // of the fresh connection; nil when it worked
}

// Passed reports whether every access turned out as expected, and no mount was lost.
func (p *Result) Passed() bool {
	return p != nil && len(p.LostMounts) == 0 && !slices.ContainsFunc(p.Access, Unexpected)
}

// Failed reports whether an access did not turn out as expected.
func (p *Result) Failed(who Who) bool {
	return slices.ContainsFunc(p.Access, func(a finding.Finding) bool { return a.ID == who && Unexpected(a) })
}

// Unexpected reports whether an access that was tried did not turn out as expected.
func Unexpected(access finding.Finding) bool {
	return access.Outcome != finding.OK && access.Outcome != finding.Omitted
}

// Verifier verifies a world by connecting to its agent.
type Verifier struct {
	Guest  func(*limatype.Instance, layout.Layout) guest.Client
	Layout layout.Layout
	Now    func() time.Time
	Mounts []string // the mount points that have to be there afterwards
}

// Verify connects to the agent as everyone who should reach it and as one user who should not. Connecting starts an
// agent that does not run: that is what its socket is for.
func (v Verifier) Verify(ctx context.Context, instance *limatype.Instance) Result {
	forwarded := make(chan struct{})
	close(forwarded)
	ctx, cancel := context.WithTimeoutCause(ctx, Deadline, guest.Late(Deadline))
	defer cancel()
	return v.Connect(ctx, instance, forwarded)
}

// Connect is Verify with the caller's deadline. Lima's socket on the host is connected to once forwarded is closed; the
// mounts are observed after that.
func (v Verifier) Connect(ctx context.Context, instance *limatype.Instance, forwarded <-chan struct{}) Result {
	c := v.connectAs(ctx, instance, forwarded, guest.Self, guest.Root, guest.Outsider)
	return v.conclude(c, nil)
}

// Begin begins to verify beside an observation. verified waits for the result. It gets the observation, which has the
// answers of those whom the mode asks there, or nil without one.
func (v Verifier) Begin(
	ctx context.Context, instance *limatype.Instance, when Mode,
) (verified func(*guest.Observation) *Result) {
	if when == Never || instance == nil || instance.Status != limatype.StatusRunning || instance.Config == nil {
		return func(*guest.Observation) *Result { return nil }
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Deadline, guest.Late(Deadline))
	forwarded := make(chan struct{})
	close(forwarded)
	var done connections
	var wait sync.WaitGroup
	wait.Go(crash.Guard(func() {
		if when == OverOpen {
			done.host, done.capabilities = v.throughHost(ctx, Host, lima.HostSocketPath(instance))
		} else {
			done = v.connectAs(ctx, instance, forwarded, guest.Self)
		}
		cancel()
	}))
	return func(seen *guest.Observation) *Result {
		wait.Wait()
		switch {
		case seen == nil:
			return nil
		case when == OverOpen:
			return v.overOpen(seen.Answers, done)
		}
		result := v.conclude(done, seen.Answers)
		return &result
	}
}

// connections are the results of connecting in all ways.
type connections struct {
	host, shared finding.Finding
	capabilities guest.Capabilities
	fresh        freshConnection
}

// connectAs connects in all ways at once, and in the guest, on a fresh connection, as who.
func (v Verifier) connectAs(
	ctx context.Context, instance *limatype.Instance, forwarded <-chan struct{}, who ...string,
) (c connections) {
	var others sync.WaitGroup
	others.Go(crash.Guard(func() {
		select {
		case <-forwarded:
		case <-ctx.Done():
		}
		c.host, c.capabilities = v.throughHost(ctx, Host, lima.HostSocketPath(instance))
	}))
	others.Go(crash.Guard(func() { c.shared = v.throughShell(ctx, instance) }))
	c.fresh = v.freshConnection(ctx, instance, who, others.Wait)
	others.Wait()
	return c
}

// errNotAsked is found of someone of whom no answer came, although nothing failed.
var errNotAsked = errors.New("the agent was not asked")

// conclude is the verification by connections, and by the answers of those who asked elsewhere.
func (v Verifier) conclude(c connections, elsewhere map[string]guest.Answer) Result {
	answers := maps.Clone(elsewhere)
	if c.fresh.err == nil {
		answers = c.fresh.replies.Answers
		maps.Copy(answers, elsewhere)
	}
	of := func(who Who, as string) finding.Finding {
		if answer, asked := answers[as]; asked {
			return v.accessOf(who, answer)
		}
		return unanswered(who, cmp.Or(c.fresh.err, errNotAsked))
	}
	return Result{
		Entered: c.fresh.err == nil, Capabilities: c.capabilities, Refusal: c.fresh.refusal,
		Misanswered: c.fresh.err == nil && answers[guest.Root].Misanswered(v.Layout),
		Access: []finding.Finding{of(User, guest.Self), of(Root, guest.Root), of(Outsider, guest.Outsider), c.fresh.client,
			c.shared, c.host},
		LostMounts: c.fresh.lostMounts(v.Mounts),
	}
}

// lostMounts returns the mount points at which nothing was mounted after connecting, as far as that was seen.
func (c *freshConnection) lostMounts(points []string) (lost []string) {
	for _, point := range points {
		if c.err == nil && !slices.Contains(c.replies.Mounted, point) {
			lost = append(lost, point)
		}
	}
	return lost
}

// overOpen is the verification over connections that were open: by the answers that came while the guest was observed
// over Lima's shared one, and by that of the host.
func (v Verifier) overOpen(answers map[string]guest.Answer, c connections) *Result {
	left := func(who Who) finding.Finding {
		return finding.Finding{ID: who, Title: titles[who], Outcome: finding.Omitted, Want: foundAnswered,
			Found: foundOmitted}
	}
	shared := v.accessOf(Shared, answers[guest.Self])
	shared.Details = []string{"over ssh; limactl shell, which starts a login shell, is " + foundOmitted}
	return &Result{
		Entered: true, Capabilities: c.capabilities, Misanswered: answers[guest.Root].Misanswered(v.Layout),
		Access: []finding.Finding{
			left(User), v.accessOf(Root, answers[guest.Root]), v.accessOf(Outsider, answers[guest.Outsider]),
			left(Client), shared, c.host,
		},
	}
}

// throughShell asks the agent as users do: by limactl shell, over Lima's shared connection.
func (v Verifier) throughShell(ctx context.Context, instance *limatype.Instance) finding.Finding {
	ctx, cancel := context.WithTimeoutCause(ctx, shellDeadline, guest.Late(shellDeadline))
	defer cancel()
	replies, err := v.Guest(instance, v.Layout).Verify(ctx,
		guest.Verification{Via: guest.Shell, Who: []string{guest.Self}})
	if err != nil {
		failed := unanswered(Shared, err)
		if failed.Next == "" {
			failed.Next = loginFails(instance, err)
		}
		return failed
	}
	return v.accessOf(Shared, replies.Answers[guest.Self])
}

// throughHost asks the agent through a socket on the host.
func (v Verifier) throughHost(ctx context.Context, who Who, path string) (finding.Finding, guest.Capabilities) {
	ctx, cancel := context.WithTimeoutCause(ctx, hostDeadline,
		errors.New("connected, and no answer came within "+hostDeadline.String()))
	defer cancel()
	start := v.Now()
	capabilities, err := Ask(ctx, v.Layout, path)
	if err != nil {
		return access(who, err.Error(), 0), capabilities
	}
	return access(who, foundAnswered, v.Now().Sub(start)), capabilities
}

// accessOf judges the result of curl in the guest.
func (v Verifier) accessOf(who Who, answer guest.Answer) finding.Finding {
	ok, found := answer.Answered(v.Layout)
	switch {
	case ok:
		found = foundAnswered
	case answer.Refused():
		found = foundRefused
	}
	return access(who, found, answer.Took)
}

// unanswered is the result of a connection that failed.
func unanswered(who Who, err error) finding.Finding {
	failed := access(who, err.Error(), 0)
	if process.Killed(err) {
		failed.Next = process.KilledNext
	}
	return failed
}

// access judges the result of connecting.
func access(who Who, found string, took time.Duration) finding.Finding {
	access := finding.Finding{ID: who, Title: titles[who], Outcome: finding.Failed, Want: foundAnswered, Found: found,
		Elapsed: took}
	if who == Outsider {
		access.Want = foundRefused
	}
	if access.Found == access.Want {
		access.Outcome = finding.OK
	}
	return access
}

// freshConnection is the result of an ssh connection of our own, which verifies everyone who needs a
// fresh one.
type freshConnection struct {
	replies *guest.Verified
	err     error
	client  finding.Finding
	// refusal is why the script did not run; nil when it did.
	refusal *Rejection
}

// freshConnection connects, and asks the agent as who; others waits for the other connections, before the mounts are
// observed.
func (v Verifier) freshConnection(
	ctx context.Context, instance *limatype.Instance, who []string, others func(),
) freshConnection {
	came := freshConnection{client: access(Client, "no connection was forwarded", 0)}
	came.err = UntilAdmitted(ctx, func() (err error) {
		came.replies, err = v.Guest(instance, v.Layout).Verify(ctx, guest.Verification{
			Via: guest.Fresh, Who: who, Mounts: v.Mounts,
			Forward: &guest.Forward{
				// The path is short, since a socket's may have 104 bytes only, and in a directory that only the user
				// can enter.
				Path: filepath.Join(instance.Dir, "p."+rand.Text()[:8]+".sock"),
				Use: func(ctx context.Context, path string) {
					came.client, _ = v.throughHost(ctx, Client, path)
					others()
				},
			},
		})
		return err
	})
	came.refusal = RefusalOf(came.err)
	return came
}
