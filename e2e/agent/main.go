// Command agent is a world agent for the end-to-end suite: an ELF as a real agent is one. It takes its listener from
// systemd and answers GET /v1/capabilities.
//
// With -ldflags "-X main.refuses=yes" it answers with an error: an agent that fails at once, which no one has to wait
// for. With "-X main.backend=NAME" it is the agent of another generation.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Each is set when an agent is linked: refuses makes it answer with an error, name makes one differ from another, and
// backend is what it says that it is.
var (
	refuses, name string
	backend       = "world-agent"
)

func main() {
	listener, err := net.FileListener(os.NewFile(3, "listener")) // LISTEN_FDS starts at 3, see sd_listen_fds(3)
	if err != nil {
		fmt.Fprintln(os.Stderr, "no listener from systemd:", err)
		os.Exit(1)
	}
	http.HandleFunc("GET /v1/capabilities", func(w http.ResponseWriter, _ *http.Request) {
		if refuses != "" {
			http.Error(w, "not today", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"version":"v1","features":["e2e"],"backend":%q,"platform":"linux"}`+"\n", backend)
	})
	// Those whom it has accepted are answered before it ends, and the others wait for the next agent: no client fails when
	// the agent is replaced. Server.Shutdown does not wait for one that was accepted a moment ago.
	counted := &counted{Listener: listener}
	terminated, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	context.AfterFunc(terminated, func() { listener.Close() })
	server := http.Server{ReadHeaderTimeout: 5 * time.Second}
	server.SetKeepAlivesEnabled(false)
	err = server.Serve(counted)
	if terminated.Err() != nil {
		counted.open.Wait()
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, name, err)
		os.Exit(1)
	}
}

// counted is a listener that knows which of its connections are open.
type counted struct {
	net.Listener
	open sync.WaitGroup
}

func (l *counted) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	return &countedConn{connection, sync.OnceFunc(l.open.Done)}, nil
}

type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
