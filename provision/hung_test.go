package provision

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// hung is a guest whose shared connection hangs until its deadline.
type hung struct {
	guest.Client
	asked map[guest.Route]int
}

func (h hung) Observe(_ context.Context, via guest.Route, _ guest.ObserveOptions) (*guest.Observation, error) {
	if h.asked[via]++; via == guest.Shared {
		return nil, &guest.ConnectionError{Route: via, Err: guest.Late(guest.SharedDeadline)}
	}
	return &guest.Observation{}, nil
}

// TestHungConnectionIsNotWaitedForTwice: when the observation that was begun early hangs, a fresh connection is next.
func TestHungConnectionIsNotWaitedForTwice(t *testing.T) {
	spec := Spec{VM: "w", LimaHome: t.TempDir(), StateDir: t.TempDir()}
	spec.LimaHome, _ = filepath.EvalSymlinks(spec.LimaHome) // it is there
	dir, user := filepath.Join(spec.LimaHome, spec.VM), "ada"
	instance := &limatype.Instance{Name: spec.VM, Dir: dir, SSHConfigFile: filepath.Join(dir, filenames.SSHConfig),
		Config: &limatype.LimaYAML{User: limatype.User{Name: &user}}}
	asked := questionOf(instance, layout.All[0], []string{"/home/ada", "/src"})
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filenames.LimaVersion), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // for a short path
	listener, err := net.Listen("unix", filenames.SSHSock)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	place := vmswap.Place{Home: spec.LimaHome, VM: spec.VM}
	remember(spec, place, Health{Layout: layout.All[0].Name, Time: time.Now()}, &asked)

	client := hung{asked: map[guest.Route]int{}}
	enter := func(*limatype.Instance, layout.Layout) guest.Client { return client }
	o := observer{vm: &lifecycle.VM{Now: time.Now}, guest: enter}
	var p prefetch
	p.begin(t.Context(), enter, spec, nil)
	seen, sharedDead, err := o.observeGuest(t.Context(), instance, layout.All[0], guest.ObserveOptions{},
		p.take(instance, asked, nil))
	if seen == nil || !sharedDead || err != nil || client.asked[guest.Shared] != 1 || client.asked[guest.Fresh] != 1 {
		t.Errorf("%v, %v, %v, asked %v", seen, sharedDead, err, client.asked)
	}
}
