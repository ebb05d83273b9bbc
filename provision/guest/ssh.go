package guest

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// SocketPath is the agent's socket in the guest.
const SocketPath = layout.AgentSocket

// sshFailed is the exit status by which ssh reports its own failures, see ssh(1).
const sshFailed = 255

// SSH reaches the guest of one Lima instance with the ssh client of this machine.
type SSH struct {
	Config string // the instance's ssh.config
	VM     string // the instance's name; its host in Config is "lima-" + VM
	User   string // as whom Config logs in; empty when that is unknown
	Lima   lima.Client
	Env    []string // environment of ssh; nil means this process's own
}

// Exec implements [Transport]. If the client on this machine is killed, the request is made again, once: a script may
// run twice.
func (s SSH) Exec(ctx context.Context, request Request) (Reply, error) {
	run := s.connect
	if request.Route == Shell {
		run = s.shell
	}
	reply, err := run(ctx, request)
	if !cutOff(err) || ctx.Err() != nil || request.Stdin != nil || request.Line != nil {
		return reply, err
	}
	if request.Forward != nil {
		_ = os.Remove(request.Forward.Path) // the killed one left it
	}
	return run(ctx, request)
}

// cutOff reports whether the client ended without a word of why: it was killed. The one that `limactl shell` runs shows
// as an exit of limactl's.
func cutOff(err error) bool {
	if _, killed := errors.AsType[*process.KilledError](err); killed {
		return true
	}
	if session, ok := errors.AsType[*SessionError](err); ok {
		return session.Route == Shell
	}
	connection, ok := errors.AsType[*ConnectionError](err)
	return ok && connection.Detail == "" && connection.Err == nil
}

// connect runs the request over an ssh connection.
func (s SSH) connect(ctx context.Context, request Request) (Reply, error) {
	args := []string{"-F", s.Config, "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR",
		"-o", "ControlMaster=no"}
	if request.Route == Fresh {
		args = append(args, "-o", "ControlPath=none")
	}
	if request.OnlyOpen { // without a master ssh runs this program in place of connecting, which fails
		args = append(args, "-o", "ProxyCommand=false")
	}
	if request.Forward != nil {
		args = append(args, "-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindMask=0177", "-L",
			request.Forward.Path+":"+SocketPath)
	}
	// The guest's login shell splits the command again, so each word is quoted for it.
	mark := newMark()
	args = append(args, "lima-"+s.VM, "--", shellescape.QuoteCommand(frame(request, s.User, mark)))

	running, end := context.WithCancel(ctx)
	defer end()
	cmd := process.Command(running, "ssh", args...)
	cmd.Env = s.Env
	stdout := unframe{mark: mark, line: request.Line, last: request.End, end: end}
	var stderr process.Lines
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
	reply.Stdout, reply.Noise = stdout.text.Bytes(), stdout.noise.String()
	if done, err := stdout.done(request.Script.Name, stderr.Tail()); done {
		return reply, err
	}
	return reply, s.failure(ctx, request, err, stdout.noise.String()+stderr.Tail())
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
		defer crash.Catch()
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

// waitForSocket waits until path accepts connections, and reports whether it did before ctx ended.
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
	stdout := unframe{mark: newMark()}
	result, err := s.Lima.Shell(ctx, s.VM, frame(request, s.User, stdout.mark)...)
	reply.Received = time.Now()
	if err != nil {
		return reply, &ConnectionError{Route: Shell, Err: err}
	}
	_, _ = stdout.Write(result.Stdout) // it never fails
	reply.Stdout = stdout.text.Bytes()
	if done, err := stdout.done(request.Script.Name, result.Stderr); done {
		return reply, err
	}
	return reply, broken(Shell, result.ExitCode, stdout.noise.String()+result.Stderr)
}

// failure returns why a script did not end, from the error of ssh and from the output that came instead of the
// script's.
func (s SSH) failure(ctx context.Context, request Request, err error, output string) error {
	if ctx.Err() != nil {
		return &ConnectionError{Route: request.Route, Err: context.Cause(ctx)}
	}
	if _, killed := errors.AsType[*process.KilledError](err); killed {
		return &ConnectionError{Route: request.Route, Err: err}
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if err != nil && !ok {
		return &ConnectionError{Route: request.Route, Err: err}
	}
	code := 0
	if ok {
		code = exit.ExitCode()
	}
	return broken(request.Route, code, output)
}

// broken returns the error of a session that ended with ssh's own exit code before its script did.
func broken(route Route, code int, output string) error {
	if code == sshFailed {
		return &ConnectionError{Route: route, Detail: strings.TrimSpace(output)}
	}
	return &SessionError{Route: route, ExitCode: code, Output: output}
}

// heldInput is a standard input that has nothing to read and does not end before stop is called.
func heldInput() (input *os.File, stop func(), err error) {
	input, output, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return input, func() { output.Close(); input.Close() }, nil
}
