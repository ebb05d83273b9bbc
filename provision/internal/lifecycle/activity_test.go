package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

func TestPhasesNeverGoBack(t *testing.T) {
	var s Activity
	var seen []string
	s.Show(func(string) { seen = append(seen, s.Phase()) })
	s.readLog(`Starting the instance "substrate" with internal VM driver "qemu"`)
	s.reach(lima.PhaseKernel)
	s.readLog(`Waiting for the essential requirement 1 of 4: "ssh"`)
	s.readLog("The essential requirement 1 of 4 is satisfied")
	if want := []string{"starting the driver", "kernel output", "ssh answers"}; !slices.Equal(seen, want) {
		t.Errorf("the phases %q, want %q", seen, want)
	}
	s.Show(nil)
	s.reach(lima.PhaseScripts)
	if len(seen) != 3 {
		t.Error("a step that has ended got a phase")
	}
	s.begin()
	if evidence := s.Evidence(limatype.QEMU); evidence != "" {
		t.Errorf("a start that has not begun has the evidence %q", evidence)
	}
}

func TestEvidence(t *testing.T) {
	var s Activity
	s.reach(lima.PhaseKernel)
	s.readConsole("Kernel panic - not syncing: No working init found.")
	for _, want := range []string{"as far as: kernel output", "Kernel panic"} {
		if !strings.Contains(s.Evidence(limatype.QEMU), want) {
			t.Errorf("no %q in %q", want, s.Evidence(limatype.QEMU))
		}
	}
}

// TestEvidenceOfAMac: that a console is empty proves nothing there, and is said with the reason.
func TestEvidenceOfAMac(t *testing.T) {
	const why = "console=hvc0"
	var s Activity
	s.readLog("Starting VZ (hint: to watch the boot progress, see `serial*.log`)")
	if evidence := s.Evidence(limatype.VZ); strings.Contains(evidence, why) {
		t.Errorf("before the VM runs: %q", evidence)
	}
	s.readLog("[VZ] - vm state change: running")
	if evidence := s.Evidence(limatype.VZ); !strings.Contains(evidence, why) {
		t.Errorf("while the VM runs: %q", evidence)
	}
	if evidence := s.Evidence(limatype.QEMU); strings.Contains(evidence, why) {
		t.Errorf("of QEMU: %q", evidence)
	}
	s.readConsole("a line")
	if evidence := s.Evidence(limatype.VZ); strings.Contains(evidence, why) || !strings.Contains(evidence, "a line") {
		t.Errorf("with a console that shows something: %q", evidence)
	}
}

// TestSlowBanner: an ssh server that takes its time is asked once, since each question takes its guest a process.
func TestSlowBanner(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan net.Conn, 100)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- connection
		}
	}()
	var s Activity
	s.readLog(`Waiting for the essential requirement 1 of 4: "ssh"`)
	ctx, end := context.WithCancel(t.Context())
	over := make(chan struct{})
	port, lines := make(chan struct{}), make(chan string, 10)
	s.Show(func(line string) {
		if s.Reached(lima.PhasePort) {
			close(port)
		} else if line != "" {
			lines <- line
		}
	})
	dir := t.TempDir()
	event := fmt.Sprintf(`{"status":{"sshLocalPort":%d}}`, listener.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(filepath.Join(dir, "ha.stdout.log"), []byte(event+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(over)
		s.watchConsole(ctx, dir, lima.Consoles(dir), func(err error) { t.Error(err) })
	}()
	slow := <-accepted
	var text strings.Builder
	// each is seen at another time at which it could be asked again
	for _, line := range []string{"first", "second", "third"} {
		text.WriteString(line + "\n")
		whole := filepath.Join(t.TempDir(), "whole")
		if err := errors.Join(os.WriteFile(whole, []byte(text.String()), 0o600),
			os.Rename(whole, filepath.Join(dir, "serial.log"))); err != nil {
			t.Fatal(err)
		}
		if seen := <-lines; seen != line {
			t.Fatalf("the console reported %q, want %q", seen, line)
		}
	}
	if len(accepted) > 0 {
		t.Fatal("it was asked again")
	}
	if _, err := slow.Write([]byte("SSH-2.0-OpenSSH_9.6\r\n")); err != nil {
		t.Error(err)
	}
	<-port
	end()
	<-over
}

// TestHopelessBootIsEnded: what the console shows ends the wait.
func TestHopelessBootIsEnded(t *testing.T) {
	t.Parallel()
	dir, ended := t.TempDir(), make(chan error)
	var s Activity
	s.begin()
	seen := make(chan struct{}, 10)
	s.Show(func(string) { seen <- struct{}{} })
	go s.watchConsole(t.Context(), dir, lima.Consoles(dir), func(reason error) { ended <- reason })
	path := filepath.Join(dir, "serial.log")
	if err := os.WriteFile(path, []byte("Booting\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	<-seen
	if err := os.WriteFile(path, []byte("Booting\n\n(initramfs) "), 0o600); err != nil {
		t.Fatal(err)
	}
	if reason := <-ended; !strings.Contains(reason.Error(), "initramfs") {
		t.Error(reason)
	}
}

// TestOverdueBoot: a start is given up when it shows nothing for too long, and when its ssh server answers and lets
// no one in, as on a guest whose cloud-init found no data.
func TestOverdueBoot(t *testing.T) {
	var s Activity
	s.begin()
	expect := func(want, when string) {
		t.Helper()
		reason := s.overdue()
		if (want == "") != (reason == nil) || reason != nil && !strings.Contains(reason.Error(), want) {
			t.Errorf("%s: %v, want %q", when, reason, want)
		}
	}
	longAgo := time.Now().Add(-max(bootSilence, loginPatience) - time.Second)
	expect("", "it has just begun")
	s.last = longAgo
	expect("no sign", "after silence")
	s.readConsole("a line")
	expect("", "after a line of the console")
	s.last = longAgo
	s.reach(lima.PhaseKernel)
	expect("", "at a new phase")
	s.reach(lima.PhasePort)
	s.last = longAgo
	expect("", "silent, and ssh has just answered")
	s.answered = longAgo
	s.readConsole("a line")
	expect("let Lima in", "ssh answers and refuses")
	s.reach(lima.PhaseSSH)
	expect("", "in, however long it took")
	s.begin()
	s.readLog("[VZ] - vm state change: running")
	expect("", "the VM runs")
	s.readLog("[VZ] - vm state change: stopped")
	expect("stopped by itself", "it has stopped")
	s.readLog("Unable to configure Rosetta: failed to install rosetta: cancelled")
	if !s.WithoutRosetta() {
		t.Error("that Lima could not give it Rosetta was not seen")
	}
	s.begin()
	expect("", "the next start has just begun")
	if s.WithoutRosetta() {
		t.Error("a sign of an earlier start counts")
	}
}

func TestIntroduces(t *testing.T) {
	for name, test := range map[string]struct {
		banner string
		want   bool
	}{"ssh": {"SSH-2.0-OpenSSH_9.6\r\n", true}, "something else": {"HTTP/1.1 400\r\n", false}} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if connection, err := listener.Accept(); err == nil {
				_, _ = connection.Write([]byte(test.banner))
				connection.Close()
			}
		}()
		if got := introduces(t.Context(), listener.Addr().(*net.TCPAddr).Port); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		listener.Close()
	}
}

func TestTransfer(t *testing.T) {
	transfer := Transfer{Total: 1000}
	transfer.Advance(100, time.Second)
	if transfer.Rate != 0 || transfer.Left != 0 {
		t.Errorf("one measurement gave %+v", transfer)
	}
	transfer.Advance(300, time.Second)
	if transfer.Rate != 200 || transfer.Left != 3500*time.Millisecond {
		t.Errorf("got %+v", transfer)
	}
	transfer.Advance(400, time.Second) // slower: 0.3*100 + 0.7*200
	if transfer.Rate != 170 {
		t.Errorf("got %+v", transfer)
	}
}

func TestSizeOf(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead || r.URL.Path != "/image" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", "628000000")
	}))
	defer server.Close()
	for path, want := range map[string]int64{"/image": 628000000, "/other": 0} {
		if got := sizeOf(t.Context(), server.URL+path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}
