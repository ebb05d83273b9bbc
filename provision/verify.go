package provision

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// verifyDeadline bounds a whole verification; an emulated machine needs 2 s, and an agent may take 10 s to answer.
const verifyDeadline = time.Minute

// hostDeadline bounds one answer; in the guest curl has 10 s. shellDeadline bounds one by `limactl shell`, whose login
// shell may hang: the fresh connection, which waits for the others, is to end well before verifyDeadline.
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

// verification is the result of connecting.
type verification struct {
	entered      bool // the fresh connection was established
	access       []Finding
	misanswered  bool     // root got the answer of something that is no world agent
	lostMounts   []string // mount points at which nothing was mounted afterwards
	capabilities guest.Capabilities
	refusal      *rejection // of the fresh connection; nil when it worked
}

// passed reports whether every access turned out as expected, and no mount was lost.
func (p *verification) passed() bool {
	return p != nil && len(p.lostMounts) == 0 && !slices.ContainsFunc(p.access, unexpected)
}

// failed reports whether an access did not turn out as expected.
func (p *verification) failed(who Who) bool {
	return slices.ContainsFunc(p.access, func(a Finding) bool { return a.ID == who && unexpected(a) })
}

// unexpected reports whether an access that was tried did not turn out as expected.
func unexpected(access Finding) bool { return access.Outcome != OK && access.Outcome != Omitted }

// verifier verifies a world by connecting to its agent.
type verifier struct {
	guest  func(*limatype.Instance, layout.Layout) guest.Client
	layout layout.Layout
	now    func() time.Time
	mounts []string // the mount points that have to be there afterwards
}

func newVerifier(t target, edges Edges) verifier {
	return verifier{guest: edges.Guest, layout: t.layout, now: edges.Now, mounts: t.mountPoints()}
}

// verify connects to the agent as everyone who should reach it and as one user who should not. Connecting starts an
// agent that does not run: that is what its socket is for.
func (v verifier) verify(ctx context.Context, instance *limatype.Instance) verification {
	forwarded := make(chan struct{})
	close(forwarded)
	ctx, cancel := context.WithTimeoutCause(ctx, verifyDeadline, lateError(verifyDeadline))
	defer cancel()
	return v.connect(ctx, instance, forwarded)
}

// connect is verify with the caller's deadline. Lima's socket on the host is connected to once forwarded is closed; the
// mounts are observed after that.
func (v verifier) connect(ctx context.Context, instance *limatype.Instance, forwarded <-chan struct{}) verification {
	c := v.connectAs(ctx, instance, forwarded, guest.Self, guest.Root, guest.Outsider)
	return v.conclude(c, nil)
}

// begin begins to verify beside an observation. verified waits for the result. It gets the observation, which has the
// answers of those whom the mode asks there, or nil without one.
func (v verifier) begin(
	ctx context.Context, instance *limatype.Instance, when verifyMode,
) (verified func(*guest.Observation) *verification) {
	if when == never || instance == nil || instance.Status != limatype.StatusRunning || instance.Config == nil {
		return func(*guest.Observation) *verification { return nil }
	}
	ctx, cancel := context.WithTimeoutCause(ctx, verifyDeadline, lateError(verifyDeadline))
	forwarded := make(chan struct{})
	close(forwarded)
	var done connections
	var wait sync.WaitGroup
	wait.Go(crash.Guard(func() {
		if when == overOpen {
			done.host, done.capabilities = v.throughHost(ctx, WhoHost, lima.HostSocketPath(instance))
		} else {
			done = v.connectAs(ctx, instance, forwarded, guest.Self)
		}
		cancel()
	}))
	return func(seen *guest.Observation) *verification {
		wait.Wait()
		switch {
		case seen == nil:
			return nil
		case when == overOpen:
			return v.overOpen(seen.Answers, done)
		}
		result := v.conclude(done, seen.Answers)
		return &result
	}
}

// connections are the results of connecting in all ways.
type connections struct {
	host, shared Finding
	capabilities guest.Capabilities
	fresh        freshConnection
}

// connectAs connects in all ways at once, and in the guest, on a fresh connection, as who.
func (v verifier) connectAs(
	ctx context.Context, instance *limatype.Instance, forwarded <-chan struct{}, who ...string,
) (c connections) {
	var others sync.WaitGroup
	others.Go(crash.Guard(func() {
		select {
		case <-forwarded:
		case <-ctx.Done():
		}
		c.host, c.capabilities = v.throughHost(ctx, WhoHost, lima.HostSocketPath(instance))
	}))
	others.Go(crash.Guard(func() { c.shared = v.throughShell(ctx, instance) }))
	c.fresh = v.freshConnection(ctx, instance, who, others.Wait)
	others.Wait()
	return c
}

// errNotAsked is found of someone of whom no answer came, although nothing failed.
var errNotAsked = errors.New("the agent was not asked")

// conclude is the verification by connections, and by the answers of those who asked elsewhere.
func (v verifier) conclude(c connections, elsewhere map[string]guest.Answer) verification {
	answers := maps.Clone(elsewhere)
	if c.fresh.err == nil {
		answers = c.fresh.replies.Answers
		maps.Copy(answers, elsewhere)
	}
	of := func(who Who, as string) Finding {
		if answer, asked := answers[as]; asked {
			return v.accessOf(who, answer)
		}
		return unanswered(who, cmp.Or(c.fresh.err, errNotAsked))
	}
	return verification{
		entered: c.fresh.err == nil, capabilities: c.capabilities, refusal: c.fresh.refusal,
		misanswered: c.fresh.err == nil && answers[guest.Root].Misanswered(v.layout),
		access: []Finding{of(WhoUser, guest.Self), of(WhoRoot, guest.Root), of(WhoOutsider, guest.Outsider), c.fresh.client,
			c.shared, c.host},
		lostMounts: c.fresh.lostMounts(v.mounts),
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
func (v verifier) overOpen(answers map[string]guest.Answer, c connections) *verification {
	left := func(who Who) Finding {
		return Finding{ID: who, Title: whoTitles[who], Outcome: Omitted, Want: foundAnswered, Found: foundOmitted}
	}
	shared := v.accessOf(WhoShared, answers[guest.Self])
	shared.Details = []string{"over ssh; limactl shell, which starts a login shell, is " + foundOmitted}
	return &verification{
		entered: true, capabilities: c.capabilities, misanswered: answers[guest.Root].Misanswered(v.layout),
		access: []Finding{
			left(WhoUser), v.accessOf(WhoRoot, answers[guest.Root]), v.accessOf(WhoOutsider, answers[guest.Outsider]),
			left(WhoClient), shared, c.host,
		},
	}
}

// throughShell asks the agent as users do: by limactl shell, over Lima's shared connection.
func (v verifier) throughShell(ctx context.Context, instance *limatype.Instance) Finding {
	ctx, cancel := context.WithTimeoutCause(ctx, shellDeadline, lateError(shellDeadline))
	defer cancel()
	replies, err := v.guest(instance, v.layout).Verify(ctx,
		guest.Verification{Via: guest.Shell, Who: []string{guest.Self}})
	if err != nil {
		finding := unanswered(WhoShared, err)
		if finding.Next == "" {
			finding.Next = loginFails(instance, err)
		}
		return finding
	}
	return v.accessOf(WhoShared, replies.Answers[guest.Self])
}

// throughHost asks the agent through a socket on the host.
func (v verifier) throughHost(ctx context.Context, who Who, path string) (Finding, guest.Capabilities) {
	ctx, cancel := context.WithTimeoutCause(ctx, hostDeadline,
		errors.New("connected, and no answer came within "+hostDeadline.String()))
	defer cancel()
	start := v.now()
	capabilities, err := askCapabilities(ctx, v.layout, path)
	if err != nil {
		return access(who, err.Error(), 0), capabilities
	}
	return access(who, foundAnswered, v.now().Sub(start)), capabilities
}

// askCapabilities makes one GET /v1/capabilities of a layout's agent, over the UNIX socket at path.
func askCapabilities(ctx context.Context, of layout.Layout, path string) (guest.Capabilities, error) {
	status, body, err := get(ctx, path)
	if err != nil {
		return guest.Capabilities{}, err
	}
	return guest.ParseCapabilities(of, status, body)
}

// get makes one GET /v1/capabilities over the UNIX socket at path, and returns the HTTP status and the answer.
func get(ctx context.Context, path string) (status int, body []byte, err error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/capabilities", nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(response.Body, 1<<20)); err != nil {
		return 0, nil, fmt.Errorf("its answer was cut off: %w", err)
	}
	return response.StatusCode, body, nil
}

// accessOf judges the result of curl in the guest.
func (v verifier) accessOf(who Who, answer guest.Answer) Finding {
	ok, found := answer.Answered(v.layout)
	switch {
	case ok:
		found = foundAnswered
	case answer.Refused():
		found = foundRefused
	}
	return access(who, found, answer.Took)
}

// unanswered is the result of a connection that failed.
func unanswered(who Who, err error) Finding {
	finding := access(who, err.Error(), 0)
	if killed(err) {
		finding.Next = killedNext
	}
	return finding
}

// access judges the result of connecting.
func access(who Who, found string, took time.Duration) Finding {
	access := Finding{ID: who, Title: whoTitles[who], Outcome: Failed, Want: foundAnswered, Found: found, Elapsed: took}
	if who == WhoOutsider {
		access.Want = foundRefused
	}
	if access.Found == access.Want {
		access.Outcome = OK
	}
	return access
}

// freshConnection is the result of an ssh connection of our own, which verifies everyone who needs a
// fresh one.
type freshConnection struct {
	replies *guest.Verified
	err     error
	client  Finding
	// refusal is why the script did not run; nil when it did.
	refusal *rejection
}

// freshConnection connects, and asks the agent as who; others waits for the other connections, before the mounts are
// observed.
func (v verifier) freshConnection(
	ctx context.Context, instance *limatype.Instance, who []string, others func(),
) freshConnection {
	came := freshConnection{client: access(WhoClient, "no connection was forwarded", 0)}
	came.err = untilAdmitted(ctx, func() (err error) {
		came.replies, err = v.guest(instance, v.layout).Verify(ctx, guest.Verification{
			Via: guest.Fresh, Who: who, Mounts: v.mounts,
			Forward: &guest.Forward{
				// The path is short, since a socket's may have 104 bytes only, and in a directory that only the user
				// can enter.
				Path: filepath.Join(instance.Dir, "p."+rand.Text()[:8]+".sock"),
				Use: func(ctx context.Context, path string) {
					came.client, _ = v.throughHost(ctx, WhoClient, path)
					others()
				},
			},
		})
		return err
	})
	came.refusal = refusalOf(came.err)
	return came
}

const (
	// penaltyPatience is how long connections that sshd drops are tried again. The penalty for one refused login is 5 s,
	// and the least that is enforced 15 s (PerSourcePenalties of sshd_config(5)); a run is refused a few times at most.
	penaltyPatience = 35 * time.Second
	penaltyPause    = 2 * time.Second
)

// untilAdmitted calls connect again as long as sshd drops its connection, since it may only be a penalty for attempts
// that were refused before.
func untilAdmitted(ctx context.Context, connect func() error) error {
	for end := time.Now().Add(penaltyPatience); ; {
		err := connect()
		failure, ok := errors.AsType[*guest.ConnectionError](err)
		if !ok || failure.Cause() != guest.CauseDropped || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(penaltyPause):
		}
	}
}

// rejection describes why a fresh connection did not work.
type rejection struct {
	what string // one of the Refused constants of package guest
	text string
	// cause is the cause as far as ssh shows it.
	cause guest.ConnectionCause
}

// refusalOf returns the rejection in err: the connection failed, or the user's login shell did not run the script. It
// is nil when the script ran.
func refusalOf(err error) *rejection {
	if killed(err) {
		return nil
	}
	if session, ok := errors.AsType[*guest.SessionError](err); ok {
		return &rejection{what: guest.RefusedSession, text: session.Error()}
	}
	if connection, ok := errors.AsType[*guest.ConnectionError](err); ok {
		return &rejection{guest.RefusedLogin, err.Error(), connection.Cause()}
	}
	return nil
}
