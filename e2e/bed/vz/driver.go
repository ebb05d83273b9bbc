//go:build linux

// Package vz stands in for Lima's driver of the same name, which needs a Mac, in a limactl for Linux: the test bed
// compiles that limactl from Lima's own source, with this driver in the place of Lima's. Everything else is Lima's.
//
// What it says, and in which order, follows Lima v2.2.0, pkg/driver/vz; the lines are named. Under it the test bed's
// container runs. What is not shown: mounts by virtiofs, which come before ssh (they are mounted over ssh, and the
// configuration and `limactl list` say virtiofs), and vsock.
package vz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lima-vm/go-qcow2reader/image/raw"
	"github.com/sirupsen/logrus"

	"github.com/lima-vm/lima/v2/pkg/driver"
	"github.com/lima-vm/lima/v2/pkg/driver/qemu"
	"github.com/lima-vm/lima/v2/pkg/driverutil"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
	"github.com/lima-vm/lima/v2/pkg/limayaml"
	"github.com/lima-vm/lima/v2/pkg/ptr"
	"github.com/lima-vm/lima/v2/pkg/registry"
)

// The environment variables by which a test sets the Mac.
const (
	programVariable = "ASMAC_VM"        // the test bed's stand-in for QEMU, which runs the container
	stopVariable    = "ASMAC_STOP"      // a duration: how long a shutdown may take
	rosettaVariable = "ASMAC_ROSETTA"   // set when Rosetta is installed
	neverVariable   = "ASMAC_NEVER_SSH" // a file: while it is there, a VM that starts never answers
	lateVariable    = "ASMAC_LATE"      // a duration: how long a host agent takes to begin
	silentVariable  = "ASMAC_SILENT"    // set when Lima's guest agent can't be reached
)

func init() {
	registry.Register(context.Background(), &vz{LimaQemuDriver: qemu.New()})
	if late, err := time.ParseDuration(os.Getenv(lateVariable)); err == nil && isHostAgent() {
		time.Sleep(late) // before it writes its number, for which limactl waits: pkg/instance/start.go
	}
}

func isHostAgent() bool { return slices.Contains(os.Args, "hostagent") }

// vz is the driver. Of QEMU's it has what does nothing, such as Delete.
type vz struct {
	*qemu.LimaQemuDriver
	instance *limatype.Instance
	port     int
	rosetta  limatype.Rosetta

	vm       *exec.Cmd
	ended    chan struct{} // closed when the VM has ended
	answered chan struct{} // closed when the guest's ssh server can be reached
}

// Info is as in vz_driver_darwin.go:551. The guest agent is reached over ssh, since a container has no vsock.
func (d *vz) Info(context.Context) driver.Info {
	info := driver.Info{Name: limatype.VZ}
	if d.instance != nil {
		info.InstanceDir = d.instance.Dir
	}
	return info
}

func (d *vz) ForwardGuestAgent(context.Context) bool { return true }

// GuestAgentConn is over the socket that is forwarded, unless a test has that silent.
func (d *vz) GuestAgentConn(ctx context.Context) (net.Conn, string, error) {
	if os.Getenv(silentVariable) != "" {
		return nil, "", errors.New("the guest agent does not answer")
	}
	return d.LimaQemuDriver.GuestAgentConn(ctx)
}

// BootScripts are none: Lima's mount Rosetta (boot.Linux/05-rosetta-volume.sh), which a container can't.
func (d *vz) BootScripts(context.Context) (map[string][]byte, error) { return nil, nil }

// Configure fills in what vz_driver_darwin.go:163 does, and refuses what it refuses.
func (d *vz) Configure(_ context.Context, instance *limatype.Instance) (*driver.ConfiguredDriver, error) {
	config := instance.Config
	if config.VMType == nil {
		config.VMType = ptr.Of(limatype.VZ)
	}
	if config.MountType == nil {
		config.MountType = ptr.Of(limatype.VIRTIOFS)
	}
	if config.SSH.OverVsock == nil {
		config.SSH.OverVsock = ptr.Of(*config.OS == limatype.LINUX)
	}
	var options limatype.VZOpts
	if err := limayaml.Convert(config.VMOpts[limatype.VZ], &options, "vmOpts.vz"); err != nil {
		return nil, err
	}
	if options.Rosetta.Enabled == nil && options.Rosetta.BinFmt == nil {
		options.Rosetta = config.Rosetta // deprecated: where profiles for Lima 2.0 have it
	}
	if options.Rosetta.Enabled == nil {
		options.Rosetta.Enabled = ptr.Of(false)
	}
	if options.Rosetta.BinFmt == nil {
		options.Rosetta.BinFmt = ptr.Of(false)
	}
	if options.DiskImageFormat == nil {
		options.DiskImageFormat = ptr.Of(raw.Type)
	}
	var filled any
	if err := limayaml.Convert(options, &filled, ""); err != nil {
		return nil, err
	}
	if config.VMOpts == nil {
		config.VMOpts = limatype.VMOpts{}
	}
	config.VMOpts[limatype.VZ] = filled
	if err := validate(config); err != nil {
		return nil, err
	}
	d.Instance = instance // for GuestAgentConn
	d.instance, d.port, d.rosetta = instance, instance.SSHLocalPort, options.Rosetta
	if isHostAgent() {
		config.MountType = ptr.Of(limatype.REVSSHFS) // in memory only: lima.yaml and `limactl list` keep virtiofs
	}
	return &driver.ConfiguredDriver{Driver: d}, nil
}

func (d *vz) Validate(context.Context) error { return validate(d.instance.Config) }

// validate refuses as vz_driver_darwin.go:277 and :301 do.
func validate(config *limatype.LimaYAML) error {
	if config.MountType != nil && *config.MountType == limatype.NINEP {
		return fmt.Errorf("field `mountType` must be %#q or %#q for VZ driver , got %#q", limatype.REVSSHFS,
			limatype.VIRTIOFS, *config.MountType)
	}
	if !limatype.IsNativeArch(*config.Arch) {
		return fmt.Errorf("unsupported arch: %#q", *config.Arch)
	}
	return nil
}

// Create makes the VM's identity, vz_driver_darwin.go:362.
func (d *vz) Create(context.Context) error {
	return os.WriteFile(filepath.Join(d.instance.Dir, filenames.VzIdentifier), []byte("identifier\n"), 0o644)
}

func (d *vz) CreateDisk(ctx context.Context) error {
	return driverutil.EnsureDisk(ctx, d.instance.Dir, *d.instance.Config.Disk, raw.Type)
}

// Start starts the VM. Like vz's it ends with this process, which is the host agent: on a Mac, that is the VM.
func (d *vz) Start(ctx context.Context) (chan error, error) {
	dir := d.instance.Dir
	logrus.Infof("Starting VZ (hint: to watch the boot progress, see %#q)", filepath.Join(dir, "serial*.log")) // :457
	if *d.rosetta.Enabled && os.Getenv(rosettaVariable) == "" {
		// rosetta_directory_share_arm64.go:28: a dialog, which no one answers.
		logrus.Info("Installing rosetta...")
		logrus.Info("Hint: try `softwareupdate --install-rosetta` if Lima gets stuck here")
		<-ctx.Done()
		return nil, ctx.Err()
	}
	// vm_darwin.go, attachSerialPort: the only log of a console, which Ubuntu's image does not write to.
	console := filepath.Join(dir, filenames.SerialVirtioLog)
	if err := os.WriteFile(console, nil, 0o644); err != nil {
		return nil, err
	}
	kernel, _ := os.ReadFile(filepath.Join(dir, filenames.KernelCmdline))
	d.vm = exec.Command(os.Getenv(programVariable),
		"-drive", "id=boot-disk,file="+filepath.Join(dir, filenames.Disk),
		"-drive", "id=cdrom0,file="+filepath.Join(dir, filenames.CIDataISO),
		"-netdev", fmt.Sprintf("user,id=net0,hostfwd=tcp:127.0.0.1:%d-:22", d.port),
		"-chardev", "socket,id=char-qmp,path="+filepath.Join(dir, filenames.QMPSock),
		"-chardev", "socket,id=char-serial,path="+filepath.Join(dir, filenames.SerialVirtioSock)+",logfile=/dev/null",
		"-pidfile", filepath.Join(dir, filenames.PIDFile(limatype.QEMU)), "-append", strings.TrimSpace(string(kernel)))
	d.vm.Stderr = os.Stderr
	d.vm.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	d.ended, d.answered = make(chan struct{}), make(chan struct{})
	failed, started := make(chan error, 1), make(chan error)
	go func() {
		runtime.LockOSThread() // the VM is killed when the thread that started it ends
		started <- d.vm.Start()
		_ = d.vm.Wait()
		close(d.ended)
		logrus.Info("[VZ] - vm state change: stopped") // vm_darwin.go:160
		failed <- errors.New("vz driver state stopped")
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	pid := filepath.Join(dir, filenames.PIDFile(limatype.VZ))
	if err := os.WriteFile(pid, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, err
	}
	logrus.Info("[VZ] - vm state change: running") // vm_darwin.go:105
	go d.waitForSSH()
	return failed, nil
}

// waitForSSH closes answered as soon as the guest's ssh server answers: vm_darwin.go:107 to :151.
func (d *vz) waitForSSH() {
	for {
		if _, err := os.Stat(os.Getenv(neverVariable)); err != nil && d.sshAnswers() {
			break
		}
		select {
		case <-d.ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	logrus.Info("SSH server does not seem to be running on vsock port, using usernet forwarder") // :140
	close(d.answered)
}

func (d *vz) sshAnswers() bool {
	server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.port))
	if err != nil {
		return false
	}
	defer server.Close()
	_ = server.SetReadDeadline(time.Now().Add(10 * time.Second))
	greeting := make([]byte, 4)
	n, _ := server.Read(greeting)
	return string(greeting[:n]) == "SSH-"
}

// AdditionalSetupForSSH is what the host agent waits for before its first event: vz_driver_darwin.go:625.
func (d *vz) AdditionalSetupForSSH(ctx context.Context) error {
	select {
	case <-d.answered:
	case <-d.ended:
	case <-ctx.Done():
	}
	return nil
}

// Stop asks the guest to shut down and waits for 30 s, vz_driver_darwin.go:503. Then the host agent ends, and the VM
// with it.
func (d *vz) Stop(context.Context) error {
	logrus.Info("Shutting down VZ") // :504
	if err := d.pressPowerButton(); err != nil {
		return err
	}
	limit, err := time.ParseDuration(os.Getenv(stopVariable))
	if err != nil {
		limit = 30 * time.Second // :522
	}
	select {
	case <-d.ended:
		return nil
	case <-time.After(limit):
		return errors.New("vz timeout while waiting for stop status") // :527
	}
}

func (d *vz) pressPowerButton() error {
	monitor, err := net.Dial("unix", filepath.Join(d.instance.Dir, filenames.QMPSock))
	if err != nil {
		return err
	}
	defer monitor.Close()
	answers := json.NewDecoder(monitor)
	for _, command := range []string{"qmp_capabilities", "system_powerdown"} {
		var answer map[string]any
		if err := answers.Decode(&answer); err != nil { // the greeting, or the answer to the command before
			return err
		}
		if _, err := fmt.Fprintf(monitor, `{"execute":%q}`, command); err != nil {
			return err
		}
	}
	var answer map[string]any
	return answers.Decode(&answer)
}

// The rest of what QEMU's driver would do, vz_driver_darwin.go:542 to :620, refuses.
var errUnimplemented = errors.New("unimplemented")

func (d *vz) CreateSnapshot(context.Context, string) error             { return errUnimplemented }
func (d *vz) ApplySnapshot(context.Context, string) error              { return errUnimplemented }
func (d *vz) DeleteSnapshot(context.Context, string) error             { return errUnimplemented }
func (d *vz) ListSnapshots(context.Context) (string, error)            { return "", errUnimplemented }
func (d *vz) InspectStatus(context.Context, *limatype.Instance) string { return "" }
