//go:build linux

// Command qemu stands in for qemu-system-x86_64 or -aarch64 under an unmodified Lima: the VM is a container in which
// the guest's own systemd boots. It belongs to the test bed and is of no use for anything else.
//
// The rules are:
//   - It runs as the user, like QEMU, so that Lima and the tests can signal the process that is named in qemu.pid.
//   - What needs root is done by a helper of its own, see the package wire. The helper and the guest end with this
//     process.
//   - It ends with the suite that installed it, even one that was killed: then Lima's host agent ends as well.
//   - It offers what Lima uses of QEMU and nothing more: a pid file, a QMP socket, a port that leads to the guest's ssh
//     server, serial ports.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// suite is the process id of the test suite. It is set when the suite builds this program.
var suite string

// helper is the file name of the root helper, which is installed beside this program.
const helper = "container"

func main() {
	if answer, ok := capabilities(os.Args[1:]); ok {
		fmt.Println(answer)
		return
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "stand-in for QEMU:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	over, err := watchSuite()
	if err != nil {
		return err
	}
	m, err := parse(args)
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.pidFile, fmt.Appendln(nil, os.Getpid()), 0o600); err != nil {
		return err
	}
	defer os.Remove(m.pidFile)
	sshd, err := net.Listen("tcp", m.forward)
	if err != nil {
		return fmt.Errorf("forward the ssh port: %w", err)
	}
	qmp, err := listen(m.qmp)
	if err != nil {
		return err
	}
	for _, path := range m.serialSockets {
		serial, err := listen(path)
		if err != nil {
			return err
		}
		go discard(serial)
	}
	console, err := openConsole(m.serialLogs)
	if err != nil {
		return fmt.Errorf("make a console: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	guest, err := start(filepath.Join(filepath.Dir(self), helper), m, console)
	if err != nil {
		return err
	}
	go accept(sshd, guest.relay)
	go accept(qmp, guest.monitor)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() { <-end; guest.kill() }()
	go func() { over(); guest.kill() }()
	return guest.wait()
}

// watchSuite returns a function that waits for the end of the suite.
func watchSuite() (over func(), err error) {
	pid, err := strconv.Atoi(suite)
	if err != nil {
		return nil, errors.New("this program belongs to worldsetup's test bed, which builds it for each run of its " +
			"tests")
	}
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("watch the test suite, process %d: %w", pid, err)
	}
	return func() {
		for {
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}},
				-1); !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}, nil
}

// listen listens at a path where a predecessor may have left a socket.
func listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path)
}

func accept(listener net.Listener, serve func(net.Conn)) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go serve(connection)
	}
}

// discard takes connections to a serial port and loses what is written to it.
func discard(listener net.Listener) {
	accept(listener, func(connection net.Conn) {
		defer connection.Close()
		_, _ = io.Copy(io.Discard, connection)
	})
}
