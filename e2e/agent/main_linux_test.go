package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
)

// asAgent is set where the test's program is to be the agent.
const asAgent = "WORLDSETUP_TEST_IS_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(asAgent) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestReplaced: agents follow each other on one socket, as when systemd restarts their service, and no client fails:
// those whom one has accepted are answered by it, and the others by the next. So it is with the built-in one, too.
func TestReplaced(t *testing.T) {
	builtin := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(builtin, embed.ProbeAgent(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("e2e", func(t *testing.T) {
		replaced(t, func() *exec.Cmd { return exec.Command(os.Args[0]) })
	})
	t.Run("builtin", func(t *testing.T) {
		replaced(t, func() *exec.Cmd {
			return exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec python3 -IS "$1"`, "sh", builtin)
		})
	})
}

func replaced(t *testing.T, command func() *exec.Cmd) {
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	begin := func() *exec.Cmd {
		agent := command()
		agent.Env, agent.ExtraFiles, agent.Stderr = append(os.Environ(), asAgent+"=yes"), []*os.File{file}, os.Stderr
		if err := agent.Start(); err != nil {
			t.Fatal(err)
		}
		return agent
	}
	end := func(agent *exec.Cmd) {
		if err := errors.Join(agent.Process.Signal(syscall.SIGTERM), agent.Wait()); err != nil {
			t.Errorf("the agent ended with %v", err)
		}
	}

	ctx, stop := context.WithCancel(t.Context())
	answered := make(chan error)
	var clients sync.WaitGroup
	const many = 50
	for range many {
		clients.Go(func() {
			for ctx.Err() == nil {
				answered <- ask(path)
			}
		})
	}
	// An agent is at work when there are more answers than its predecessor can have left.
	atWork := func() {
		for range 2 * many {
			if err := <-answered; err != nil {
				t.Error(err)
			}
		}
	}
	agent := begin()
	for range 10 {
		atWork()
		end(agent)
		agent = begin()
	}
	atWork()
	stop()
	go func() {
		clients.Wait()
		close(answered)
	}()
	for err := range answered {
		if err != nil {
			t.Error(err)
		}
	}
	end(agent)
}

// ask asks the agent once, on a connection of its own.
func ask(socket string) error {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	reply, err := client.Get("http://localhost/v1/capabilities")
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
