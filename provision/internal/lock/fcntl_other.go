//go:build !linux

package lock

// Commands of fcntl(2) for locks that belong to an open file and not to a process, F_OFD_SETLK and F_OFD_GETLK, of
// macOS.
const (
	setDescriptionLock = 90
	getDescriptionLock = 92
)
