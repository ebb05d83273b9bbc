package verify

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestSessionsThatHang: where the agent answers over Lima's connection, the guest works, and is not powered off.
func TestSessionsThatHang(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "ws") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	instance := &limatype.Instance{Name: "substrate", Dir: dir}
	hung := errors.Join(&guest.ConnectionError{Route: guest.Shared, Err: guest.Late(time.Second)},
		&guest.ConnectionError{Route: guest.Fresh, Err: guest.Late(time.Second)})
	if err := Hangs(t.Context(), instance, layout.AgentV1, hung); err != hung {
		t.Errorf("no agent answers: %v", err)
	}
	path := lima.HostSocketPath(instance)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"version": "v1", "backend": "world-agent"}`))
	})}
	defer server.Close()
	go func() { _ = server.Serve(listener) }()
	err = Hangs(t.Context(), instance, layout.AgentV1, hung)
	if session, ok := errors.AsType[*guest.SessionError](err); !ok || !session.Hangs {
		t.Errorf("an agent answers: %v", err)
	}
	refused := &guest.ConnectionError{Route: guest.Fresh, Detail: "Permission denied"}
	if err := Hangs(t.Context(), instance, layout.AgentV1, refused); err != error(refused) {
		t.Errorf("ssh refuses: %v", err)
	}
}

// TestLoginShellThatFails: `limactl shell` reads more files than ssh does.
func TestLoginShellThatFails(t *testing.T) {
	instance := &limatype.Instance{Name: "substrate", SSHConfigFile: "/lima/substrate/ssh.config"}
	for _, err := range []error{
		&guest.SessionError{Route: guest.Shell}, &guest.ConnectionError{Route: guest.Shell, Err: guest.Late(time.Second)},
	} {
		if next := loginFails(instance, err); !strings.Contains(next, ".profile") ||
			!strings.Contains(next, "ssh -F /lima/substrate/ssh.config lima-substrate mv") {
			t.Errorf("%v: %q", err, next)
		}
	}
	if next := loginFails(instance, &guest.ConnectionError{Route: guest.Shell}); next != "" {
		t.Error(next)
	}
}
