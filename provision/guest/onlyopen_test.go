package guest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
)

// TestOnlyOpen: without a master, ssh connects to nothing, whether there is a control socket or not. The port may be
// another program's by then.
func TestOnlyOpen(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // short, for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan struct{}, 9)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- struct{}{}
			connection.Close()
		}
	}()
	control := filepath.Join(dir, "ssh.sock")
	config := filepath.Join(dir, "ssh.config")
	text := fmt.Sprintf("Host lima-vm\n  HostName 127.0.0.1\n  Port %d\n  ControlMaster auto\n  ControlPath %s\n"+
		"  ControlPersist yes\n", listener.Addr().(*net.TCPAddr).Port, control)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ssh := SSH{Config: config, VM: "vm"}
	connect := func(onlyOpen bool) {
		t.Helper()
		_, err := ssh.Exec(t.Context(), Request{Route: Shared, OnlyOpen: onlyOpen,
			Script: embed.Script{Name: "x", Text: ":"}})
		if _, failed := errors.AsType[*ConnectionError](err); !failed {
			t.Errorf("only open %v: %v", onlyOpen, err)
		}
	}
	connect(true)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: control, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	connect(true)
	connect(false) // has ended once it was accepted, and all before it
	if connections := len(accepted); connections != 1 {
		t.Errorf("%d connections were made, expected only the one that may be", connections)
	}
}
