package sim

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// authorizedKeys is below a home directory; publicKey is Lima's own; sudoRule lets the user do without a password.
const (
	sudoRule       = "/etc/sudoers.d/90-cloud-init-users"
	authorizedKeys = "/.ssh/authorized_keys"
	publicKey      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNpbXVsYXRlZA lima"
)

// setAside renames a file to one that nobody looks for.
func (m *machine) setAside(path string) {
	for n, to := 0, path+".set-aside"; ; n, to = n+1, fmt.Sprintf("%s.set-aside.~%d~", path, n+1) {
		if m.files[to] == nil {
			m.move(path, to)
			return
		}
	}
}

// clock moves the clock.
func (i *invocation) clock() int {
	seconds, err := strconv.ParseFloat(i.args[0], 64)
	if err != nil {
		return i.fail(1, "date: invalid date 'now %s seconds'", i.args[0])
	}
	i.vm.conditions.ClockAhead += seconds
	return 0
}

// writable makes the root file system writable, unless the kernel found it damaged, or deleted files are open.
func (i *invocation) writable() int {
	switch {
	case i.vm.conditions.RootDamaged:
		return i.fail(1, "mount: /: cannot remount /dev/vda read-write, is write-protected.")
	case i.openDeleted:
		return i.fail(4, "mount: /: mount point not mounted or bad option.")
	}
	i.readOnly = false
	return 0
}

// readOnlyRoot says whether nothing can be written, and reports it as the program would.
func (i *invocation) readOnlyRoot(program string) bool {
	if i.readOnly {
		i.fail(0, "%s: Read-only file system", program)
	}
	return i.readOnly
}

// room throws away fetched packages and old logs.
func (i *invocation) room() int {
	i.remove("/var/cache/apt/archives")
	i.vm.conditions.DiskUsed = i.vm.conditions.DiskData
	if i.diskUsed() >= 100 {
		return i.fail(1, "0 KiB are free on /, and %s are needed", i.args[0])
	}
	return 0
}

// entry has ssh let the user in.
func (i *invocation) entry() int {
	home := i.args[1]
	if f := i.files[home]; f != nil {
		f.mode &^= 0o022
	}
	i.authorize(i.account(i.args[0]), home, i.args[2])
	i.sshd = true
	return 0
}

// authorize adds the key to those that the user may come with.
func (m *machine) authorize(user *account, home, key string) {
	path := home + authorizedKeys
	if dir := filepath.Dir(path); m.files[dir] == nil {
		m.put(dir, file{kind: directory})
	}
	dir := m.files[filepath.Dir(path)]
	dir.mode, dir.uid, dir.gid = 0o700, user.uid, user.uid
	f := m.files[path]
	if f == nil {
		f = m.put(path, file{kind: regular})
	}
	if !slices.Contains(strings.Split(string(f.data), "\n"), key) {
		m.version++
		f.data, f.version = append(f.data, "\n"+key+"\n"...), m.version
	}
	f.mode, f.uid, f.gid = 0o600, user.uid, user.uid
}

// asks says whether sudo asks the user for a password.
func (m *machine) asks() bool { return m.files[sudoRule] == nil || m.vm.conditions.NoSudo }

// admits says whether sshd lets the user in with Lima's key: it wants the key, and nobody else who could have written it.
func (m *machine) admits() bool {
	f, home := m.files[m.user.home+authorizedKeys], m.files[m.user.home]
	return f != nil && home != nil && home.mode&0o022 == 0 && slices.Contains(strings.Split(string(f.data), "\n"), publicKey)
}
