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

func (s *setup) mac(ctx context.Context) error {
	if _, err := exec.LookPath("limactl"); err != nil {
		brew, err := exec.LookPath("brew")
		if err != nil {
			return errors.New("this Mac has no limactl and no Homebrew to install it with: see " +
				"https://lima-vm.io/docs/installation/")
		}
		fmt.Println("devworld: installing Lima: brew install lima")
		cmd := exec.CommandContext(ctx, brew, "install", "lima")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("brew install lima: %v", err)
		}
	}
	cache, err := devhost.DefaultCache()
	if err != nil {
		return err
	}
	binary := filepath.Join(cache, "bin", "worldsetup")
	if err := s.build(ctx, binary); err != nil {
		return err
	}
	s.command = exec.Command(binary, append(arguments(onTerminal()), s.project)...)
	return nil
}
