//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openConsole makes a terminal whose output goes to the first log, as a serial port's does, and makes the other logs.
func openConsole(logs []string) (terminal *os.File, err error) {
	var first *os.File
	for _, path := range logs {
		log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = log
		} else if err := log.Close(); err != nil {
			return nil, err
		}
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	// It stays open here as well: a terminal that the guest alone had open would end with the guest's first reboot.
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, err
	}
	go io.Copy(first, master)
	return terminal, nil
}
