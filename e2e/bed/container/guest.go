//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/e2e/bed/wire"
)

// powerButton is what systemd as process 1 takes for the start of poweroff.target: SIGRTMIN+4.
const powerButton = syscall.Signal(34 + 4)

// guest is a container and how far its life has come.
type guest struct {
	root, group string

	lock    sync.Mutex
	process *os.Process // its init; nil between two boots
	network *os.File    // its network namespace
	killed  bool
}

func (g *guest) began(process *os.Process) {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.process = process
	// The process is a child that nothing has waited for, so that its number is its own.
	g.network, _ = os.Open(fmt.Sprintf("/proc/%d/ns/net", process.Pid))
	if g.killed {
		_ = process.Kill()
	}
}

func (g *guest) ended() {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.process = nil
	g.network.Close()
}

func (g *guest) stopping() bool {
	g.lock.Lock()
	defer g.lock.Unlock()
	return g.killed
}

func (g *guest) kill() {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.killed = true
	if g.process != nil {
		_ = g.process.Kill()
	}
}

func (g *guest) pressPowerButton() {
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.process != nil {
		_ = g.process.Signal(powerButton)
	}
}

// obey serves the stand-in's requests until the stand-in is gone, and takes the guest with it.
func (g *guest) obey(control *os.File) {
	runtime.LockOSThread() // socket changes the thread's network namespace
	defer g.kill()
	request := make([]byte, 1)
	for {
		if n, err := control.Read(request); n == 0 || err != nil {
			return
		}
		switch request[0] {
		case wire.PowerDown:
			g.pressPowerButton()
		case wire.Kill:
			g.kill()
		case wire.Socket:
			socket, err := g.socket()
			if err != nil {
				_, _ = control.Write([]byte{wire.Absent})
				continue
			}
			_ = unix.Sendmsg(int(control.Fd()), []byte{wire.Made}, unix.UnixRights(socket), nil, 0)
			_ = unix.Close(socket)
		}
	}
}

// socket makes a TCP socket that belongs to the guest's network, also in another process.
func (g *guest) socket() (int, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.process == nil || g.network == nil {
		return -1, os.ErrNotExist
	}
	if err := unix.Setns(int(g.network.Fd()), unix.CLONE_NEWNET); err != nil {
		return -1, err
	}
	return unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
}
