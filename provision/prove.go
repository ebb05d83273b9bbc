package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// proveDeadline bounds all of the connecting; an emulated machine needs 2 s, and an agent may take 10 s for an answer.
const proveDeadline = time.Minute

// hostDeadline bounds one answer; in the guest curl has 10 s.
const hostDeadline = 15 * time.Second

const (
	answered = "answered"
	refused  = "refused"
)

// proofs is what came of connecting.
type proofs struct {
	entered      bool // the fresh connection came about
	access       []Access
	lostMounts   []string // mount points at which nothing was mounted afterwards
	capabilities guest.Capabilities
	refusal      *rejection // of the fresh connection; nil when it was of use
}

// ok says that everybody got what was due, and that it cost no mount.
func (p *proofs) ok() bool {
	return p != nil && len(p.lostMounts) == 0 && !slices.ContainsFunc(p.access, func(a Access) bool { return a.Outcome != OK })
}

// failed says that an access did not come to what it should.
func (p *proofs) failed(who Who) bool {
	return slices.ContainsFunc(p.access, func(a Access) bool { return a.Who == who && a.Outcome != OK })
}

// prove connects to the agent as everybody who should reach it and as somebody who should not. Connecting starts an
// agent that does not run: that is what its socket is for.
func (r *run) prove(ctx context.Context, instance *limatype.Instance) proofs {
	ctx, cancel := context.WithTimeoutCause(ctx, proveDeadline, errors.New("no answer within "+proveDeadline.String()))
	defer cancel()
	forwarded := make(chan struct{})
	close(forwarded)
	return r.connect(ctx, instance, forwarded)
}

// connect is prove with the caller's deadline. Lima's socket on the host is connected to once forwarded is closed; the
// mounts are looked at after that.
func (r *run) connect(ctx context.Context, instance *limatype.Instance, forwarded <-chan struct{}) proofs {
	var host, shared Access
	var capabilities guest.Capabilities
	var others sync.WaitGroup
	others.Go(func() {
		select {
		case <-forwarded:
		case <-ctx.Done():
		}
		host, capabilities = r.proveHost(ctx, WhoHost, lima.HostSocketPath(instance))
	})
	others.Go(func() { shared = r.proveShared(ctx, instance) })
	fresh := r.visit(ctx, instance, others.Wait)
	others.Wait()
	_, points := r.target.mounts()
	access, lost := fresh.result(points)
	return proofs{fresh.err == nil, append(access, shared, host), lost, capabilities, fresh.refusal}
}

// result is what everybody got, and the mount points at which nothing was mounted afterwards.
func (v *visit) result(points []string) (proven []Access, lostMounts []string) {
	if v.err != nil {
		for _, who := range []Who{WhoUser, WhoRoot, WhoOutsider} {
			proven = append(proven, Access{Who: who, Want: wanted(who), Found: v.err.Error(), Outcome: Failed})
		}
		return append(proven, v.client), nil
	}
	for _, point := range points {
		if !slices.Contains(v.proof.Mounted, point) {
			lostMounts = append(lostMounts, point)
		}
	}
	return []Access{
		access(WhoUser, v.proof.Answers[guest.Self]),
		access(WhoRoot, v.proof.Answers[guest.Root]),
		access(WhoOutsider, v.proof.Answers[guest.Outsider]),
		v.client,
	}, lostMounts
}

// proveShared asks the way that people do: limactl shell, over Lima's shared connection.
func (r *run) proveShared(ctx context.Context, instance *limatype.Instance) Access {
	reply, err := r.guest(instance).Exec(ctx, guest.Request{Route: guest.Shell, Script: embed.Prove, Args: []string{guest.Self}})
	var proof *guest.Proof
	if err == nil {
		proof, err = guest.ParseProof(reply, guest.Self)
	}
	if err != nil {
		return Access{Who: WhoShared, Want: answered, Found: err.Error(), Outcome: Failed}
	}
	return access(WhoShared, proof.Answers[guest.Self])
}

// proveHost asks through a socket on the host.
func (r *run) proveHost(ctx context.Context, who Who, path string) (Access, guest.Capabilities) {
	ctx, cancel := context.WithTimeoutCause(ctx, hostDeadline, errors.New("connected, and no answer came within "+hostDeadline.String()))
	defer cancel()
	start := r.now()
	capabilities, err := askCapabilities(ctx, path)
	if err != nil {
		return Access{Who: who, Want: answered, Found: err.Error(), Outcome: Failed}, capabilities
	}
	return Access{Who: who, Want: answered, Found: answered, Outcome: OK, Took: r.now().Sub(start)}, capabilities
}

// askCapabilities makes one GET /v1/capabilities over the UNIX socket at path.
func askCapabilities(ctx context.Context, path string) (guest.Capabilities, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/capabilities", nil)
	if err != nil {
		return guest.Capabilities{}, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return guest.Capabilities{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return guest.Capabilities{}, fmt.Errorf("its answer was cut off: %w", err)
	}
	return guest.ParseCapabilities(response.StatusCode, body)
}

// access judges what curl found in the guest.
func access(who Who, answer guest.Answer) Access {
	result := Access{Who: who, Want: wanted(who), Took: answer.Took, Outcome: Failed}
	ok, why := answer.Answered()
	switch {
	case ok:
		result.Found = answered
	case answer.Refused():
		result.Found = refused
	default:
		result.Found = why
	}
	if result.Found == result.Want {
		result.Outcome = OK
	}
	return result
}

func wanted(who Who) string {
	if who == WhoOutsider {
		return refused
	}
	return answered
}
