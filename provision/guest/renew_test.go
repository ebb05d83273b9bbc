package guest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// calls are those of the stand-in, by what distinguishes them.
func calls(t *testing.T, s SSH) (kinds []string) {
	t.Helper()
	log := strings.TrimPrefix(s.Env[len(s.Env)-1], "STAND_IN_LOG=")
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		for _, kind := range []string{"ControlPath=none", "-O stop", "-O forward", "-- true"} {
			if strings.Contains(line, kind) {
				kinds = append(kinds, kind)
				break
			}
		}
	}
	return kinds
}

func TestRenew(t *testing.T) {
	for behaviour, left := range map[string]bool{"renew": true, "renew, dead": false} {
		s := newSSH(t, behaviour)
		dir := t.TempDir()
		s.Config = filepath.Join(dir, "ssh.config")
		control, forwarded := filepath.Join(dir, "ssh.sock"), filepath.Join(dir, "sock", "a.sock")
		if err := os.WriteFile(control, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Renew(t.Context(), []Pair{{Host: forwarded, Guest: SocketPath}}); err != nil {
			t.Errorf("%s: %v", behaviour, err)
		}
		if have := strings.Join(calls(t, s), ", "); have != "ControlPath=none, -O stop, -- true, -O forward" {
			t.Errorf("%s: %s", behaviour, have)
		}
		// A master that answers removes its socket itself; that of a dead one would be in the way.
		if _, err := os.Stat(control); (err == nil) != left {
			t.Errorf("%s: the control socket: %v", behaviour, err)
		}
		if info, err := os.Stat(filepath.Dir(forwarded)); err != nil || !info.IsDir() {
			t.Errorf("%s: no place for the socket: %v", behaviour, err)
		}
	}
}

// The old connection may be the last way in.
func TestRenewKeepsTheOldConnectionWhenNoOtherIsLetIn(t *testing.T) {
	s := newSSH(t, "unreachable")
	err := s.Renew(t.Context(), nil)
	refused, ok := errors.AsType[*ConnectionError](err)
	if !ok || refused.Route != Fresh || refused.Cause() == CauseDenied {
		t.Errorf("%#v", err)
	}
}

func TestDenied(t *testing.T) {
	for detail, want := range map[string]bool{"ada@127.0.0.1: Permission denied (publickey).": true,
		"Connection refused": false, "": false} {
		if ((&ConnectionError{Detail: detail}).Cause() == CauseDenied) != want {
			t.Errorf("%q: not %v", detail, want)
		}
	}
}

// A watcher's lines come as they appear, whole, and its standard input stays open.
func TestLinesAsTheyAppear(t *testing.T) {
	s := newSSH(t, "well")
	var lines []string
	script := Request{Route: Fresh, Line: func(line string) { lines = append(lines, line) }}
	script.Script.Name, script.Script.Text = "lines", "printf 'one\\nt'; printf 'wo\\n'"
	if _, err := s.Exec(t.Context(), script); err != nil || strings.Join(lines, ",") != "one,two" {
		t.Errorf("%q, %v", lines, err)
	}
}
