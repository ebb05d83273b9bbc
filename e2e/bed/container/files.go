//go:build linux

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mountKernelFiles mounts what a kernel shows as files, and the folders of a machine that are empty at each boot.
func mountKernelFiles(root string) error {
	const safe = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	for _, mount := range []struct {
		kind, at string
		flags    uintptr
		data     string
	}{
		{"proc", "/proc", safe, ""},
		{"sysfs", "/sys", safe | unix.MS_RDONLY, ""}, // read-only: systemd then starts no udev
		{"cgroup2", "/sys/fs/cgroup", safe, "nsdelegate"},
		{"tmpfs", "/run", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755,size=20%"},
		{"tmpfs", "/dev", unix.MS_NOSUID, "mode=0755"},
		{"tmpfs", "/dev/shm", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
		{"devpts", "/dev/pts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"},
	} {
		if mount.at != "/sys/fs/cgroup" {
			if err := makeDirs(root + mount.at); err != nil {
				return err
			}
		}
		if err := unix.Mount(mount.kind, root+mount.at, mount.kind, mount.flags, mount.data); err != nil {
			return fmt.Errorf("%s: %w", mount.at, err)
		}
	}
	return nil
}

// makeDevices makes the devices of a VM that can be had in a container. The clock is there for Lima's sake, whose boot
// script waits a minute for one; it is /dev/null, and nothing can set this machine's by it.
func makeDevices(root string, disk uint64) error {
	old := unix.Umask(0)
	defer unix.Umask(old)
	if err := os.Mkdir(root+"/dev/net", 0o755); err != nil {
		return err
	}
	for name, device := range map[string]uint64{
		"null": unix.Mkdev(1, 3), "zero": unix.Mkdev(1, 5), "full": unix.Mkdev(1, 7), "random": unix.Mkdev(1, 8),
		"urandom": unix.Mkdev(1, 9),
		"tty":     unix.Mkdev(5, 0), "fuse": unix.Mkdev(10, 229),
		"net/tun": unix.Mkdev(10, 200), "rtc0": unix.Mkdev(1, 3),
	} {
		if err := unix.Mknod(root+"/dev/"+name, unix.S_IFCHR|0o666, int(device)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := unix.Mknod(root+"/dev/vda", unix.S_IFBLK|0o660, int(disk)); err != nil {
		return fmt.Errorf("vda: %w", err)
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
		"stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, root+"/dev/"+name); err != nil {
			return err
		}
	}
	if err := os.WriteFile(root+"/dev/console", nil, 0o600); err != nil {
		return err
	}
	terminal, err := consolePath()
	if err != nil {
		return err
	}
	return unix.Mount(terminal, root+"/dev/console", "", unix.MS_BIND, "")
}

// consolePath is where the terminal that was passed lies. A descriptor of another mount namespace can't be bound
// itself.
func consolePath() (string, error) {
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", consoleFD))
	if err != nil {
		return "", err
	}
	var passed, found unix.Stat_t
	if err := errors.Join(unix.Fstat(consoleFD, &passed), unix.Lstat(path, &found)); err != nil {
		return "", err
	}
	if filepath.Dir(path) != "/dev/pts" || passed.Rdev != found.Rdev || passed.Ino != found.Ino {
		return "", fmt.Errorf("%s is no terminal", path)
	}
	return path, nil
}

// shieldKernel makes the settings of this machine's kernel read-only, apart from those of the guest's own network, and
// gives each boot an ID of its own.
func shieldKernel(root string) error {
	id, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		return err
	}
	bootID := root + "/run/boot-id"
	if err := os.WriteFile(bootID, id, 0o444); err != nil {
		return err
	}
	const safe = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	var settings []string
	for _, path := range []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"} {
		if _, err := os.Stat(root + path); err == nil {
			settings = append(settings, root+path)
		}
	}
	network := root + "/proc/sys/net"
	for _, path := range append(settings[:len(settings):len(settings)], network) {
		if err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, path := range settings {
		if err := unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|safe, ""); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return unix.Mount(bootID, root+"/proc/sys/kernel/random/boot_id", "", unix.MS_BIND, "")
}

// The folders that get the files of Lima's cidata: where Lima's scripts expect the disc, and where cloud-init searches
// for a data source without one.
const (
	cidataDir = "mnt/lima-cidata"
	seedDir   = "var/lib/cloud/seed/nocloud"
)

// unpackCidata puts the files of Lima's cidata where the guest searches for them. Of what they hold one line is
// changed: the mount of the disc, which this kernel may have no file system for.
func unpackCidata(root string) error {
	for _, dir := range []string{cidataDir, seedDir} {
		if err := errors.Join(makeDirs(filepath.Join(root, dir)),
			unix.Mount("cidata", filepath.Join(root, dir), "tmpfs", 0, "mode=0700")); err != nil {
			return err
		}
	}
	disc, err := os.OpenRoot(filepath.Join(root, cidataDir))
	if err != nil {
		return err
	}
	defer disc.Close()
	// From its beginning at every boot.
	archive := tar.NewReader(io.NewSectionReader(os.NewFile(cidataFD, "cidata"), 0, math.MaxInt64))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if err := unpackEntry(disc, header, archive); err != nil {
			return err
		}
	}
	for _, name := range []string{"user-data", "meta-data"} {
		text, err := disc.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(root, seedDir, name), withoutMount(text), 0o600); err != nil {
			return err
		}
	}
	return unix.Mount("", filepath.Join(root, cidataDir), "", unix.MS_REMOUNT|unix.MS_RDONLY, "mode=0700")
}

// unpackEntry writes a file or folder. It can't leave the folder that disc is.
func unpackEntry(disc *os.Root, header *tar.Header, content io.Reader) error {
	name := filepath.Clean(header.Name)
	switch header.Typeflag {
	case tar.TypeDir:
		return disc.MkdirAll(name, 0o700)
	case tar.TypeReg:
		if err := disc.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		file, err := disc.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return errors.Join(err, file.Close())
	}
	return fmt.Errorf("cidata holds %q, which is neither a file nor a folder", header.Name)
}

// withoutMount is Lima's user-data with the line that mounts the disc made to do nothing.
func withoutMount(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i, line := range lines {
		if bytes.Contains(line, []byte("mount -o ro,mode=0700")) && bytes.Contains(line, []byte("overriderockperm")) {
			lines[i] = bytes.Replace(line, []byte("mount"), []byte(": mounted by the test bed: mount"), 1)
		}
	}
	return bytes.Join(lines, nil)
}

// The guest's network: the address that Lima's user-mode network gives, and no way out, so that what searches for one
// fails at once. It is set up without netplan, whose service comes too late or not at all where no udev runs.
// cloud-init gets the same, or it would ask for an address. Neither matches a MAC address, since veth has no permanent
// one.
const (
	network = `[Match]
Name=eth0
[Network]
Address=192.168.5.15/24
DNS=192.168.5.3
LinkLocalAddressing=no
IPv6AcceptRA=no
`
	cloudInitNetwork = `version: 2
ethernets:
  eth0:
    {dhcp4: false, accept-ra: false, link-local: [], addresses: [192.168.5.15/24],
     nameservers: {addresses: [192.168.5.3]}}
`
)

// noUnits are units of a machine that has hardware, which fail or wait in a container.
var noUnits = strings.Fields(`
	systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service
	getty@.service getty.target console-getty.service
	systemd-modules-load.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
	netplan-configure.service networking.service
`)

// noGenerators make units for hardware, disks and consoles that a container doesn't have. All generators run whenever
// systemd reloads its units, which is half of what that costs.
var noGenerators = strings.Fields(`
	systemd-cryptsetup-generator systemd-debug-generator systemd-getty-generator systemd-gpt-auto-generator
	systemd-hibernate-resume-generator systemd-integritysetup-generator systemd-rc-local-generator systemd-run-generator
	systemd-ssh-generator systemd-system-update-generator systemd-tpm2-generator systemd-veritysetup-generator
`)

// sshdSettings has sshd use the key exchange that costs least: a run of the suite connects thousands of times, and the
// default one takes a tenth of its time.
const sshdSettings = "KexAlgorithms curve25519-sha256\n"

// adapt puts what a container needs into /run, so that the guest's own files stay as they are, apart from sshd's
// settings.
func adapt(root string) error {
	units, settings := filepath.Join(root, "run/systemd/system"), filepath.Join(root, "run/sysctl.d")
	generators := filepath.Join(root, "run/systemd/system-generators")
	if err := makeDirs(units, generators, settings); err != nil {
		return err
	}
	for dir, names := range map[string][]string{units: noUnits, generators: noGenerators} {
		for _, name := range names {
			if err := os.Symlink("/dev/null", filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	// The kernel's settings are read-only here, and Lima's boot scripts run `sysctl --system`, which must not fail.
	files, err := filepath.Glob(filepath.Join(root, "usr/lib/sysctl.d/*.conf"))
	if err != nil {
		return err
	}
	for _, path := range files {
		if err := os.Symlink("/dev/null", filepath.Join(settings, filepath.Base(path))); err != nil {
			return err
		}
	}
	networks := filepath.Join(root, "run/systemd/network")
	return errors.Join(
		makeDirs(networks), os.WriteFile(filepath.Join(networks, "05-test-bed.network"), []byte(network), 0o644),
		os.WriteFile(filepath.Join(root, seedDir, "network-config"), []byte(cloudInitNetwork), 0o600),
		os.WriteFile(filepath.Join(root, "etc/ssh/sshd_config.d/test-bed.conf"), []byte(sshdSettings), 0o644),
	)
}
