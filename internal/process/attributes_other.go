//go:build !linux

package process

import "syscall"

// attributes makes a program lead a process group. Only Linux can tie its life to this program's.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
