package guest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// SocketPath is the agent's socket in the guest.
const SocketPath = "/run/substrate.sock"

// sshFailed is the exit status by which ssh reports its own failures, see ssh(1).
const sshFailed = 255

// SSH reaches the guest of one Lima instance with the ssh client of this machine.
type SSH struct {
	Config string // the instance's ssh.config
	VM     string // the instance's name; its host in Config is "lima-" + VM
	Lima   lima.Client
	Env    []string // environment of ssh; nil means this process's own
}

// Exec implements [Transport].
func (s SSH) Exec(ctx context.Context, request Request) (Reply, error) {
	if request.Route == Shell {
		return s.shell(ctx, request)
	}
	args := []string{"-F", s.Config, "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR", "-o", "ControlMaster=no"}
	if request.Route == Fresh {
		args = append(args, "-o", "ControlPath=none")
	}
	if request.Forward != nil {
		args = append(args, "-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindMask=0177", "-L", request.Forward.Path+":"+SocketPath)
	}
	// The guest's login shell splits the command again, so each word is quoted for it.
	args = append(args, "lima-"+s.VM, "--", shellescape.QuoteCommand(words(request)))

	running, end := context.WithCancel(ctx)
	defer end()
	cmd := process.Command(running, "ssh", args...)
	cmd.Env = s.Env
	stdout := endWriter{last: request.End, end: end}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Stdin = request.Stdin
	if request.Forward != nil {
		input, stop, err := forwardInput(ctx, request.Forward)
		if err != nil {
			return Reply{}, err
		}
		defer stop()
		cmd.Stdin = input
	}
	if request.Line != nil {
		cmd.Stdout = &lineWriter{each: request.Line}
	}
	if request.Line != nil && request.Stdin == nil {
		held, stop, err := heldInput()
		if err != nil {
			return Reply{}, err
		}
		defer stop()
		cmd.Stdin = held
	}
	reply := Reply{Sent: time.Now()}
	err := process.Run(cmd)
	reply.Received = time.Now()
	reply.Stdout = stdout.text.Bytes()
	if stdout.ended {
		return reply, nil
	}
	return reply, s.failure(ctx, request, err, stderr.String())
}

// forwardInput is a standard input that ends when the forwarded socket was used, or when stop is called.
// It is a pipe of the system's, because os/exec would wait for a reader of ours even after ssh has gone.
func forwardInput(ctx context.Context, forward *Forward) (input *os.File, stop func(), err error) {
	input, output, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer output.Close()
		if waitForSocket(ctx, forward.Path) {
			forward.Use(ctx, forward.Path)
		}
	}()
	return input, func() {
		cancel()
		<-finished
		input.Close()
	}, nil
}

// waitForSocket waits until path accepts connections, and says whether it did before ctx ended.
func waitForSocket(ctx context.Context, path string) bool {
	const pause = 20 * time.Millisecond
	for {
		connection, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err == nil {
			connection.Close()
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// shell runs the request through `limactl shell`.
func (s SSH) shell(ctx context.Context, request Request) (Reply, error) {
	reply := Reply{Sent: time.Now()}
	result, err := s.Lima.Shell(ctx, s.VM, words(request)...)
	reply.Received = time.Now()
	reply.Stdout = result.Stdout
	switch {
	case err != nil:
		return reply, &ConnectionError{Route: Shell, Err: err}
	case result.ExitCode == sshFailed:
		return reply, &ConnectionError{Route: Shell, Detail: strings.TrimSpace(result.Stderr)}
	case result.ExitCode != 0:
		return reply, &ScriptError{Script: request.Script.Name, ExitCode: result.ExitCode, Stderr: result.Stderr}
	}
	return reply, nil
}

func (s SSH) failure(ctx context.Context, request Request, err error, stderr string) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return &ConnectionError{Route: request.Route, Err: context.Cause(ctx)}
	}
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return &ConnectionError{Route: request.Route, Err: err}
	}
	if exit.ExitCode() == sshFailed {
		return &ConnectionError{Route: request.Route, Detail: strings.TrimSpace(stderr)}
	}
	return &ScriptError{Script: request.Script.Name, ExitCode: exit.ExitCode(), Stderr: stderr}
}

// words is the command that runs the request in the guest.
func words(request Request) []string {
	command := append([]string{"sh", "-c", request.Script.Text, request.Script.Name}, request.Args...)
	if request.Root {
		command = append([]string{"sudo", "-n", "--"}, command...)
	}
	return command
}
