package checks

import (
	"context"
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
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// unreadyRow is a machine, what a check says of it, and what the command exits with: 3 is a missing prerequisite.
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
			h.Read = files(map[string]string{"/state/vm.lock": lock, "/state/vm.log": log, "/state/vm.log.old": `{"type":"step"}`})
			h.Alive = func(int) bool { return alive }
		})
	}
	space := func(free int64, space Space) Check {
		return diskSpace(but(func(h *Host) { h.Free = func(string) (int64, error) { return free, nil } }), home, space)
	}
	heads := func(err error) Check {
		return imageHost(but(func(h *Host) { h.Head = func(context.Context, string) error { return err } }), image)
	}
	none := &Problem{What: "there is no agent to put into the VM", Why: "none was named", Next: "name the agent: --agent FILE"}
	goodService := embed.ServiceUnit
	for name, test := range map[string]unreadyRow{
		"Debian":             {system(linuxHost()), OK, 0, []string{"Debian GNU/Linux 12 (bookworm)"}, "", ""},
		"a Linux of its own": {system(but(func(h *Host) { h.Read = files(nil) })), OK, 0, []string{"Linux"}, "", ""},
		"FreeBSD":            {system(Host{OS: "freebsd"}), Failed, 3, []string{"freebsd"}, "use a Mac, or a Linux machine", ""},
		"sw_vers broken":     {system(macWith("arm64", "")), Unknown, 0, []string{"sw_vers"}, "", ""},
		"RISC-V":             {processor(Host{OS: "linux", Arch: "riscv64"}), Failed, 3, []string{"riscv64"}, "use a machine with one of those", ""},
		"x86_64":             {processor(linuxHost()), OK, 0, []string{"amd64"}, "", ""},

		"memory enough":     {memory(linuxHost(), 4*gib), OK, 0, []string{"7.6 GiB of 15.3 GiB free"}, "", ""},
		"memory in use":     {memory(linuxHost(), 8*gib), Warning, 0, []string{"may become slow", "8.0 GiB"}, "--memory 2GiB", ""},
		"memory not there":  {memory(linuxHost(), 32*gib), Failed, 3, []string{"less memory than the VM", "32.0 GiB", "15.3 GiB"}, "--memory 7812MiB", ""},
		"memory unreadable": {memory(but(func(h *Host) { h.Read = files(nil) }), gib), Unknown, 0, []string{"/proc/meminfo"}, "", ""},
		"meminfo strange":   {memory(but(func(h *Host) { h.Read = files(map[string]string{"/proc/meminfo": "x"}) }), gib), Unknown, 0, []string{"MemTotal"}, "", ""},

		"disk enough":        {space(100*gib, Space{Disk: 20 * gib, Image: true}), OK, 0, []string{"100.0 GiB free", "the VM's disk 20.0 GiB + the image 700 MiB + spare 1.0 GiB: 21.7 GiB at most"}, "", ""},
		"disk for a while":   {space(10*gib, Space{Disk: 20 * gib, Image: true}), Warning, 0, []string{"too little room later", "21.7 GiB at most"}, "export LIMA_HOME=DIR", ""},
		"disk full":          {space(3*gib, Space{Disk: 20 * gib, Image: true}), Failed, 3, []string{"too little room", "3.0 GiB are free", "begins with 3.7 GiB"}, "make room", ""},
		"disk of a VM":       {space(3*gib, Space{Disk: 20 * gib, Used: 19 * gib}), OK, 0, []string{"less the 19.0 GiB that it takes already"}, "", ""},
		"disk for another":   {space(100*gib, Space{Disk: 20 * gib, Kept: 5 * gib}), OK, 0, []string{"the VM that is kept until then 5.0 GiB"}, "", ""},
		"disk unreadable":    {diskSpace(but(func(h *Host) { h.Free = func(string) (int64, error) { return 0, syscall.EIO } }), home, Space{}), Unknown, 0, []string{"input/output error"}, "", ""},
		"few open files":     {fileLimit(but(func(h *Host) { h.Files = func() (uint64, error) { return 256, nil } })), Warning, 0, []string{"the limit is 256"}, "limits.conf", ""},
		"few on a Mac":       {fileLimit(Host{OS: "darwin", Files: func() (uint64, error) { return 256, nil }}), Warning, 0, []string{"256"}, "sudo launchctl limit maxfiles", ""},
		"open files":         {fileLimit(linuxHost()), OK, 0, []string{"524288"}, "", ""},
		"open files no end":  {fileLimit(but(func(h *Host) { h.Files = func() (uint64, error) { return 1<<63 - 1, nil } })), OK, 0, []string{"unlimited"}, "", ""},
		"watches":            {watches(linuxHost()), OK, 0, nil, "", ""},
		"watches exhausted":  {watches(but(func(h *Host) { h.Inotify = func() error { return syscall.EMFILE } })), Failed, 3, []string{"max_user_instances", "too many open files"}, "sudo sysctl -w fs.inotify.max_user_instances=1024", "sudo sysctl -w fs.inotify.max_user_instances=1024"},
		"watches unknown":    {watches(but(func(h *Host) { h.Inotify = func() error { return syscall.ENOSYS } })), Unknown, 0, []string{"not implemented"}, "", ""},
		"KVM after usermod":  {acceleration(but(func(h *Host) { h.KVM = func() error { return fs.ErrPermission }; ran("ada kvm\n", nil)(h) }), x86), Failed, 3, []string{"since after you logged in"}, "log out and in again", ""},
		"KVM not yet":        {acceleration(but(func(h *Host) { h.KVM = func() error { return fs.ErrPermission }; ran("ada sudo\n", nil)(h) }), x86), Failed, 3, []string{"may not use"}, "usermod -aG kvm", "sudo usermod -aG kvm ada"},
		"KVM, no name":       {acceleration(but(func(h *Host) { h.KVM = func() error { return fs.ErrPermission }; h.User = func() string { return "" } }), x86), Failed, 3, []string{"may not use"}, "usermod -aG kvm", ""},
		"home of no use":     {limaHome(m.dir("dead", nil), "vm", "linux"), Failed, 3, []string{"leads nowhere"}, "LIMA_HOME", "mkdir -p " + m.home + "/nowhere"},
		"home away, of none": {limaHome(m.away("dead", nil), "vm", "linux"), Failed, 3, []string{"leads nowhere"}, "LIMA_HOME", ""},

		"QEMU":              {qemuVersion(linuxHost(), x86), OK, 0, []string{"QEMU 8.2.2"}, "", ""},
		"QEMU old":          {qemuVersion(but(ran("QEMU emulator version 5.2.0 (Debian 1:5.2+dfsg-11+deb11u3)\n", nil)), x86), Warning, 0, []string{"5.2.0", "7.0 or newer"}, "upgrade it", ""},
		"QEMU of garbage":   {qemuVersion(but(ran("hello\n", nil)), x86), Unknown, 0, []string{`"hello"`}, "", ""},
		"QEMU broken":       {qemuVersion(but(ran("", errors.New("exit status 127"))), x86), Unknown, 0, []string{"exit status 127"}, "", ""},
		"QEMU by apt":       {qemu(but(func(h *Host) { h.Find = installed("apt-get") }), x86), Failed, 3, []string{"QEMU is not installed"}, "sudo apt-get install", "sudo apt-get install --yes qemu-system-x86 qemu-utils ovmf"},
		"QEMU by dnf":       {qemu(but(func(h *Host) { h.Find = installed("dnf") }), x86), Failed, 3, nil, "sudo dnf install", "sudo dnf install --assumeyes qemu-system-x86 qemu-img edk2-ovmf"},
		"QEMU by pacman":    {qemu(but(func(h *Host) { h.Find = installed("pacman") }), arm), Failed, 3, nil, "sudo pacman -S", "sudo pacman -S --noconfirm qemu-system-aarch64 qemu-img edk2-aarch64"},
		"QEMU by nobody":    {qemu(but(func(h *Host) { h.Find = installed() }), x86), Failed, 3, nil, "with your package manager", ""},
		"QEMU by Homebrew":  {qemu(macWith("arm64", "", "brew"), arm), Failed, 3, nil, "brew install qemu", "brew install qemu"},
		"ssh by apt":        {sshClient(but(func(h *Host) { h.Find = installed("apt-get") })), Failed, 3, nil, "openssh-client", "sudo apt-get install --yes openssh-client"},
		"virtiofsd":         {virtiofsd(but(func(h *Host) { h.Find = installed("/usr/libexec/virtiofsd") })), OK, 0, []string{"virtiofsd"}, "", ""},
		"virtiofsd missing": {virtiofsd(linuxHost()), Failed, 3, []string{"virtiofsd is not installed"}, "--mount-type reverse-sshfs", "sudo apt-get install --yes virtiofsd"},

		"Lima by Linuxbrew": {limactl(lima.Client{Runner: fails(&lima.NotInstalledError{Name: "limactl", Err: exec.ErrNotFound})}, but(func(h *Host) { h.Find = installed("brew") })), Failed, 3, []string{"not installed"}, "brew install lima", "brew install lima"},
		"Lima by hand":      {limactl(lima.Client{Runner: fails(&lima.NotInstalledError{Name: "limactl", Err: exec.ErrNotFound})}, linuxHost()), Failed, 3, []string{"not installed"}, "https://lima-vm.io/docs/installation/", ""},
		"Lima old, a Mac's": {limactl(lima.Client{Runner: says("limactl version 1.2.1\n")}, macWith("arm64", "", "brew")), Failed, 3, []string{"too old"}, "brew upgrade lima", "brew upgrade lima"},
		"guest agent":       {guestAgent(linuxHost(), x86), OK, 0, []string{"lima-guestagent.Linux-x86_64.gz"}, "", ""},
		"guest agent gone":  {guestAgent(but(func(h *Host) { h.Stat = nowhere }), x86), Warning, 0, []string{"share/lima/lima-guestagent.Linux-x86_64"}, "install the whole of Lima", ""},
		"guest agent, ARM":  {guestAgent(but(func(h *Host) { h.Stat = nowhere }), arm), Warning, 0, []string{"aarch64"}, "brew install lima-additional-guestagents", ""},

		"limactl for Apple silicon": {limactlCPU(macWith("arm64", machO(macho.CpuArm64))), OK, 0, []string{"CpuArm64"}, "", ""},
		"limactl for Intel":         {limactlCPU(macWith("amd64", machO(macho.CpuAmd64))), OK, 0, []string{"CpuAmd64"}, "", ""},
		"limactl under Rosetta":     {limactlCPU(macWith("arm64", machO(macho.CpuAmd64), brewAppleSilicon)), Failed, 3, []string{"Rosetta", "/usr/local/Cellar/lima/2.1.4/bin/limactl"}, "arch -arm64 /opt/homebrew/bin/brew install lima", "arch -arm64 /opt/homebrew/bin/brew install lima"},
		"only Intel's Homebrew":     {limactlCPU(macWith("arm64", machO(macho.CpuAmd64), brewIntel)), Failed, 3, []string{"Rosetta"}, "https://brew.sh", ""},
		"limactl for another Mac":   {limactlCPU(macWith("amd64", machO(macho.CpuArm64), "brew")), Failed, 3, []string{"Apple silicon", "Intel processor"}, "brew reinstall lima", ""},
		"limactl a script":          {limactlCPU(macWith("arm64", "#!/bin/sh\n")), Info, 0, []string{"script"}, "", ""},
		"limactl unsigned":          {entitlement(macWith("arm64", "", "brew")), Failed, 3, []string{"no valid signature"}, "brew reinstall lima", "brew reinstall lima"},

		"no proxy": {proxy(linuxHost(), image), OK, 0, []string{"none"}, "", ""},
		"a proxy":  {proxy(but(func(h *Host) { h.Proxy = func(string) (string, error) { return "http://proxy:3128", nil } }), image), Info, 0, []string{"http://proxy:3128"}, "", ""},
		"proxy misspelt": {proxy(but(func(h *Host) {
			h.Proxy = func(string) (string, error) { return "", errors.New("invalid proxy address") }
		}), image), Failed, 3, []string{"invalid proxy address"}, "export https_proxy=", ""},
		"names":          {nameResolution(linuxHost(), image), OK, 0, []string{"images.example"}, "", ""},
		"no name server": {nameResolution(but(noNames), image), Failed, 3, []string{"images.example has no address", "no such host"}, "ping images.example; or name an image", ""},
		"no proxy's name": {nameResolution(but(func(h *Host) {
			noNames(h)
			h.Proxy = func(string) (string, error) { return "http://proxy.corp:3128", nil }
		}), image), Failed, 3, []string{"proxy.corp has no address"}, "ping proxy.corp", ""},
		"image":          {heads(nil), OK, 0, []string{image}, "", ""},
		"image refused":  {heads(syscall.ECONNREFUSED), Failed, 3, []string{"cannot be downloaded", "connection refused"}, "curl -I " + image, ""},
		"image gone":     {heads(errors.New("the server says 404 Not Found")), Failed, 3, []string{"404 Not Found"}, "--image FILE", ""},
		"a corporate CA": {heads(fmt.Errorf("tls: %w", x509.UnknownAuthorityError{})), Failed, 3, []string{"not trusted"}, "Keychain Access", ""},
		"a wrong name":   {heads(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}), Failed, 3, []string{"not trusted"}, "update-ca-certificates", ""},
		"no network":     {silent(heads(nil)), Failed, 3, []string{"no answer within"}, "curl -I", ""},

		"project":           {projectCheck("/home/ada/p", "/home/ada", "/home/ada/.lima", kvmAccess), OK, 0, []string{"/home/ada/p"}, "", ""},
		"project is home":   {projectCheck("/home/ada", "/home/ada", "/home/ada/.lima", kvmAccess), Warning, 0, []string{"whole home directory"}, "worldsetup DIR", ""},
		"project has Lima":  {projectCheck("/data", "/home/ada", "/data/lima", kvmAccess), Warning, 0, []string{"change its own disk"}, "worldsetup DIR", ""},
		"project in Lima":   {projectCheck("/home/ada/.lima/x", "/home/ada", "/home/ada/.lima", kvmAccess), Warning, 0, []string{"limactl delete"}, "worldsetup DIR", ""},
		"project read-only": {projectCheck("/srv/p", "/home/ada", "/home/ada/.lima", func(string) error { return syscall.EACCES }), Warning, 0, []string{"permission denied"}, "sudo chown", ""},

		"built in":        {builtin(), OK, 0, []string{"whole"}, "", ""},
		"unit cut off":    {builtinFiles("[Socket]\n", goodService, embed.Profile()), Failed, 3, []string{"damaged", "lacks ListenStream=/run/substrate.sock"}, "build it again", ""},
		"unit unreadable": {builtinFiles(embed.SocketUnit(), func(string, bool) (string, error) { return "", errors.New("no template") }, embed.Profile()), Failed, 3, []string{"no template"}, "build it again", ""},
		"profile cut off": {builtinFiles(embed.SocketUnit(), goodService, []byte("imag")), Failed, 3, []string{"the profile"}, "build it again", ""},
		"agent":           {agent(Agents{Candidates: []Candidate{{From: "--agent", Why: "not given"}, {From: "bin/world-agent", Taken: true, Why: "a program"}}}), OK, 0, []string{"bin/world-agent: taken: a program", "--agent: not taken: not given"}, "", ""},
		"agent none":      {agent(Agents{Candidates: []Candidate{{From: "bin/world-agent", Why: "it is a Mach-O file"}}, None: none}), Failed, 3, []string{"no agent", "bin/world-agent: not taken: it is a Mach-O file"}, "--agent FILE", ""},
		"agent in the VM": {agent(Agents{}), Info, 0, []string{"the one in the VM stays"}, "", ""},
		"VM none":         {vmState(linuxHost(), VM{Name: "substrate"}), OK, 0, []string{"none called substrate"}, "", ""},
		"VM stopped":      {vmState(linuxHost(), instance(func(*limatype.Instance) {})), OK, 0, []string{"stopped"}, "", ""},
		"VM running":      {vmState(linuxHost(), instance(func(i *limatype.Instance) { i.Status = limatype.StatusRunning })), OK, 0, []string{"running"}, "", ""},
		"VM broken": {vmState(linuxHost(), instance(func(i *limatype.Instance) {
			i.Status = limatype.StatusBroken
			i.Errors = []error{errors.New("ha.pid is gone")}
		})), Warning, 0, []string{"broken", "ha.pid is gone"}, "limactl stop --force substrate", ""},
		"VM half-made":     {vmState(but(func(h *Host) { h.Stat = nowhere }), instance(func(*limatype.Instance) {})), Warning, 0, []string{"never completed", "no disk"}, "limactl delete --force substrate", ""},
		"VM unlisted":      {vmState(linuxHost(), VM{Name: "substrate", Trouble: &Problem{What: "a directory is in the way", Next: "rm -r it"}}), Warning, 0, []string{"in the way"}, "rm -r it", ""},
		"VM a world":       {vmOwner(instance(func(*limatype.Instance) {})), OK, 0, []string{"a world"}, "", ""},
		"VM somebody's":    {vmOwner(instance(func(i *limatype.Instance) { i.Config.PortForwards = nil })), Warning, 0, []string{"not made to be a world"}, "--vm world", ""},
		"VM unreadable":    {vmOwner(instance(func(i *limatype.Instance) { i.Config = nil })), Unknown, 0, []string{"cannot be read"}, "", ""},
		"VM protected":     {vmProtected(instance(func(i *limatype.Instance) { i.Protected = true })), Info, 0, []string{"limactl unprotect substrate"}, "", ""},
		"VM free":          {vmProtected(instance(func(*limatype.Instance) {})), OK, 0, []string{"none"}, "", ""},
		"no other run":     {otherRun(locked("process 99, since then", "", false), traces), OK, 0, []string{"none"}, "", ""},
		"never run":        {otherRun(linuxHost(), traces), OK, 0, []string{"none"}, "", ""},
		"another run":      {otherRun(locked("process 99, since then", "", true), traces), Warning, 0, []string{"process 99, since then"}, "ps -p 99", ""},
		"this run":         {otherRun(locked(fmt.Sprintf("process %d, since then", os.Getpid()), "", true), traces), OK, 0, []string{"none"}, "", ""},
		"lock of garbage":  {otherRun(locked("process x, since then", "", true), traces), OK, 0, []string{"none"}, "", ""},
		"run finished":     {lastRun(locked("process 99, since then", "{\"type\":\"started\"}\n{\"type\":\"finished\"}\n", false), traces), OK, 0, []string{"came to its end"}, "", ""},
		"run interrupted":  {lastRun(locked("process 99, since then", "{\"type\":\"started\"}\n{\"type\":\"step\"}\n", false), traces), Info, 0, []string{"was interrupted"}, "", ""},
		"run cut off":      {lastRun(locked("process 99, since then", "{\"type\":\"finished\"}\n{\"type\":\"fin", false), traces), Info, 0, []string{"was interrupted"}, "", ""},
		"run at work":      {lastRun(locked("process 99, since then", "{\"type\":\"step\"}\n", true), traces), Info, 0, []string{"still at work"}, "", ""},
		"run of one's own": {lastRun(locked(fmt.Sprintf("process %d, since then", os.Getpid()), "{\"type\":\"started\"}\n", true), traces), Info, 0, []string{"was interrupted"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := m.files(t)
			var results []Result
			synctest.Test(t, func(t *testing.T) { results = Run(t.Context(), []Check{test.check}, nil) })
			result := results[0]
			if result.Outcome != test.outcome {
				t.Errorf("outcome %q (%s, %+v), want %q", result.Outcome, result.Found, result.Problem, test.outcome)
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
