package embed

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// TestRootsScriptsRunOneByOne: two at once wait for each other, and one that waits for too long reports why it failed.
func TestRootsScriptsRunOneByOne(t *testing.T) {
	if _, err := exec.LookPath("flock"); err != nil {
		t.Fatal("flock is missing: install util-linux")
	}
	dir := t.TempDir()
	text := strings.NewReplacer("sudo -n -- ", "", "/run/worldsetup.lock", filepath.Join(dir, "lock"), "-w 90", "-w 2").
		Replace(Frame.Text)
	run := func(name, script string) *exec.Cmd {
		return exec.Command("/bin/sh", "-c", text, "frame", "MARK", "root", "unit", script, name)
	}
	first := run("units", "sleep 1; echo first >>"+dir+"/log; :")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for exec.Command("flock", "-n", dir+"/lock", "true").Run() == nil { // until it has begun
	}
	out, err := run("agent", "echo second >>"+dir+"/log; cat "+dir+"/log").CombinedOutput()
	if err != nil || string(out) != "MARK first\nMARK second\nMARK exit 0\n" {
		t.Errorf("got %q, %v", out, err)
	}
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	held := exec.Command("flock", dir+"/lock", "sh", "-c", "echo; read _")
	input, err := held.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = output.Read(make([]byte, 1)) // it holds the lock now
	for _, name := range []string{"units", "chain"} {
		out, _ = run(name, "echo ran").CombinedOutput()
		if text := string(out); !strings.Contains(text, "MARK exit 76") || !strings.Contains(text, "still at work") {
			t.Errorf("%s: got %q", name, out)
		}
	}
	out, err = run("refused", "echo ran").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "MARK ran\n") {
		t.Errorf("one that only reads: %q, %v", out, err)
	}
	input.Close()
	_ = held.Wait()
}

// TestTheAccountsHome: a start-up file can set another, and what is in it is not the user's.
func TestTheAccountsHome(t *testing.T) {
	account, err := user.Lookup("daemon") // every Linux has it
	if err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]string{
		account.Username: account.HomeDir + " " + account.Username,
		"-":              "/nowhere stranger",
		"no-such-user":   "/nowhere stranger",
	} {
		cmd := exec.Command("/bin/sh", "-c", Frame.Text, "frame", "MARK", who, "unit", `echo "$HOME $USER"`, "show")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nowhere", "USER=stranger", "LOGNAME=stranger"}
		if out, err := cmd.Output(); err != nil || string(out) != "MARK "+want+"\nMARK exit 0\n" {
			t.Errorf("%s: got %q, %v, want %q", who, out, err, want)
		}
	}
}
