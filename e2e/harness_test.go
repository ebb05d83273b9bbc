//go:build e2e

// Package e2e runs worldsetup's scenarios on a real Lima VM.
//
// The rules are:
//   - The worldsetup program is driven as a user drives it: by its arguments, its output and its exit code.
//   - Everything of a test lives in a Lima home of its own below /tmp; at the end its VMs are deleted and the home with
//     them.
//   - They play on real VMs or, with -guest, on the test bed. A boot takes about a minute under emulation, so tests
//     that need no fresh VM share one there: see sharedHome.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/bed"
	"github.com/atomize-hq/worldsetup/e2e/results"
	"github.com/atomize-hq/worldsetup/internal/devhost"
)

var (
	onGuests = flag.String("guest", "",
		"play on the test bed, on these `guests` (separated by commas, or \"all\"), and not on a real VM")
	onLimas = flag.String("lima", "",
		"with these `versions` of Lima (likewise), or the limactl at an absolute path; \"turns\" gives each guest "+
			"one of them")
	turns = flag.Int("turns", 0, "play each scenario on this `number` of the rigs, and other tests on one; 0 for all")
	onDay = flag.Int("day", int(time.Now().Unix()/(24*60*60)),
		"what takes turns by the day takes those of this `number` of days after 1970 began")
	resultsFile = flag.String("results", "", "append how each scenario ended to this `file`")
	onSeed      = flag.Uint64("seed", 0,
		"repeat what a test drew that printed this `number`; 0 for something else each time")
	onSuites = flag.String("suite", devhost.DefaultSuite, "the Debian `suites` of real VMs' guests, separated by "+
		"commas; SUITE-ubuntu is set up as Ubuntu's cloud images are")
)

// suite is what TestMain prepares for all tests.
var suite struct {
	rigs   []*rig
	binary string // worldsetup
	files  string // the folder that it lies in, readable by all

	results *results.File // nil when none was asked for
}

// rig is one kind of guest on one Lima, and what plays on it.
type rig struct {
	name    string
	host    *devhost.Host
	profile string   // of a VM with such a guest
	bed     *bed.Bed // nil for a real VM

	shared     limaHome
	sharedOnce sync.Once
}

func TestMain(m *testing.M) {
	if runtime.GOOS != "linux" {
		fmt.Println("the end-to-end suite runs on Linux only")
		os.Exit(0)
	}
	flag.Parse()
	if err := openSlots(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	syscall.Umask(0o022)
	// The first Ctrl-C ends preparations, or the program that a test is running, so that tests fail and clean up. The
	// second kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code, err := runSuite(ctx, m)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the end-to-end suite:", err)
		code = 1
	}
	os.Exit(code)
}

func runSuite(ctx context.Context, m *testing.M) (code int, err error) {
	source, err := devhost.SourceRoot(ctx)
	if err != nil {
		return 1, err
	}
	if *resultsFile != "" {
		if suite.results, err = results.Open(*resultsFile); err != nil {
			return 1, err
		}
	}
	cleanUp, err := makeRigs(ctx, source)
	defer cleanUp()
	if err != nil {
		return 1, err
	}
	if suite.files, err = os.MkdirTemp("", "worldsetup-e2e-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(suite.files)
	suite.binary = filepath.Join(suite.files, "worldsetup")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", suite.binary, "./cmd/worldsetup")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build worldsetup: %w\n%s", err, out)
	}
	if err := os.Chmod(suite.files, 0o755); err != nil {
		return 1, err
	}
	sweep()
	defer func() {
		for _, rig := range suite.rigs {
			if rig.shared.dir != "" {
				rig.shared.destroy()
			}
		}
	}()
	return m.Run(), nil
}

// makeRigs prepares what the flags ask for. cleanUp is never nil.
func makeRigs(ctx context.Context, source string) (cleanUp func(), err error) {
	cleanUp = func() {}
	takeTurns := *onLimas == "turns"
	if takeTurns {
		*onLimas = "all"
	}
	versions := chosen(*onLimas, devhost.LimaVersions(), devhost.DefaultLima)
	var shared *bed.Bed
	for turn, version := range versions {
		host, err := devhost.Prepare(ctx, devhost.Options{Source: source, Lima: version, Log: os.Stdout})
		if err != nil {
			return cleanUp, err
		}
		if *onGuests == "" {
			for _, name := range strings.Split(*onSuites, ",") {
				image, err := host.GuestImage(ctx, name)
				if err != nil {
					return cleanUp, err
				}
				suite.rigs = append(suite.rigs,
					&rig{name: name + " vm lima-" + host.Version, host: host, profile: image.Profile})
			}
			continue
		}
		if shared == nil {
			if shared, err = bed.Prepare(ctx, host); err != nil {
				return cleanUp, err
			}
			cleanUp = func() { shared.Close() }
		}
		host.QEMU = shared.QEMU()
		guests := chosen(*onGuests, bed.Guests(), "")
		if takeTurns {
			guests = taking(guests, turn, len(versions))
		}
		profiles, err := makeProfiles(ctx, shared, guests)
		if err != nil {
			return cleanUp, err
		}
		for i, guest := range guests {
			suite.rigs = append(suite.rigs,
				&rig{name: guest + " lima-" + host.Version, host: host, profile: profiles[i], bed: shared})
		}
	}
	return cleanUp, nil
}

// makeProfiles prepares guests side by side: on a new machine each suite takes minutes to build.
func makeProfiles(ctx context.Context, bed *bed.Bed, guests []string) ([]string, error) {
	profiles, errs := make([]string, len(guests)), make([]error, len(guests))
	var group sync.WaitGroup
	for i, guest := range guests {
		group.Go(func() { profiles[i], errs[i] = bed.Profile(ctx, guest) })
	}
	group.Wait()
	return profiles, errors.Join(errs...)
}

// newSeed is where what a test draws begins. The test prints it.
func newSeed() uint64 {
	if *onSeed != 0 {
		return *onSeed
	}
	return uint64(time.Now().UnixNano())
}

// chosen are the values of a flag that may be "all".
func chosen(value string, all []string, none string) []string {
	switch value {
	case "":
		return []string{none}
	case "all":
		return all
	}
	return strings.Split(value, ",")
}

// taking are the guests of one of several versions of Lima that take turns: a suite's two forms get different ones, and
// so do the suites.
func taking(guests []string, turn, of int) (taken []string) {
	for i, guest := range guests {
		if (i+i/2)%of == turn {
			taken = append(taken, guest)
		}
	}
	return taken
}

// onEachRig runs a test on every rig: side by side on the test bed, one after the other on real VMs.
func onEachRig(t *testing.T, test func(*testing.T, *rig)) { onRigs(t, suite.rigs, test) }

// inTurn runs a test on one rig when rigs take turns: one of each Lima, by the day, beginning with the first. Otherwise
// it runs the test on every rig.
func inTurn(t *testing.T, first int, test func(*testing.T, *rig)) {
	rigs := suite.rigs
	if *turns != 0 {
		rigs = slices.CompactFunc(slices.Clone(rigs), func(a, b *rig) bool { return a.host.Lima == b.host.Lima })
		turn := (first + *onDay) % len(rigs)
		rigs = rigs[turn : turn+1]
	}
	onRigs(t, rigs, test)
}

func onRigs(t *testing.T, rigs []*rig, test func(*testing.T, *rig)) {
	if len(rigs) > 0 && rigs[0].bed != nil {
		t.Parallel() // other tests' rigs as well
	}
	for _, rig := range rigs {
		t.Run(rig.name, func(t *testing.T) {
			if rig.bed != nil {
				besides(t)
			}
			test(t, rig)
		})
	}
}

// limaHome is a folder for LIMA_HOME that belongs to the ordinary user.
type limaHome struct {
	dir string
	rig *rig
	env []string // more of the environment of what runs there
}

// homePattern makes short paths, since Lima puts sockets below, and names the process, so that sweep knows a dead
// one's.
func homePattern() string { return fmt.Sprintf("wse-%d-", os.Getpid()) }

func (r *rig) makeHome() (limaHome, error) {
	dir, err := os.MkdirTemp("/tmp", homePattern())
	if err != nil {
		return limaHome{}, err
	}
	home := limaHome{dir: dir, rig: r}
	uid, gid := int(r.host.User.UID), int(r.host.User.GID)
	data := filepath.Join(home.userHome(), ".local", "share", "qemu")
	for _, dir := range []string{dir, home.files(), home.userHome(),
		filepath.Dir(filepath.Dir(data)), filepath.Dir(data), data} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chown(dir, uid, gid)); err != nil {
			return home, err
		}
	}
	// The suites' own profile needs no firmware, and those of some tests don't come so far.
	for _, name := range []string{"edk2-x86_64-code.fd", "edk2-i386-vars.fd", "edk2-aarch64-code.fd"} {
		path := filepath.Join(data, name)
		if err := errors.Join(os.WriteFile(path, make([]byte, 4<<20), 0o600), os.Chown(path, uid, gid)); err != nil {
			return home, err
		}
	}
	return home, nil
}

// files is a folder for what else a test needs. Lima takes what lies in its home for VMs, unless its name begins like
// this.
func (home limaHome) files() string { return filepath.Join(home.dir, "_files") }

// userHome is the user's home directory as the programs under test see it, so that it can be seen what they do to it.
func (home limaHome) userHome() string { return filepath.Join(home.files(), "home") }

// newHome is an empty Lima home that is gone, with every VM in it, when the test ends.
func (r *rig) newHome(t *testing.T) limaHome {
	t.Helper()
	home, err := r.makeHome()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(home.destroy)
	t.Cleanup(func() {
		if t.Failed() {
			home.logEnds(t)
		}
	})
	return home
}

// logEnds logs how the logs of the home's VMs end, for who has to find out what failed.
func (home limaHome) logEnds(t *testing.T) {
	for _, name := range []string{"ha.stderr.log", "serial.log"} {
		logs, _ := filepath.Glob(filepath.Join(home.dir, "*", name))
		for _, log := range logs {
			text, _ := os.ReadFile(log)
			t.Logf("the end of %s:\n%s", log, text[max(0, len(text)-4000):])
		}
	}
}

// sharedHome is the Lima home of a real VM that lives as long as the suite, since a boot takes minutes. On the test bed
// each test has one of its own.
func (r *rig) sharedHome(t *testing.T) limaHome {
	t.Helper()
	if r.bed != nil {
		return r.newHome(t)
	}
	r.sharedOnce.Do(func() {
		home, err := r.makeHome()
		if err != nil {
			t.Fatal(err)
		}
		r.shared = home
	})
	if r.shared.dir == "" {
		t.Fatal("the shared Lima home could not be made")
	}
	return r.shared
}

// sweep removes what runs that were killed left behind.
func sweep() {
	left, _ := filepath.Glob("/tmp/wse-*-*")
	for _, dir := range left {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(dir), "-")[1])
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			limaHome{dir: dir, rig: suite.rigs[0]}.destroy()
		}
	}
}

// destroy stops and deletes every VM of the home, then the home.
func (home limaHome) destroy() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	list, _ := home.command(ctx, home.rig.host.Lima, "list", "--quiet").Output()
	for _, vm := range strings.Fields(string(list)) {
		_ = home.command(ctx, home.rig.host.Lima, "unprotect", vm).Run() // worlds are protected
		_ = home.command(ctx, home.rig.host.Lima, "stop", "--force", vm).Run()
		_ = home.command(ctx, home.rig.host.Lima, "delete", "--force", vm).Run()
	}
	if err := os.RemoveAll(home.dir); err != nil {
		fmt.Fprintf(os.Stderr, "remove %s: %v\n", home.dir, err)
	}
}

// command is a command that runs as the ordinary user with this Lima home.
func (home limaHome) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := home.rig.host.Command(ctx, name, args...)
	cmd.Env = append(append(cmd.Env, "LIMA_HOME="+home.dir, "HOME="+home.userHome()), home.env...)
	return cmd
}

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int // -1: by a signal
	took           time.Duration
}

// run runs worldsetup as the ordinary user.
func (home limaHome) run(t testing.TB, args ...string) result {
	t.Helper()
	return finish(t, home.command(t.Context(), suite.binary, args...))
}

// limactl runs limactl as the ordinary user.
func (home limaHome) limactl(t testing.TB, args ...string) result {
	t.Helper()
	r := home.callLima(t, args...)
	if args[0] == "start" && r.code != 0 && strings.Contains(r.stderr, "Driver stopped due to error") {
		// Lima chooses a port for ssh, and its own name server, or another VM, can get it before QEMU does.
		t.Log("the VM's driver ended at once: it is started again")
		return home.callLima(t, "start", vm)
	}
	return r
}

func (home limaHome) callLima(t testing.TB, args ...string) result {
	t.Helper()
	return finish(t, home.command(t.Context(), home.rig.host.Lima, append([]string{"--tty=false"}, args...)...))
}

// deleteVM deletes a VM, which worldsetup has protected if it made it, and the note of a removal that was killed.
func (home limaHome) deleteVM(t testing.TB, name string) result {
	t.Helper()
	_ = home.limactl(t, "unprotect", name) // it may not be protected
	_ = os.Remove(filepath.Join(home.dir, "_"+name))
	return home.limactl(t, "delete", "--force", name)
}

// finish runs a command to its end. Its output goes to files: what Lima leaves running in the background would keep a
// pipe open for as long as the VM lives.
func finish(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	stdout, stderr := scratch(t), scratch(t)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	started := time.Now()
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("run %s: %v", strings.Join(cmd.Args, " "), err)
	}
	r := result{stdout: slurp(t, stdout), stderr: slurp(t, stderr), code: cmd.ProcessState.ExitCode(),
		took: time.Since(started).Round(time.Millisecond)}
	t.Logf("%s %s: exit code %d after %s", filepath.Base(cmd.Path), strings.Join(cmd.Args[1:], " "), r.code, r.took)
	return r
}

func scratch(t testing.TB) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "output-")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func slurp(t testing.TB, f *os.File) string {
	t.Helper()
	defer f.Close()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
