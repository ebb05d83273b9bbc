//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// clients are programs that connect to the agent again and again.
type clients struct {
	asked   int
	longest time.Duration
	errs    []error
}

// connecting has many clients ask the agent through the host's socket while something is done. None keeps a connection.
func (home limaHome) connecting(many int, during func()) clients {
	ctx, stop := context.WithCancel(context.Background())
	socket := filepath.Join(home.dir, vm, "sock", "substrate.sock")
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}, Timeout: time.Minute}
	ask := func() error {
		reply, err := client.Get(capabilitiesURL)
		if err != nil {
			return err
		}
		defer reply.Body.Close()
		if _, err := io.Copy(io.Discard, reply.Body); err != nil {
			return err
		}
		if reply.StatusCode != http.StatusOK {
			return errors.New(reply.Status)
		}
		return nil
	}
	var all clients
	var lock sync.Mutex
	var group sync.WaitGroup
	for range many {
		group.Go(func() {
			for ctx.Err() == nil {
				begun := time.Now()
				err := ask()
				took := time.Since(begun)
				lock.Lock()
				all.asked++
				all.longest = max(all.longest, took)
				if err != nil {
					all.errs = append(all.errs, fmt.Errorf("after %v: %w", took.Round(time.Millisecond), err))
				}
				lock.Unlock()
				select { // as a program that has something else to do
				case <-ctx.Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	during()
	stop()
	group.Wait()
	return all
}

// TestClients: while the agent is replaced by another one, 50 clients connect, and none fails, in each generation.
func TestClients(t *testing.T) { inTurn(t, 0, testClients) }

func testClients(t *testing.T, rig *rig) {
	if rig.bed == nil {
		t.Skip("played on the test bed only: it is about the order of a few calls")
	}
	w := &world{limaHome: rig.newHome(t)}
	w.project = filepath.Join(w.files(), "project")
	w.write(t, filepath.Join(w.project, "read.me"), "hello\n")
	for _, of := range layout.All {
		t.Run(of.Name, func(t *testing.T) { w.testClients(t, of) })
	}
}

// testClients takes the world to a generation first.
func (w *world) testClients(t *testing.T, of layout.Layout) {
	other := filepath.Join(w.files(), of.Package)
	buildAgent(t, other, "./e2e/agent", "-X main.name=other -X main.backend="+of.Backend)
	w.setup(t, "--agent", "builtin", "--layout", of.Name).wantReady(t)
	for _, agent := range []string{other, "builtin"} {
		all := w.connecting(50, func() {
			r := w.setup(t, "--agent", agent)
			r.wantReady(t)
			if steps := r.steps(); !slices.Equal(steps, []provision.StepID{provision.StepAgent, provision.StepActivate}) {
				t.Errorf("the steps were %v", steps)
			}
		})
		t.Logf("to %s: %d connections, the longest of %v", filepath.Base(agent), all.asked, all.longest)
		if all.asked < 50 {
			t.Errorf("the clients connected %d times only", all.asked)
		}
		if len(all.errs) > 0 {
			t.Errorf("to %s: %d of %d clients failed: %v", filepath.Base(agent), len(all.errs), all.asked, all.errs[0])
		}
	}
}
