package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/devhost"
)

// imageServer is where the built-in profile's image comes from.
const imageServer = "https://cloud-images.ubuntu.com/"

func (s *setup) linux(ctx context.Context) error {
	host, err := devhost.Prepare(ctx, devhost.Options{Source: s.source, Install: true, Log: os.Stdout})
	if err != nil {
		return err
	}
	binary := filepath.Join(host.Cache, "bin", "worldsetup")
	if err := s.build(ctx, binary); err != nil {
		return err
	}
	args := arguments(onTerminal())
	if reachable(ctx, imageServer) {
		fmt.Println("devworld: using the built-in profile, whose image is downloaded")
	} else {
		fmt.Printf("devworld: %s cannot be reached, so the guest image is built here\n", imageServer)
		image, err := host.GuestImage(ctx, devhost.DefaultSuite)
		if err != nil {
			return err
		}
		args = append(args, "--profile", image.Profile)
	}
	if host.User.Made {
		s.notes = append(s.notes, fmt.Sprintf("The VM belongs to the user %s; become that user first: su - %s",
			host.User.Name, host.User.Name))
		if s.project, err = readableProject(ctx, host, s.project); err != nil {
			return err
		}
	}
	s.command = host.Command(context.WithoutCancel(ctx), binary, append(args, s.project)...)
	s.command.Env = append(s.command.Env, face(os.Environ())...)
	if !host.User.Made {
		s.command.Env = append(s.command.Env, own(os.Environ())...)
	}
	for _, variable := range host.Env() {
		s.notes = append(s.notes, "This machine emulates. To start the VM by hand: export "+shellescape.Quote(variable))
	}
	if filepath.Dir(host.Lima) != "/usr/local/bin" {
		s.notes = append(s.notes, "limactl is "+host.Lima)
	}
	return nil
}

// own picks the variables that are meant for Lima and worldsetup.
func own(environ []string) []string {
	var picked []string
	for _, entry := range environ {
		for _, prefix := range []string{"LIMA_", "SUBSTRATE_", "WORLDSETUP_", "NO_COLOR="} {
			if strings.HasPrefix(entry, prefix) {
				picked = append(picked, entry)
			}
		}
	}
	return picked
}

// face picks the variables by which a program sees what a terminal shows.
func face(environ []string) (picked []string) {
	for _, entry := range environ {
		for _, prefix := range []string{"COLORTERM=", "NO_COLOR=", "ACCESSIBLE=", "LANG=", "LC_ALL=",
			"LC_CTYPE=", "TERM_PROGRAM="} {
			if strings.HasPrefix(entry, prefix) {
				picked = append(picked, entry)
			}
		}
	}
	return picked
}

// reachable reports whether the server answers well within 5 s, through the proxy that the environment names.
func reachable(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode < http.StatusBadRequest
}

// build builds worldsetup by rename, since the one that is there may be running.
func (s *setup) build(ctx context.Context, binary string) error {
	fmt.Println("devworld: building worldsetup")
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary+".new", "./cmd/worldsetup")
	cmd.Dir = s.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build worldsetup: %v", err) // not wrapped: its exit code is not worldsetup's
	}
	return os.Rename(binary+".new", binary)
}
