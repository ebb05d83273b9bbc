package checks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"debug/macho"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// unreadyRow is a machine, what a check reports, and what the command exits with: 3 is a missing prerequisite.
type unreadyRow struct {
	check   Check
	outcome Outcome
	exit    int
	words   []string
	next    string
	fix     string
}

func TestMoreMachines(t *testing.T) {
	m := newMachine(t)
	const image = "https://images.example/noble.img"
	home := m.dir("lima", nil)
	traces := Traces{Lock: "/state/vm.lock", Log: "/state/vm.log"}
	locked := func(lock, log string, alive bool) Host {
		return but(func(h *Host) {
			h.Read = files(map[string]string{"/state/vm.lock": lock, "/state/vm.log": log,
				"/state/vm.log.old": `{"type":"step"}`})
			h.End = h.Read
			h.Alive = func(int) bool { return alive }
		})
	}
	space := func(free int64, space Space) Check {
		return one(but(func(h *Host) { h.Free = func(string) (int64, error) { return free, nil } }).diskSpace(home,
			space))
	}
	heads := func(err error) Check {
		return one(but(func(h *Host) { h.Head = headEnds(err) }).imageHost([]string{image}))
	}
	listed, err := Pick(list(but(func(h *Host) { h.Stat = nowhere }), Target{Images: []string{image}}),
		[]string{"image-host"})
	if err != nil {
		t.Fatal(err)
	}
	none := &finding.Error{What: "there is no agent to put into the VM", Why: "none was named",
		Next: "name the agent: --agent FILE"}
	goodService := embed.ServiceUnit
	notInstalled := lima.Client{Runner: fails(&lima.NotInstalledError{Name: "limactl", Err: exec.ErrNotFound})}
	wrongName := &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}}
	kvmDenied := func(change func(*Host)) Host {
		return but(func(h *Host) { h.KVM = func() error { return fs.ErrPermission }; change(h) })
	}
	for name, test := range map[string]unreadyRow{
		"Debian": {one(linuxHost().system), OK, 0, []string{"Debian GNU/Linux 12 (bookworm)"}, "", ""},
		"a Linux of its own": {one(but(func(h *Host) { h.Read = files(nil) }).system), OK, 0,
			[]string{"Linux"}, "", ""},
		"FreeBSD": {
			one(Host{OS: "freebsd"}.system), Failed, 3, []string{"freebsd"}, "use a Mac, or a Linux machine",
			"",
		},
		"sw_vers broken": {one(macWith("arm64", "").system), Unknown, 0, []string{"sw_vers"}, "", ""},
		"RISC-V": {
			one(Host{OS: "linux", Arch: "riscv64"}.processor), Failed, 3, []string{"riscv64"},
			"use a machine with one of those", "",
		},
		"x86_64": {one(linuxHost().processor), OK, 0, []string{"amd64"}, "", ""},

		"memory enough": {one(linuxHost().memory(4 * gib)), OK, 0, []string{"7.6 GiB of 15.3 GiB free"}, "", ""},
		"memory in use": {
			one(linuxHost().memory(8 * gib)), Warning, 0, []string{"may become slow", "8.0 GiB"},
			"--memory 2GiB", "",
		},
		"memory not there": {
			one(linuxHost().memory(32 * gib)), Failed, 3,
			[]string{"less memory than the VM", "32.0 GiB", "15.3 GiB"}, "--memory 7812MiB", "",
		},
		"memory unreadable": {
			one(but(func(h *Host) { h.Read = files(nil) }).memory(gib)), Unknown, 0, []string{"/proc/meminfo"},
			"", "",
		},
		"meminfo strange": {
			one(but(func(h *Host) { h.Read = files(map[string]string{"/proc/meminfo": "x"}) }).memory(gib)),
			Unknown, 0, []string{"MemTotal"}, "", "",
		},

		"disk enough": {
			space(100*gib, Space{Disk: 20 * gib, Image: true}), OK, 0,
			[]string{"100.0 GiB free", "the VM's disk 20.0 GiB + the image 700 MiB + reserve 1.0 GiB: 21.7 GiB at most"},
			"", "",
		},
		"disk and an image that is kept twice": {
			space(5*gib, Space{Disk: 20 * gib, Image: true, Converted: true}), Failed, 3,
			[]string{"needs 5.7 GiB to begin with", "the image 700 MiB + the image as vz reads it 2.0 GiB + reserve 1.0 GiB: " +
				"23.7 GiB at most"}, "make room", "",
		},
		"disk for a while": {
			space(10*gib, Space{Disk: 20 * gib, Image: true}), Warning, 0,
			[]string{"too little room later", "21.7 GiB at most"}, "export LIMA_HOME=DIR", "",
		},
		"disk full": {
			space(3*gib, Space{Disk: 20 * gib, Image: true}), Failed, 3,
			[]string{"too little room", "3.0 GiB are free", "needs 3.7 GiB to begin with"}, "make room", "",
		},
		"disk of a VM": {
			space(3*gib, Space{Disk: 20 * gib, Used: 19 * gib}), OK, 0,
			[]string{"less the 19.0 GiB that it takes already"}, "", "",
		},
		"disk for another": {
			space(100*gib, Space{Disk: 20 * gib, Kept: 5 * gib}), OK, 0,
			[]string{"the VM that is kept until then 5.0 GiB"}, "", "",
		},
		"disk unreadable": {
			one(but(func(h *Host) { h.Free = func(string) (int64, error) { return 0, syscall.EIO } }).diskSpace(home,
				Space{})),
			Unknown, 0, []string{"input/output error"}, "", "",
		},
		"few open files": {
			one(but(func(h *Host) { h.Files = func() (uint64, error) { return 256, nil } }).openFiles), Warning,
			0, []string{"the limit is 256"}, "limits.conf", "",
		},
		"few on a Mac": {
			one(Host{OS: "darwin", Files: func() (uint64, error) { return 256, nil }}.openFiles), Warning, 0,
			[]string{"256"}, "sudo launchctl limit maxfiles", "",
		},
		"open files": {one(linuxHost().openFiles), OK, 0, []string{"524288"}, "", ""},
		"open files no end": {
			one(but(func(h *Host) { h.Files = func() (uint64, error) { return 1<<63 - 1, nil } }).openFiles),
			OK, 0, []string{"unlimited"}, "", "",
		},
		"watches": {one(linuxHost().fileWatching), OK, 0, nil, "", ""},
		"watches exhausted": {
			one(but(func(h *Host) { h.Inotify = func() error { return syscall.EMFILE } }).fileWatching), Failed,
			3, []string{"max_user_instances", "too many open files"},
			"sudo sysctl -w fs.inotify.max_user_instances=1024",
			"sudo sysctl -w fs.inotify.max_user_instances=1024",
		},
		"watches unknown": {
			one(but(func(h *Host) { h.Inotify = func() error { return syscall.ENOSYS } }).fileWatching),
			Unknown, 0, []string{"not implemented"}, "", "",
		},
		"KVM after usermod": {
			one(but(func(h *Host) {
				h.KVM = func() error { return fs.ErrPermission }
				ran("ada kvm\n",
					nil)(h)
			}).acceleration(x86)),
			Failed, 3, []string{"joined it after you logged in"}, "log out and in again", "",
		},
		"KVM not yet": {
			one(but(func(h *Host) {
				h.KVM = func() error { return fs.ErrPermission }
				ran("ada sudo\n",
					nil)(h)
			}).acceleration(x86)),
			Failed, 3, []string{"no permission to use KVM"}, "usermod -aG kvm", "sudo usermod -aG kvm ada",
		},
		"KVM, no name": {
			one(kvmDenied(func(h *Host) { h.User = func() string { return "" } }).acceleration(x86)),
			Failed, 3, []string{"no permission to use KVM"}, "usermod -aG kvm", "",
		},
		"home of no use": {
			one(m.dir("dead", nil).limaHome("vm", "linux")), Failed, 3, []string{"a link to nothing"},
			"LIMA_HOME", "mkdir -p " + m.home + "/nowhere",
		},
		"home away, dead": {
			one(m.away("dead", nil).limaHome("vm", "linux")), Failed, 3, []string{"a link to nothing"},
			"LIMA_HOME", "",
		},

		"QEMU": {one(linuxHost().qemuVersion(x86)), OK, 0, []string{"QEMU 8.2.2"}, "", ""},
		"QEMU old": {
			one(but(ran("QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)\n", nil)).qemuVersion(x86)),
			Warning, 0, []string{"5.2.0", "7.0 or newer"}, "upgrade it", "",
		},
		"QEMU of garbage": {one(but(ran("hello\n", nil)).qemuVersion(x86)), Unknown, 0, []string{`"hello"`}, "", ""},
		"QEMU broken": {
			one(but(ran("", errors.New("exit status 127"))).qemuVersion(x86)), Unknown, 0,
			[]string{"exit status 127"}, "", "",
		},
		"QEMU by apt": {
			one(but(func(h *Host) { h.Find = installed("apt-get") }).qemu(x86)), Failed, 3,
			[]string{"QEMU is not installed"}, "sudo apt-get install",
			"sudo apt-get install --yes qemu-system-x86 qemu-utils ovmf",
		},
		"QEMU by dnf": {
			one(but(func(h *Host) { h.Find = installed("dnf") }).qemu(x86)), Failed, 3, nil, "sudo dnf install",
			"sudo dnf install --assumeyes qemu-system-x86 qemu-img edk2-ovmf",
		},
		"QEMU by pacman": {
			one(but(func(h *Host) { h.Find = installed("pacman") }).qemu(arm)), Failed, 3, nil,
			"sudo pacman -S", "sudo pacman -S --noconfirm qemu-system-aarch64 qemu-img edk2-aarch64",
		},
		"QEMU by hand": {
			one(but(func(h *Host) { h.Find = installed() }).qemu(x86)), Failed, 3, nil,
			"with your package manager", "",
		},
		"QEMU by Homebrew": {
			one(macWith("arm64", "", "brew").qemu(arm)), Failed, 3, nil, "brew install qemu",
			"brew install qemu",
		},
		"ssh by apt": {
			one(but(func(h *Host) { h.Find = installed("apt-get") }).sshClient), Failed, 3, nil,
			"openssh-client", "sudo apt-get install --yes openssh-client",
		},
		"virtiofsd": {
			one(but(func(h *Host) { h.Find = installed("/usr/libexec/virtiofsd") }).virtiofsd), OK, 0,
			[]string{"virtiofsd"}, "", "",
		},
		"virtiofsd of QEMU": {
			one(but(func(h *Host) {
				h.Find = installed("/usr/lib/qemu/virtiofsd", "apt-get")
				h.Run = func(context.Context, string, ...string) (string, error) {
					return "", errors.New("unknown option --version")
				}
			}).virtiofsd), Failed, 3, []string{"is not the one that Lima uses", "--version"},
			"--mount-type reverse-sshfs", "sudo apt-get install --yes virtiofsd",
		},
		"virtiofsd missing": {
			one(linuxHost().virtiofsd), Failed, 3, []string{"virtiofsd is not installed"},
			"--mount-type reverse-sshfs", "sudo apt-get install --yes virtiofsd",
		},

		"Lima by Linuxbrew": {
			but(func(h *Host) { h.Find = installed("brew") }).limactl(notInstalled),
			Failed, 3, []string{"not installed"}, "brew install lima", "brew install lima",
		},
		"Lima by hand": {
			linuxHost().limactl(notInstalled),
			Failed, 3, []string{"not installed"}, "https://lima-vm.io/docs/installation/", "",
		},
		"Lima old, a Mac's": {
			macWith("arm64", "", "brew").limactl(lima.Client{Runner: prints("limactl version 1.2.1\n")}), Failed,
			3, []string{"too old"}, "brew upgrade lima", "brew upgrade lima",
		},
		"guest agent": {one(linuxHost().guestAgent(x86)), OK, 0, []string{"lima-guestagent.Linux-x86_64.gz"}, "", ""},
		"guest agent gone": {
			one(but(func(h *Host) { h.Stat = nowhere }).guestAgent(x86)), Warning, 0,
			[]string{"share/lima/lima-guestagent.Linux-x86_64"}, "install all of Lima", "",
		},
		"guest agent, ARM": {
			one(but(func(h *Host) { h.Stat = nowhere }).guestAgent(arm)), Warning, 0, []string{"aarch64"},
			"brew install lima-additional-guestagents", "",
		},

		"limactl for Apple silicon": {
			one(macWith("arm64", machO(macho.CpuArm64)).limactlProcessor), OK, 0, []string{"CpuArm64"}, "", "",
		},
		"limactl for Intel": {
			one(macWith("amd64", machO(macho.CpuAmd64)).limactlProcessor), OK, 0, []string{"CpuAmd64"}, "", "",
		},
		"limactl under Rosetta": {
			one(macWith("arm64", machO(macho.CpuAmd64), brewAppleSilicon).limactlProcessor), Failed, 3,
			[]string{"Rosetta", "/usr/local/Cellar/lima/2.1.4/bin/limactl"},
			"arch -arm64 /opt/homebrew/bin/brew install lima",
			"arch -arm64 /opt/homebrew/bin/brew install lima",
		},
		"only Intel's Homebrew": {
			one(macWith("arm64", machO(macho.CpuAmd64), brewIntel).limactlProcessor), Failed, 3,
			[]string{"Rosetta"}, "https://brew.sh", "",
		},
		"limactl for another Mac": {
			one(macWith("amd64", machO(macho.CpuArm64), "brew").limactlProcessor), Failed, 3,
			[]string{"Apple silicon", "Intel processor"}, "brew reinstall lima", "",
		},
		"limactl a script": {
			one(macWith("arm64", "#!/bin/sh\n").limactlProcessor), Info, 0, []string{"script"}, "", "",
		},
		"entitlement of a script": {
			one(macWith("arm64", "#!/bin/sh\n", "brew").entitlement), Info, 0, []string{"not limactl itself"}, "", "",
		},
		"Lima of no release": {
			macWith("arm64", "", "brew").limactl(lima.Client{Runner: prints("limactl version HEAD-1a2b3c4\n")}), Warning, 0,
			[]string{"limactl HEAD-1a2b3c4", "2.0.0 or newer"}, "use a release", "",
		},
		"limactl unsigned": {
			one(macWith("arm64", machO(macho.CpuArm64), "brew").entitlement), Failed, 3, []string{"no valid signature"},
			"brew reinstall lima", "brew reinstall lima",
		},

		"no proxy": {one(linuxHost().proxy(image)), OK, 0, []string{"none"}, "", ""},
		"a proxy": {
			one(but(func(h *Host) {
				h.Proxy = func(string) (string,
					error) {
					return "http://proxy:3128", nil
				}
			}).proxy(image)),
			Info, 0, []string{"http://proxy:3128"}, "", "",
		},
		"proxy misspelt": {one(but(func(h *Host) {
			h.Proxy = func(string) (string, error) { return "", errors.New("invalid proxy address") }
		}).proxy(image)), Failed, 3, []string{"invalid proxy address"}, "export https_proxy=", ""},
		"names": {one(linuxHost().nameResolution(image)), OK, 0, []string{"images.example"}, "", ""},
		"no name server": {
			one(but(noNames).nameResolution(image)), Failed, 3,
			[]string{"can't resolve images.example", "no such host"}, "ping images.example; or name an image",
			"",
		},
		"no proxy's name": {one(but(func(h *Host) {
			noNames(h)
			h.Proxy = func(string) (string, error) { return "http://proxy.corp:3128", nil }
		}).nameResolution(image)), Failed, 3, []string{"can't resolve proxy.corp"}, "ping proxy.corp", ""},
		"image": {heads(nil), OK, 0, []string{image}, "", ""},
		"image refused": {
			heads(syscall.ECONNREFUSED), Failed, 3, []string{"can't be downloaded", "connection refused"},
			"curl -I " + image, "",
		},
		"an address with what a shell reads": {
			one(but(func(h *Host) { h.Head = headEnds(syscall.ECONNREFUSED) }).imageHost([]string{image + "?a=1&b=2"})),
			Failed, 3,
			[]string{"can't be downloaded"}, "curl -I '" + image + "?a=1&b=2'", "",
		},
		"image gone": {
			heads(errors.New("the server answers 404 Not Found")), Failed, 3, []string{"404 Not Found"},
			"--image FILE", "",
		},
		"a corporate CA": {
			heads(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), Failed, 3,
			[]string{"not trusted"}, "Keychain Access", "",
		},
		"a wrong name": {
			heads(fmt.Errorf("wrapped: %w", wrongName)),
			Failed, 3, []string{"not trusted"}, "update-ca-certificates", "",
		},
		"no network": {silent(listed[0]), Failed, 3, []string{"no answer within"}, "curl -I", ""},

		"project": {
			one(project("/home/ada/p", "/home/ada", "/home/ada/.lima", kvmAccess)), OK, 0,
			[]string{"/home/ada/p"}, "", "",
		},
		"project is home": {
			one(project("/home/ada", "/home/ada", "/home/ada/.lima", kvmAccess)), Warning, 0,
			[]string{"whole home directory"}, "worldsetup DIR", "",
		},
		"project has Lima": {
			one(project("/data", "/home/ada", "/data/lima", kvmAccess)), Warning, 0,
			[]string{"change its own disk"}, "worldsetup DIR", "",
		},
		"project in Lima": {
			one(project("/home/ada/.lima/x", "/home/ada", "/home/ada/.lima", kvmAccess)), Warning, 0,
			[]string{"limactl delete"}, "worldsetup DIR", "",
		},
		"project read-only": {
			one(project("/srv/p", "/home/ada", "/home/ada/.lima", func(string) error { return syscall.EACCES })),
			Warning, 0, []string{"permission denied"}, "sudo chown", "",
		},

		"built in": {one(builtIn), OK, 0, []string{"complete"}, "", ""},
		"unit cut off": {
			answers(complete("[Socket]\n", goodService, embed.Profile())), Failed, 3,
			[]string{"damaged", "lacks ListenStream=/run/substrate.sock"}, "build it again", "",
		},
		"unit unreadable": {
			answers(complete(embed.SocketUnit(layout.AgentV1), func(layout.Layout, string, bool) (string, error) {
				return "",
					errors.New("no template")
			}, embed.Profile())),
			Failed, 3, []string{"no template"}, "build it again", "",
		},
		"profile cut off": {
			answers(complete(embed.SocketUnit(layout.AgentV1), goodService, []byte("imag"))), Failed, 3,
			[]string{"the profile"}, "build it again", "",
		},
		"agent": {
			one(Agents{Candidates: []Candidate{{From: "--agent", Why: "not given"},
				{From: "bin/world-agent", Taken: true,
					Why: "a program"}}}.probe),
			OK, 0, []string{"bin/world-agent: taken: a program", "--agent: not taken: not given"}, "", "",
		},
		"agent none": {
			one(Agents{Candidates: []Candidate{{From: "bin/world-agent", Why: "it is a Mach-O file"}},
				None: none}.probe),
			Failed, 3, []string{"no agent", "bin/world-agent: not taken: it is a Mach-O file"}, "--agent FILE",
			"",
		},
		"agent in the VM": {one(Agents{}.probe), Info, 0, []string{"the one in the VM stays"}, "", ""},
		"VM none": {one(VM{Name: "substrate"}.state(linuxHost())), OK, 0,
			[]string{"none called substrate"}, "", ""},
		"VM stopped": {
			one(instance(func(*limatype.Instance) {}).state(linuxHost())), OK, 0, []string{"stopped"}, "", "",
		},
		"VM running": {
			one(instance(func(i *limatype.Instance) { i.Status = limatype.StatusRunning }).state(linuxHost())),
			OK, 0, []string{"running"}, "", "",
		},
		"VM broken": {one(instance(func(i *limatype.Instance) {
			i.Status = limatype.StatusBroken
			i.Errors = []error{errors.New("ha.pid is gone")}
		}).state(linuxHost())), Warning, 0, []string{"broken", "ha.pid is gone"}, "run worldsetup", ""},
		"VM incomplete": {
			one(instance(func(*limatype.Instance) {}).state(but(func(h *Host) { h.Stat = nowhere }))), Warning,
			0, []string{"incomplete", "no disk"}, "limactl delete --force substrate", "",
		},
		"VM unlisted": {
			one(VM{Name: "substrate", Trouble: &finding.Error{What: "a directory is in the way",
				Next: "rm -r it"}}.state(linuxHost())),
			Failed, 3, []string{"in the way"}, "rm -r it", "",
		},
		"home on NFS, Lima 2.0": {
			one(but(func(h *Host) { h.NFS = func(string) bool { return true } }).localHome(m.dir("lima", nil),
				lima.Client{Runner: prints("limactl version 2.0.3\n")}, m.dir("lima", nil).limaHome("vm", "linux"))),
			Failed, 3, []string{"NFS", "2.0.3 refuses"}, "export LIMA_HOME=/opt/lima", "",
		},
		"home on NFS, Lima 2.1": {
			one(but(func(h *Host) { h.NFS = func(string) bool { return true } }).localHome(m.dir("new/lima", nil),
				lima.Client{Runner: prints("limactl version 2.1.4\n")}, m.dir("new/lima", nil).limaHome("vm", "linux"))),
			Warning, 0, []string{"NFS"}, "export LIMA_HOME=/opt/lima", "",
		},
		"in a Lima guest": {one(linuxHost().homeMount("/home/ada.guest/", "", lima.Client{
			Runner: prints("limactl version 2.1.4\n")})), Failed, 3,
			[]string{"can't be mounted", "/home/ada.guest", "itself a Lima guest"}, "HOME=DIR", ""},
		"in an old Lima guest": {one(linuxHost().homeMount("/home/ada.linux", "", lima.Client{
			Runner: prints("limactl version 2.1.4\n")})), OK, 0, nil, "", ""},
		"in an old Lima guest, with Lima 2.0": {one(linuxHost().homeMount("/home/ada.linux", "", lima.Client{
			Runner: prints("limactl version 2.0.3\n")})), Failed, 3, []string{"can't be mounted"}, "HOME=DIR", ""},
		"home of the profile": {one(linuxHost().homeMount("/home/ada", "/home/{{.User}}", lima.Client{})), Failed, 3,
			[]string{"can't be mounted"}, "HOME=DIR", ""},
		"another home in the profile": {one(linuxHost().homeMount("/home/ada.guest", "/home/ada.world", lima.Client{})),
			OK, 0, nil, "", ""},
		"home a system directory": {one(linuxHost().homeMount("/tmp", "", lima.Client{})), Failed, 3,
			[]string{"/tmp", "system directory"}, "HOME=DIR", ""},
		"firmware": {one(linuxHost().firmware(x86, "/home/ada", Firmware{})), OK, 0,
			[]string{"/home/ada/.local/share/qemu/edk2-x86_64-code.fd"}, "", ""},
		"no firmware": {
			one(but(func(h *Host) { h.Stat = nowhere }).firmware(x86, "/home/ada", Firmware{})), Failed, 3,
			[]string{"firmware is not installed"}, "apt-get install ovmf", "sudo apt-get install --yes ovmf",
		},
		"no firmware for ARM": {
			one(but(func(h *Host) {
				h.Stat, h.Find = nowhere, installed("qemu-system-aarch64", "dnf")
			}).firmware(arm, "/home/ada", Firmware{})), Failed, 3,
			[]string{"firmware is not installed"}, "dnf install edk2-aarch64", "sudo dnf install --assumeyes edk2-aarch64",
		},
		"no firmware, and a template": {
			one(but(func(h *Host) { h.Stat = nowhere }).firmware(x86, "/home/ada", Firmware{Unsure: true})), Warning, 0,
			[]string{"template"}, "apt-get install ovmf", "",
		},
		"containerd": {one(but(func(h *Host) { h.Stat = nowhere }).containers(Containers{Wanted: true}, m.home)), OK, 0,
			[]string{"https://github.com/containerd"}, "", ""},
		"containerd offline": {
			one(but(func(h *Host) {
				h.Stat, h.Head = nowhere, headEnds(errors.New("offline"))
			}).containers(Containers{Wanted: true}, m.home)), Failed, 3,
			[]string{"containerd can't be downloaded", "offline"}, "containerd: {system: false, user: false}", "",
		},
		"containerd offline, and a template": {
			one(but(func(h *Host) {
				h.Stat, h.Head = nowhere, headEnds(errors.New("offline"))
			}).containers(Containers{Wanted: true, Unsure: true, Archives: []string{"https://host/a"}}, m.home)), Warning, 0,
			[]string{"https://host/a: offline", "template"}, "", "",
		},
		"containerd a file": {one(linuxHost().containers(Containers{Archives: []string{"/a.tgz"}}, m.home)), OK, 0,
			[]string{"/a.tgz"}, "", ""},
		"VM a world": {one(VM{Signs: []string{"it has the mark of worldsetup"}}.owner), OK, 0,
			[]string{"a world", "mark"}, "", ""},
		"VM not ours": {one(VM{Name: "docker"}.owner), Warning, 0,
			[]string{"VM docker shows that it is a world"}, "--adopt=docker", ""},
		"VM protected by us": {
			one(VM{ProtectedByUs: true, Instance: &limatype.Instance{Protected: true}}.protection), OK, 0,
			[]string{"by worldsetup"}, "", "",
		},
		"VM protected": {
			one(instance(func(i *limatype.Instance) { i.Protected = true }).protection), Info, 0,
			[]string{"limactl unprotect substrate"}, "", "",
		},
		"VM free": {one(instance(func(*limatype.Instance) {}).protection), OK, 0, []string{"none"}, "", ""},
		"no other run": {
			one(traces.otherRun(locked("process 99, since then", "", false))), OK, 0, []string{"none"}, "", "",
		},
		"never run": {one(traces.otherRun(linuxHost())), OK, 0, []string{"none"}, "", ""},
		"another run": {
			one(traces.otherRun(locked("process 99, since then", "", true))), Warning, 0,
			[]string{"process 99, since then"}, "ps -p 99", "",
		},
		"this run": {
			one(traces.otherRun(locked(fmt.Sprintf("process %d, since then", os.Getpid()), "", true))), OK, 0,
			[]string{"none"}, "", "",
		},
		"lock of garbage": {
			one(traces.otherRun(locked("process x, since then", "", true))), OK, 0, []string{"none"}, "", "",
		},
		"run finished": {
			one(traces.lastRun(locked("process 99, since then",
				"{\"type\":\"started\"}\n{\"type\":\"finished\"}\n", false))),
			OK, 0, []string{"finished"}, "", "",
		},
		"run interrupted": {
			one(traces.lastRun(locked("process 99, since then",
				"{\"type\":\"started\"}\n{\"type\":\"step\"}\n", false))),
			Info, 0, []string{"was interrupted"}, "", "",
		},
		"run cut off": {
			one(traces.lastRun(locked("process 99, since then", "{\"type\":\"finished\"}\n{\"type\":\"fin", false))),
			Info, 0, []string{"was interrupted"}, "", "",
		},
		"run at work": {
			one(traces.lastRun(locked("process 99, since then", "{\"type\":\"step\"}\n", true))), Info, 0,
			[]string{"may still be running"}, "", "",
		},
		"run of one's own": {
			one(traces.lastRun(locked(fmt.Sprintf("process %d, since then", os.Getpid()),
				"{\"type\":\"started\"}\n", true))),
			Info, 0, []string{"was interrupted"}, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := m.files(t)
			var results []Result
			synctest.Test(t, func(t *testing.T) { results = Run(t.Context(), []Check{test.check}, nil) })
			result := results[0]
			if result.Outcome != test.outcome {
				t.Errorf("%+v, want the outcome %q", result, test.outcome)
			}
			if exit := 3 * len(Blocking(results)); exit != test.exit {
				t.Errorf("exit code %d, want %d", exit, test.exit)
			}
			judgeWords(t, result, test.words, test.next)
			if fix := result.Fix; (fix == nil) != (test.fix == "") || fix != nil && fix.String() != test.fix {
				t.Errorf("fix %v, want %q", fix, test.fix)
			}
			if after := m.files(t); fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("the check changed the disk: %q, then %q", before, after)
			}
		})
	}
}
