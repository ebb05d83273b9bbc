package provision

import (
	"context"
	"crypto/rand"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// visit is what came of an ssh connection of our own, on which everybody in the guest was asked who needs a fresh one.
type visit struct {
	proof  *guest.Proof
	err    error
	client Access
	// refusal is why the script did not run; nil when it did.
	refusal *rejection
}

// visit connects and asks everybody; others waits for whoever else connects meanwhile, before the mounts are looked at.
func (r *run) visit(ctx context.Context, instance *limatype.Instance, others func()) visit {
	v := visit{client: Access{Who: WhoClient, Want: answered, Found: "no connection was forwarded", Outcome: Failed}}
	_, points := r.target.mounts()
	reply, err := r.guest(instance).Exec(ctx, guest.Request{
		Route:  guest.Fresh,
		Script: embed.Prove,
		Args:   append([]string{guest.Self, guest.Root, guest.Outsider}, points...),
		End:    guest.End,
		Forward: &guest.Forward{
			// Short, since a socket's path may have 104 bytes only, and in a directory that is the user's alone.
			Path: filepath.Join(instance.Dir, "p."+rand.Text()[:8]+".sock"),
			Use: func(ctx context.Context, path string) {
				v.client, _ = r.proveHost(ctx, WhoClient, path)
				others()
			},
		},
	})
	v.refusal = refusalOf(err)
	if v.err = err; err == nil {
		v.proof, v.err = guest.ParseProof(reply, guest.Self, guest.Root, guest.Outsider)
	}
	return v
}
