package checks

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/internal/process"
)

// Host is the machine as probes see it. Whatever a probe asks of the machine goes through one, so that what a Mac
// answered can be tested on any other machine. [Here] is the real one.
type Host struct {
	OS, Arch string // of this program, as Go calls them
	UID      func() int
	User     func() string // the user's login name; empty when unknown
	Getenv   func(name string) string
	Find     func(program string) (path string, err error)
	Run      func(ctx context.Context, name string, args ...string) (stdout string, err error)
	Read     func(path string) ([]byte, error)
	End      func(path string) ([]byte, error) // the last [endSize] bytes of a file, or all of a shorter one
	Stat     func(path string) (fs.FileInfo, error)
	Real     func(path string) (real string, err error) // the path without symbolic links
	Free     func(path string) (bytes int64, err error) // what this user may still write to the file system of a path
	NFS      func(path string) bool                     // whether a path is on NFS
	KVM      func() error                               // why no VM can be created through KVM
	Inotify  func() error                               // why no file can be watched
	Files    func() (limit uint64, err error)           // how many files a program may open at most
	Alive    func(pid int) bool
	Resolve  func(ctx context.Context, name string) error
	// Head returns how many bytes there are to download, 0 if that is unknown, or why nothing can be.
	Head  func(ctx context.Context, url string) (size int64, err error)
	Proxy func(url string) (proxy string, err error) // the one in use for url, without its password; empty for none
}

// Here returns this machine.
func Here() Host {
	return Host{
		OS: platform.OS(), Arch: platform.Arch(), UID: os.Geteuid, User: loginName, Getenv: os.Getenv,
		Find: exec.LookPath, Run: run,
		Read: func(path string) ([]byte, error) { return os.ReadFile(platform.File(path)) }, End: readEnd,
		Stat: func(path string) (fs.FileInfo, error) { return os.Stat(platform.File(path)) },
		Real: filepath.EvalSymlinks, Free: freeSpace,
		NFS: nfs, KVM: func() error { return kvm("/dev/kvm") }, Inotify: inotify, Files: maxFiles,
		Alive: func(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH },
		Resolve: func(ctx context.Context, name string) error {
			_, err := net.DefaultResolver.LookupHost(ctx, name)
			return err
		},
		Head: head, Proxy: proxyFor,
	}
}

func loginName() string {
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return ""
}

func run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := process.Command(ctx, name, args...)
	var stdout process.Buffer
	var stderr process.Lines
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := process.Run(cmd)
	if text := strings.TrimSpace(stderr.Tail()); err != nil && text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return string(stdout.Bytes()), cmp.Or(err, stdout.Err(name))
}

// endSize is more than the last event of a run has, in bytes.
const endSize = 1 << 20

func readEnd(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(file, max(0, info.Size()-endSize), endSize))
}

func freeSpace(path string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil
}

func maxFiles() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return limit.Max, err // limactl, like every Go program, raises its own to that
}

// writable returns why nothing can be created in a directory; nil when it can.
func writable(path string) error { return unix.Access(path, unix.W_OK|unix.X_OK) }

// head requests the head of url as a download would: through the proxy in use, with the machine's own certificates.
func head(ctx context.Context, url string) (size int64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return 0, err
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 5 * time.Second, DisableKeepAlives: true,
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return 0, fmt.Errorf("the server answered %s", response.Status)
	}
	if response.StatusCode == http.StatusOK {
		size = max(0, response.ContentLength)
	}
	return size, nil
}
