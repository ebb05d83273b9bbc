package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/atomize-hq/worldsetup/internal/devhost"
)

// readableProject is the project itself when the ordinary user can read it, else a copy in that user's home. A checkout
// in root's own home is the usual case of the latter.
func readableProject(ctx context.Context, host *devhost.Host, project string) (string, error) {
	if host.Command(ctx, "ls", "-A", "--", project).Run() == nil {
		return project, nil
	}
	target := filepath.Join(host.User.Home, "worldsetup-project")
	fmt.Printf("devworld: %s cannot read %s, so the world gets a copy of it, without .git: %s\n",
		host.User.Name, project, target)
	if err := copyTree(ctx, host, project, target); err != nil {
		return "", fmt.Errorf("copy the project: %w", err)
	}
	return target, nil
}

// copyTree reads as root and writes as the user, whose home may hold any symbolic link.
func copyTree(ctx context.Context, host *devhost.Host, from, to string) error {
	if err := host.Command(ctx, "mkdir", "-p", "--", to).Run(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pack := exec.CommandContext(ctx, "tar", "--exclude-vcs", "-C", from, "-cf", "-", ".")
	unpack := host.Command(ctx, "tar", "-C", to, "--no-same-owner", "-xf", "-")
	pack.Stderr, unpack.Stderr = os.Stderr, os.Stderr
	pipe, err := pack.StdoutPipe()
	if err != nil {
		return err
	}
	unpack.Stdin = pipe
	if err := unpack.Start(); err != nil {
		return err
	}
	if err := pack.Start(); err != nil {
		cancel()
		return errors.Join(err, unpack.Wait())
	}
	read := unpack.Wait() // before the packer's Wait, which closes the pipe
	if read != nil {
		cancel()
	}
	return errors.Join(read, pack.Wait())
}
