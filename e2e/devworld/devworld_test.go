package main

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestNextNamesTheVMAndItsUser(t *testing.T) {
	s := setup{command: &exec.Cmd{Env: []string{"LIMA_VM_NAME=other", "SUBSTRATE_LIMA_VM_NAME=mine"}}, limactl: "limactl", become: "worldsetup", home: "/h/.lima"}
	text := s.next()
	for _, want := range []string{"su - worldsetup\n", "limactl shell --workdir / mine curl", "--unix-socket /h/.lima/mine/sock/substrate.sock"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	s.become, s.command.Env = "", []string{}
	if text := s.next(); strings.Contains(text, "su -") || !strings.Contains(text, "/ substrate curl") {
		t.Errorf("for an ordinary user with the default VM:\n%s", text)
	}
}

func TestOwnPicksOurVariables(t *testing.T) {
	got := own([]string{"LIMA_HOME=/x", "PATH=/bin", "SUBSTRATE_HOME=/s", "NO_COLOR=1", "NO_COLOR_EVER=1", "HOME=/h"})
	if want := []string{"LIMA_HOME=/x", "SUBSTRATE_HOME=/s", "NO_COLOR=1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReachable(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	for code, want := range map[int]bool{200: true, 403: false, 404: false, 502: false} {
		status = code
		if got := reachable(t.Context(), server.URL); got != want {
			t.Errorf("status %d: reachable = %v, want %v", code, got, want)
		}
	}
	server.Close()
	if reachable(t.Context(), server.URL) {
		t.Error("a closed server is reachable")
	}
}

func TestPassThroughKeepsTheExitCode(t *testing.T) {
	if code, err := passThrough(exec.Command("sh", "-c", "exit 7")); code != 7 || err != nil {
		t.Errorf("got %d, %v", code, err)
	}
	if code, err := passThrough(exec.Command("sh", "-c", "kill -KILL $$")); code == 0 || err == nil {
		t.Errorf("killed: got %d, %v", code, err)
	}
}
