package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Activity holds the signs of progress of a long step, besides Lima's own reports: how far a starting VM has come,
// and how much of an image was downloaded. It is used for display, to find the right moment to observe ahead, and to
// abort a boot that will never finish.
type Activity struct {
	mu       sync.Mutex
	phase    lima.Phase
	console  string    // the latest line of the VM's console
	last     time.Time // of the latest sign of the start
	stopped  bool      // the VM has stopped
	rosetta  bool      // Lima could not give it Rosetta
	answered time.Time // when the guest's ssh server was first seen to answer
	transfer *Transfer
	fetched  int64 // bytes that were downloaded, and how long that took
	fetching time.Duration

	emitting sync.Mutex
	emit     func(message string) // of the current step, if it is one of those; else nil
}

// Show makes emit the function that is called for every sign, in place of the one before.
func (s *Activity) Show(emit func(message string)) {
	s.emitting.Lock()
	defer s.emitting.Unlock()
	s.emit = emit
}

// Announce reports a sign to who is shown them.
func (s *Activity) Announce(message string) {
	s.emitting.Lock()
	defer s.emitting.Unlock()
	if s.emit != nil {
		s.emit(message)
	}
}

// Phase returns how far a starting VM has come; empty before it gave a sign.
func (s *Activity) Phase() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.phase)
}

// Transfer returns how far the present download has come; nil when there is none.
func (s *Activity) Transfer() *Transfer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.transfer == nil {
		return nil
	}
	transfer := *s.transfer
	return &transfer
}

// begin discards the signs of an earlier start.
func (s *Activity) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.console, s.stopped, s.rosetta, s.last, s.answered = "", "", false, false, time.Now(), time.Time{}
}

// reach records a phase, if it is later than the last one.
func (s *Activity) reach(phase lima.Phase) {
	s.mu.Lock()
	later := phase.After(s.phase)
	if later {
		s.phase, s.last = phase, time.Now()
	}
	if phase == lima.PhasePort {
		s.answered = s.last
	}
	s.mu.Unlock()
	if later {
		s.Announce("")
	}
}

// Reached reports whether a VM has come as far as a phase.
func (s *Activity) Reached(phase lima.Phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !phase.After(s.phase)
}

// readLog takes a line of limactl's log.
func (s *Activity) readLog(message string) {
	if phase := lima.PhaseOf(message); phase != "" {
		s.reach(phase)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = s.stopped || lima.StoppedBooting(message)
	s.rosetta = s.rosetta || lima.WithoutRosetta(message)
}

// WithoutRosetta reports whether Lima could not give the VM the Rosetta that its configuration asks for.
func (s *Activity) WithoutRosetta() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rosetta
}

// readConsole takes a line of the VM's console.
func (s *Activity) readConsole(line string) {
	s.mu.Lock()
	s.console, s.last = line, time.Now()
	s.mu.Unlock()
	s.Announce(line)
}

// overdue returns why a start is given up; nil as long as it may still succeed. Lima itself tries each of its
// requirements for 12 minutes, one after another, even when no key opens the guest. Once ssh lets Lima in, its
// deadlines are enough.
func (s *Activity) overdue() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return errors.New("the VM stopped by itself while it was booting")
	case lima.PhasePort.After(s.phase) && time.Since(s.last) > bootSilence:
		return fmt.Errorf("the VM has shown no sign of booting for %v", bootSilence)
	case s.phase == lima.PhasePort && time.Since(s.answered) > loginPatience:
		return fmt.Errorf("the guest's ssh server has answered for %v and does not let Lima in; "+
			"its cloud-init may not have found its data, or a start-up file of the login shell hangs or fails (%s)",
			loginPatience, guest.StartupFiles)
	}
	return nil
}

// Moved records the progress of a download; nil when there is none any more.
func (s *Activity) Moved(transfer *Transfer) {
	s.mu.Lock()
	s.transfer = transfer
	s.mu.Unlock()
	s.Announce("")
}

// fetch records that bytes were downloaded since the last call. Of the first ones it is not known since when.
func (s *Activity) fetch(bytes int64, first bool) {
	if first || bytes <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched += bytes
	s.fetching += TransferPause
}

// Downloading returns how long downloads took so far.
func (s *Activity) Downloading() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetching
}

// Rate returns the mean rate of the downloads, in bytes per second; 0 for none.
func (s *Activity) Rate() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetching == 0 {
		return 0
	}
	return int64(float64(s.fetched) / s.fetching.Seconds())
}

// awaitsSSH reports whether a VM was started and no answer of its ssh server was seen yet.
func (s *Activity) awaitsSSH() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == lima.PhaseUp || s.phase == lima.PhaseKernel
}

// silentConsole is why a VM of the type vz that has begun shows nothing on its console: Lima gives it one, a virtio
// console, and the kernel of Ubuntu's image writes to a serial port.
const silentConsole = "\nits console shows nothing, which proves nothing: the console of a vz VM is hvc0, and " +
	"Ubuntu's image writes to a serial port, unless console=hvc0 is on its kernel's command line"

// Evidence describes how far a VM of a type came that did not start; empty when it gave no sign.
func (s *Activity) Evidence(vmType limatype.VMType) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == "" {
		return ""
	}
	text := fmt.Sprintf("\nit came as far as: %s", s.phase)
	if s.console != "" {
		text += "\nthe last line of its console: " + s.console
	} else if vmType == limatype.VZ && s.phase != lima.PhaseDriver {
		text += silentConsole
	}
	return text
}

// Listen returns a function for limactl's lines: it reads them as signs and passes them on to emit.
func (s *Activity) Listen(ctx context.Context, emit func(line string)) func(line string) {
	return func(line string) {
		entry := lima.ParseLogLine(line)
		if entry.Message == "" {
			return
		}
		s.readLog(entry.Message)
		emit(entry.Message)
		if entry.Fetches() {
			go crash.Guard(func() { s.watchTransfer(ctx, entry.Location) })()
		}
	}
}

const (
	// consolePause is the interval at which the console of a starting VM is read, so that its lines show soon.
	consolePause = time.Second
	// bootSilence is how long a start may show no sign before its guest's ssh server answers. A boot takes a minute,
	// two under emulation, and keeps writing to the console if there is one; without one, a file system check is the
	// longest silence to expect.
	bootSilence = 5 * time.Minute
	// loginPatience is how long a guest's ssh server may answer before it lets Lima in. It may start before cloud-init
	// has added the user, which waits for the network for two minutes at most; under emulation it takes seconds.
	loginPatience = 5 * time.Minute
	// bannerDeadline is the time in which a running ssh server sends its banner. While a VM boots under emulation that
	// takes a second or two for each client.
	bannerDeadline = 10 * time.Second
)

// watchConsole reports what a starting VM, whose instance is in dir, writes to its consoles, and when its ssh port
// answers, until ctx ends. It calls hopeless once, with the reason, if the boot will never finish.
func (s *Activity) watchConsole(ctx context.Context, dir string, consoles []*lima.Console, hopeless func(error)) {
	introduced := make(chan bool, 1)
	asked := false
	ticker := time.NewTicker(consolePause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case yes := <-introduced:
			if asked = false; yes {
				s.reach(lima.PhasePort)
			}
			continue
		case <-ticker.C:
		}
		for _, console := range consoles {
			lines, rest := console.Next()
			if len(lines) > 0 {
				s.reach(lima.PhaseKernel)
				s.readConsole(lines[len(lines)-1])
			}
			reason := lima.BootEnd(append(lines, rest), s.Reached(lima.PhasePort)) // a prompt is no whole line
			if reason != nil {
				hopeless(reason)
				return
			}
		}
		if reason := s.overdue(); reason != nil {
			hopeless(reason)
			return
		}
		if asked || !s.awaitsSSH() {
			continue
		}
		if boot, _ := lima.ReadBoot(dir); boot.SSHPort != 0 { // later
			asked = true
			go crash.Guard(func() { introduced <- introduces(ctx, boot.SSHPort) })()
		}
	}
}

// introduces reports whether an ssh server answers at a port of this machine; that the port accepts connections is not
// enough, since that may be QEMU.
func introduces(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, bannerDeadline)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, crash.Guard(func() { connection.Close() }))()
	banner := make([]byte, 4)
	_, err = io.ReadFull(connection, banner)
	return err == nil && string(banner) == "SSH-"
}

const (
	// TransferPause is the interval at which the size of a partial download is read.
	TransferPause = time.Second
	// transferWeight is the share of the newest measurement in the rate that is shown.
	transferWeight = 0.3
	sizeDeadline   = 10 * time.Second
)

// watchTransfer reports how much Lima has downloaded from url, until ctx ends.
func (s *Activity) watchTransfer(ctx context.Context, url string) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return
	}
	defer s.Moved(nil)
	transfer := Transfer{Total: sizeOf(ctx, url)}
	ticker := time.NewTicker(TransferPause)
	defer ticker.Stop()
	for {
		if done := lima.Arrived(cache, url); done > 0 {
			s.fetch(done-transfer.Done, transfer.Done == 0)
			transfer.Advance(done, TransferPause)
			now := transfer
			s.Moved(&now)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Transfer is the progress of a download, or of a copy.
type Transfer struct {
	Done  int64 // bytes
	Total int64 // bytes; 0 when unknown
	Rate  int64 // bytes per second, smoothed
	Left  time.Duration
}

// Advance records that done bytes have been downloaded. since is the time since the last call.
func (t *Transfer) Advance(done int64, since time.Duration) {
	rate := int64(float64(done-t.Done) / since.Seconds())
	switch {
	case t.Done == 0: // an earlier part doesn't count for the rate
	case t.Rate == 0:
		t.Rate = rate
	default:
		t.Rate = int64(transferWeight*float64(rate) + (1-transferWeight)*float64(t.Rate))
	}
	t.Done, t.Left = done, 0
	if t.Rate > 0 && t.Total > done {
		t.Left = time.Duration(float64(t.Total-done) / float64(t.Rate) * float64(time.Second))
	}
}

// sizeOf asks the server for the size of url; 0 when it does not report one.
func sizeOf(ctx context.Context, url string) int64 {
	ctx, cancel := context.WithTimeout(ctx, sizeDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0
	}
	return max(0, response.ContentLength)
}
