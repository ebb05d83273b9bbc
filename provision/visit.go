package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// visit is an ssh connection of our own on which everybody in the guest is asked who needs a fresh one. To connect takes
// longer than to ask, so a visit can begin before it is time for that.
type visit struct {
	cancel context.CancelCauseFunc
	begin  chan struct{} // closed when it is time to ask
	others func()        // waits for whoever else connects meanwhile; set before begin is closed

	ended  chan struct{} // closed when the rest is valid
	proof  *guest.Proof
	err    error
	client Access
}

// visit connects, and asks nobody yet.
func (r *run) visit(ctx context.Context, instance *limatype.Instance) *visit {
	ctx, cancel := context.WithCancelCause(ctx)
	v := &visit{
		cancel: cancel, begin: make(chan struct{}), ended: make(chan struct{}),
		client: Access{Who: WhoClient, Want: answered, Found: "no connection was forwarded", Outcome: Failed},
	}
	_, points := r.target.mounts()
	request := guest.Request{
		Route:  guest.Fresh,
		Script: embed.Prove,
		Args:   append([]string{guest.Self, guest.Root, guest.Outsider}, points...),
		Forward: &guest.Forward{
			// Short, since a socket's path may have 104 bytes only, and in a directory that is the user's alone.
			Path: filepath.Join(instance.Dir, "p."+rand.Text()[:8]+".sock"),
			Use: func(ctx context.Context, path string, input io.Writer) {
				select {
				case <-ctx.Done():
					return
				case <-v.begin:
				}
				_, _ = io.WriteString(input, "\n") // a connection that has died is told of by Exec
				v.client, _ = r.proveHost(ctx, WhoClient, path)
				v.others()
			},
		},
	}
	go func() {
		defer close(v.ended)
		defer cancel(nil)
		reply, err := r.guest(instance).Exec(ctx, request)
		if v.err = err; err == nil {
			v.proof, v.err = guest.ParseProof(reply, guest.Self, guest.Root, guest.Outsider)
		}
	}()
	return v
}

// ask asks everybody, and waits for the others before the mounts are looked at.
func (v *visit) ask(ctx context.Context, others func()) {
	defer context.AfterFunc(ctx, func() { v.cancel(context.Cause(ctx)) })()
	v.others = others
	close(v.begin)
	<-v.ended
}

// broken says that the connection itself failed.
func (v *visit) broken() bool {
	connection := (*guest.ConnectionError)(nil)
	return errors.As(v.err, &connection)
}

// call begins a visit for the proof that comes next.
func (r *run) call(ctx context.Context, instance *limatype.Instance) {
	r.dismiss()
	r.early = r.visit(ctx, instance)
}

// dismiss ends a visit in which nobody was asked.
func (r *run) dismiss() {
	if r.early != nil {
		r.early.cancel(nil)
		<-r.early.ended
		r.early = nil
	}
}

// proveFresh asks everybody who needs a fresh ssh connection, on the one that was begun for it while that still stands.
func (r *run) proveFresh(ctx context.Context, instance *limatype.Instance, others func()) *visit {
	if v := r.early; v != nil {
		r.early = nil
		if v.ask(ctx, others); !v.broken() {
			return v
		}
	}
	v := r.visit(ctx, instance)
	v.ask(ctx, others)
	return v
}
