// Command agent is a world agent for the end-to-end suite: an ELF as a real agent is one. It takes its listener from
// systemd and answers GET /v1/capabilities.
//
// With -ldflags "-X main.refuses=yes" it answers with an error: an agent that fails at once, which no one has to wait
// for. With "-X main.backend=NAME" it is the agent of another generation.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
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
	// Whom it has accepted is answered before it ends: no client fails when the agent is replaced.
	var server http.Server
	ended := make(chan error)
	terminated, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	context.AfterFunc(terminated, func() { ended <- server.Shutdown(context.Background()) })
	err = server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		err = <-ended
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, name, err)
		os.Exit(1)
	}
}
