package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

// TestTrustUnits: units that a project brings are trusted by their content, and another content is not.
func TestTrustUnits(t *testing.T) {
	project, state := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(project, "scripts/mac/lima/units", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	const service = "[Service]\nExecStart=/usr/local/bin/substrate-world-service\n[Install]\nWantedBy=multi-user.target\n"
	write("substrate-world-service.service.tmpl", service)
	write("substrate-world-service.socket", "[Socket]\nListenStream=/run/substrate.sock\nSocketMode=0660\n"+
		"SocketGroup=substrate\n[Install]\nWantedBy=sockets.target\n")
	t.Setenv("XDG_STATE_HOME", state)
	type result struct {
		code           int
		stdout, stderr string
	}
	call := func(args ...string) result {
		var out, err strings.Builder
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		code := runWith(ctx, cancel, realEngine, args,
			streams{Out: &out, Err: &err, Getenv: func(string) string { return "" }})
		return result{code, out.String(), err.String()}
	}

	if r := call("trust", project); r.code != 2 || !strings.Contains(r.stderr, "not trusted yet") ||
		!strings.Contains(r.stderr, "worldsetup trust --yes "+project) {
		t.Errorf("unasked: %+v", r)
	}
	if r := call("trust", "--yes", project); r.code != 0 || !strings.Contains(r.stdout, "service.tmpl") ||
		!strings.Contains(r.stdout, "trusted: the units of "+project) {
		t.Errorf("--yes: %+v", r)
	}
	trusts := trustsUnits(filepath.Join(state, "worldsetup"))
	if err := trusts(t.Context(), *provision.FindProjectUnits(project)); err != nil {
		t.Error(err)
	}
	write("substrate-world-service.service.tmpl", service+"#\n")
	if err := trusts(t.Context(), *provision.FindProjectUnits(project)); err == nil ||
		!strings.Contains(err.Error(), "changed since") {
		t.Errorf("changed: %v", err)
	}
	write("substrate-world-service.service.tmpl", strings.Replace(service, "/usr/local/bin/", "/tmp/", 1))
	if r := call("trust", "--yes", project); r.code != 2 || !strings.Contains(r.stderr, "service.tmpl:2") {
		t.Errorf("refused: %+v", r)
	}
}

// All is agreed to before any of it is kept: who says no to the units has changed nothing.
func TestTrustIsKeptAtTheEnd(t *testing.T) {
	project := t.TempDir()
	if err := os.WriteFile(filepath.Join(project, config.Name), []byte("vm: other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	units := filepath.Join(project, "scripts/mac/lima/units")
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(units, 0o755), os.WriteFile(filepath.Join(units, name), []byte(text),
			0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write("substrate-world-service.service.tmpl",
		"[Service]\nExecStart=/usr/local/bin/substrate-world-service\n[Install]\nWantedBy=multi-user.target\n")
	write("substrate-world-service.socket", "[Socket]\nListenStream=/run/substrate.sock\nSocketMode=0660\n"+
		"SocketGroup=substrate\n[Install]\nWantedBy=sockets.target\n")
	trust := func(answers string, yes bool) (kept bool, err error) {
		state := t.TempDir()
		a := &app{out: io.Discard, getenv: func(string) string { return "" },
			person: terminal{in: strings.NewReader(answers), out: io.Discard}}
		err = a.trust(t.Context(), invocation{args: []string{project}, spec: provision.Spec{StateDir: state}}, yes)
		_, missing := os.Stat(filepath.Join(state, "trusted.json"))
		return missing == nil, err
	}
	for answers, want := range map[string]bool{"n\n": false, "y\nn\n": false, "y\ny\n": true} {
		kept, err := trust(answers, false)
		if kept != want || provision.IsDeclined(err) == want {
			t.Errorf("%q: kept: %v, %v", answers, kept, err)
		}
	}
	write("substrate-world-service.service.tmpl", "[Service]\nExecStart=/tmp/substrate-world-service\n")
	if kept, err := trust("", true); kept || kindOf(err) != provision.KindUsage {
		t.Errorf("units that can't be used: kept: %v, %v", kept, err)
	}
}
