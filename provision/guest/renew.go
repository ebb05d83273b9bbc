package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/process"
)

// masterDeadline is how long a living master takes at most to answer; one that hangs never does.
const masterDeadline = 10 * time.Second

// Renew implements [Transport]. It tells the master of the shared connection to accept no more sessions (`ssh -O
// stop`), which removes its control socket, and the next ssh becomes the new master. Unlike `ssh -O exit` that leaves
// alone what runs over the old one: reverse-sshfs mounts, shells, sockets that are forwarded. Measured with OpenSSH
// 9.2.
//
// The old one may be the last way in, so it is left alone unless another one is let in: the error is a
// [*ConnectionError] of the route [Fresh] then.
func (s SSH) Renew(ctx context.Context, forwards []Pair) error {
	if err := s.ssh(ctx, "-o", "ConnectTimeout=10", "-o", "ControlMaster=no", "-o", "ControlPath=none", "lima-"+s.VM,
		"--", "true"); err != nil {
		refused, ok := errors.AsType[*ConnectionError](err)
		if ok {
			refused.Route = Fresh
		}
		return err
	}
	if err := s.stopMaster(ctx); err != nil && ctx.Err() == nil {
		// Its master does not answer: it is dead, or hangs, and would be in the way of the new one.
		control := filepath.Join(filepath.Dir(s.Config), filenames.SSHSock)
		if err := os.Remove(control); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the dead connection's control socket is in the way: %w", err)
		}
	}
	// Lima's own configuration makes it a master that stays, in the background.
	if err := s.ssh(ctx, "-o", "ConnectTimeout=10", "lima-"+s.VM, "--", "true"); err != nil {
		return err
	}
	for _, pair := range forwards {
		if err := s.forward(ctx, pair); err != nil {
			return err
		}
	}
	return nil
}

func (s SSH) stopMaster(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, masterDeadline)
	defer cancel()
	return s.ssh(ctx, "-O", "stop", "lima-"+s.VM)
}

// forward forwards a socket over the shared connection, in the place of a file that is left there, as Lima does it.
func (s SSH) forward(ctx context.Context, pair Pair) error {
	if err := os.Remove(pair.Host); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(pair.Host), 0o750); err != nil {
		return err
	}
	return s.ssh(ctx, "-O", "forward", "-o", "StreamLocalBindMask=0177", "-L", pair.Host+":"+pair.Guest, "lima-"+s.VM)
}

func (s SSH) ssh(ctx context.Context, args ...string) error {
	args = append([]string{"-F", s.Config, "-T", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"}, args...)
	cmd := process.Command(ctx, "ssh", args...)
	cmd.Env = s.Env
	var stderr process.Lines
	cmd.Stderr = &stderr
	err := process.Run(cmd)
	if _, killed := errors.AsType[*process.KilledError](err); killed {
		return fmt.Errorf("the shared connection was not renewed: %w", err)
	}
	if err != nil {
		return &ConnectionError{Route: Shared, Detail: strings.TrimSpace(stderr.Tail()), Err: err}
	}
	return nil
}
