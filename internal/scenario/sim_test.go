package scenario

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/sim"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestMain gives all tests one empty home directory, so that they can run side by side.
func TestMain(m *testing.M) {
	if _, err := os.Stat("/dev/shm"); err == nil {
		os.Setenv("TMPDIR", "/dev/shm") // in memory: there are many worlds
	}
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(home)
	os.Setenv("HOME", home)
	m.Run() // the exit code is taken from it
}

func TestOnTheSimulation(t *testing.T) {
	for _, s := range All() {
		if s.NoSimulation {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			if err := Play(newSimulation(t), s); err != nil {
				t.Error(err)
			}
		})
	}
}

// simulation is a World in memory.
type simulation struct {
	*sim.World
	spec   provision.Spec
	agents map[Agent]string
}

func newSimulation(t *testing.T) *simulation {
	t.Helper()
	dir, err := os.MkdirTemp("", "sim") // short: it holds UNIX sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &simulation{agents: map[Agent]string{
		AgentBuiltin: provision.AgentBuiltin, AgentNone: "", AgentGood: program(t, "it answers"), AgentBad: program(t, "it ends"),
	}}
	w.World = sim.New(sim.Options{
		LimaHome: dir, Patience: 20 * time.Millisecond,
		Image: sim.Image{Missing: []string{}}, // like the image of the end-to-end suite
	})
	t.Cleanup(w.Close)
	// Like the end-to-end suite's profile: such mounts end with the ssh connection.
	w.spec = provision.Spec{Project: project(t), LimaHome: dir, StateDir: t.TempDir(), MountType: limatype.REVSSHFS}
	return w
}

// project is a directory whose content is old enough to be compared.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for _, path := range []string{file, dir} {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// program is a file that looks like a program for this machine's processor, and holds words for the simulation.
func program(t *testing.T, words string) string {
	t.Helper()
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
	size := uint64(64 + 56 + len(words))
	header := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Entry: 64 + 56, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	var content bytes.Buffer
	for _, part := range []any{header, elf.Prog64{Type: uint32(elf.PT_LOAD), Filesz: size, Memsz: size}, []byte(words)} {
		if err := binary.Write(&content, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(path, content.Bytes(), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *simulation) setup(options Options, outcome *Outcome) *provision.Setup {
	spec := w.spec
	spec.Agent, spec.CPUs, spec.Netfilter = w.agents[options.Agent], options.CPUs, options.Netfilter
	if options.Replace {
		spec.Replace = provision.DefaultVM
	}
	return &provision.Setup{
		Spec: spec, Events: outcome.Take,
		Edges: func(provision.Spec) provision.Edges {
			return provision.Edges{
				Lima: w.World, Guest: w.Guest, Now: time.Now,
				Checks: func(checks.Target) []checks.Check { return nil },
			}
		},
	}
}

func (w *simulation) Run(options Options) (outcome Outcome) {
	_, _ = w.setup(options, &outcome).Run(context.Background()) // the events tell both
	return outcome
}

func (w *simulation) Status(options Options) (outcome Outcome) {
	_, _ = w.setup(options, &outcome).Status(context.Background()) // the events tell both
	return outcome
}

func (w *simulation) Break(fault Fault) error {
	vm := w.VM(provision.DefaultVM)
	if vm == nil {
		return fmt.Errorf("there is no VM to be damaged")
	}
	switch {
	case fault.Simulated != nil:
		fault.Simulated(vm)
		return nil
	case fault.Guest != "":
		return vm.Root(fault.Guest)
	}
	return w.breakHost(fault.Host, vm)
}

func (w *simulation) Keep() error {
	w.VM(provision.DefaultVM).Keep()
	return nil
}

func (w *simulation) Kept() (files, process bool) {
	vm := w.VM(provision.DefaultVM)
	if vm == nil {
		return false, false
	}
	return vm.Kept()
}

// rewrite changes a file of the VM's, and remembers what it was under another name.
func rewrite(path string, change func(text string) string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".before", text, 0o600); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(change(string(text))), 0o600)
}

func (w *simulation) breakHost(fault HostFault, vm *sim.VM) error {
	limaYAML, disk := filepath.Join(w.spec.LimaHome, provision.DefaultVM, "lima.yaml"), filepath.Join(w.spec.LimaHome, provision.DefaultVM, "disk")
	ctx, client, name := context.Background(), lima.Client{Runner: w.World}, provision.DefaultVM
	switch fault {
	case VMStopped:
		return client.Stop(ctx, name, false, nil)
	case VMKilled:
		return client.Stop(ctx, name, true, nil)
	case VMDeleted:
		return client.Delete(ctx, name, nil)
	case HostAgentKilled:
		vm.KillHostAgent()
	case ConnectionEnded:
		vm.EndSharedConnection()
	case VMProcessKilled:
		vm.KillDriver()
	case VMProcessStopped:
		vm.Freeze()
	case SessionWithoutGroup:
		return vm.LoseGroupInSession()
	case ConfigEdited:
		return rewrite(limaYAML, WithoutForwards)
	case ConfigGarbled:
		return rewrite(limaYAML, func(string) string { return "{ this is\nno: YAML: at all\n" })
	case ConfigMended:
		return os.Rename(limaYAML+".before", limaYAML)
	case DiskTaken:
		if err := client.Stop(ctx, name, false, nil); err != nil {
			return err
		}
		return os.Rename(disk, disk+".before")
	case DiskPutBack:
		return os.Rename(disk+".before", disk)
	case HostSocketClosed:
		vm.CloseForwards()
	case ConfigStripped:
		return client.Edit(ctx, name, []lima.Setting{
			{Path: ".portForwards", Value: []limatype.PortForward{}}, {Path: ".provision", Value: []limatype.Provision{}},
		}, nil)
	case VMMadeByHand:
		if err := client.Delete(ctx, name, nil); err != nil {
			return err
		}
		if err := client.Create(ctx, name, []byte("images:\n- location: /image\n"), nil); err != nil {
			return err
		}
		return client.Start(ctx, name, nil)
	default:
		return fmt.Errorf("the fault %q is not known", fault)
	}
	return nil
}
