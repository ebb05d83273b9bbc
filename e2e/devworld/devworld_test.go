package main

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"testing"
)

func TestOwnPicksOurVariables(t *testing.T) {
	got := own([]string{"LIMA_HOME=/x", "PATH=/bin", "SUBSTRATE_HOME=/s", "NO_COLOR=1", "NO_COLOR_EVER=1", "HOME=/h"})
	if want := []string{"LIMA_HOME=/x", "SUBSTRATE_HOME=/s", "NO_COLOR=1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReachable(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		_ *http.Request) {
		w.WriteHeader(status)
	}))
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
	if code, err := passThrough(exec.Command("sh", "-c", "exit 7"), false); code != 7 || err != nil {
		t.Errorf("got %d, %v", code, err)
	}
	if code, err := passThrough(exec.Command("sh", "-c", "kill -KILL $$"), true); code == 0 || err == nil {
		t.Errorf("killed: got %d, %v", code, err)
	}
}
