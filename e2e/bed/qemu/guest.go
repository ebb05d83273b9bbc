//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/e2e/bed/wire"
)

const (
	// patience is how long a connection to the forwarded port waits for a guest that boots. QEMU's user-mode network
	// holds connections likewise, and Lima's first attempt then succeeds: it asks again only after 3 s.
	patience = 30 * time.Second
	// refusedPatience is the same where an ssh server was there before, and the guest refuses.
	refusedPatience = time.Second
	// dropped is how long a guest whose firewall drops packets holds a connection.
	dropped = 8 * time.Second
)

// guest is the container that the root helper runs.
type guest struct {
	helper  *exec.Cmd
	control *os.File

	asking  sync.Mutex  // held from a request for a socket until its answer
	reached atomic.Bool // the ssh server was
}

// start starts the helper, and with it the guest.
func start(helper string, m machine, console *os.File) (*guest, error) {
	disk, err := openDisk(m.disk)
	if err != nil {
		return nil, err
	}
	defer disk.Close()
	cidata, err := unpackCidata(m.cidata)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", m.cidata, err)
	}
	defer cidata.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	theirs := os.NewFile(uintptr(pair[1]), "control")
	defer theirs.Close()
	g := &guest{control: os.NewFile(uintptr(pair[0]), "control"), helper: exec.Command(helper, m.root)}
	g.helper.Stdout, g.helper.Stderr = os.Stdout, os.Stderr
	g.helper.ExtraFiles = []*os.File{theirs, disk, cidata, console} // in the order of wire's descriptors
	if err := g.helper.Start(); err != nil {
		return nil, fmt.Errorf("start the root helper: %w", err)
	}
	return g, nil
}

// unpackCidata turns Lima's ISO 9660 image into a tar archive in memory. It is done here, without any rights; the
// kernel may not know such a file system anyway.
func unpackCidata(image string) (*os.File, error) {
	fd, err := unix.MemfdCreate("cidata.tar", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	archive := os.NewFile(uintptr(fd), "cidata.tar")
	tar := exec.Command("bsdtar", "-cf", "-", "@"+image)
	tar.Stdout, tar.Stderr = archive, os.Stderr
	if err := tar.Run(); err != nil {
		archive.Close()
		return nil, fmt.Errorf("bsdtar (Debian's libarchive-tools): %w", err)
	}
	return archive, nil
}

func (g *guest) wait() error { return g.helper.Wait() }

func (g *guest) powerDown() { _, _ = g.control.Write([]byte{wire.PowerDown}) }

func (g *guest) kill() { _, _ = g.control.Write([]byte{wire.Kill}) }

// socket is a new TCP socket in the guest's network.
func (g *guest) socket() (*os.File, error) {
	g.asking.Lock()
	defer g.asking.Unlock()
	if _, err := g.control.Write([]byte{wire.Socket}); err != nil {
		return nil, err
	}
	answer, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(int(g.control.Fd()), answer, rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if answer[0] != wire.Made {
		return nil, errors.New("there is no guest")
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil {
		return nil, err
	}
	if len(messages) != 1 {
		return nil, errors.New("the root helper passed no socket")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fds[0]), "socket"), nil
}

// dial connects to the guest's ssh server, with patience.
func (g *guest) dial() (*net.TCPConn, error) {
	address := unix.SockaddrInet4{Port: wire.GuestPort, Addr: [4]byte(net.ParseIP(wire.GuestAddress).To4())}
	for begun := time.Now(); ; time.Sleep(25 * time.Millisecond) {
		connection, err := g.attempt(&address)
		limit := patience
		switch {
		case err == nil:
			g.reached.Store(true)
			return connection, nil
		case errors.Is(err, unix.ECONNREFUSED) && g.reached.Load():
			limit = refusedPatience
		case errors.Is(err, unix.EINPROGRESS): // what SO_SNDTIMEO ends
			limit = dropped
		}
		if time.Since(begun) > limit {
			return nil, err
		}
	}
}

func (g *guest) attempt(address unix.Sockaddr) (*net.TCPConn, error) {
	socket, err := g.socket()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	limit := unix.Timeval{Sec: int64(dropped / time.Second)}
	if err := unix.SetsockoptTimeval(int(socket.Fd()), unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return nil, err
	}
	if err := unix.Connect(int(socket.Fd()), address); err != nil {
		return nil, err
	}
	connection, err := net.FileConn(socket)
	if err != nil {
		return nil, err
	}
	return connection.(*net.TCPConn), nil
}

// relay joins a connection to the forwarded port with the guest's ssh server.
func (g *guest) relay(client net.Conn) {
	defer client.Close()
	server, err := g.dial()
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(server, client)
		_ = server.CloseWrite()
	}()
	_, _ = io.Copy(client, server)
	_ = client.(*net.TCPConn).CloseWrite()
	<-done
}

// qcowDisk is the size of the disk that stands for one in QEMU's own format.
const qcowDisk = 20 << 30

// openDisk opens a disk on which a file system can be made. Lima 2.0 makes one in QEMU's own format, which says little
// more than that it is empty: then it is a sparse file beside it.
func openDisk(path string) (*os.File, error) {
	disk, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	magic := make([]byte, 4)
	if _, err := disk.ReadAt(magic, 0); err != nil || string(magic) != "QFI\xfb" {
		return disk, nil
	}
	disk.Close()
	if disk, err = os.OpenFile(path+".raw", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err := disk.Truncate(qcowDisk); err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	return disk, nil
}
