package fake

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Options configure a World. Only LimaHome is required.
type Options struct {
	// LimaHome is an existing directory that stands for Lima's home. Its path should be short: it holds UNIX sockets.
	LimaHome string
	// Version is Lima's; empty means 2.1.4.
	Version string
	// Missing are the commands that the agent needs and a new guest lacks; nil means those that Ubuntu's image lacks.
	Missing []string
	// Patience is how long something that hangs is waited for before the fake ends it; 0 means for ever.
	Patience time.Duration
}

// World is a Lima with its VMs.
type World struct {
	// Faults are what limactl does wrong from now on.
	Faults Faults
	// Before is called before each call of limactl, and BeforeGuest before each call of a guest's client, with the name
	// of what it does; what they return is what the call returns, when it is not nil.
	Before      func(args []string) error
	BeforeGuest func(name string) error
	// Delay is called wherever the real thing takes its time, with the name of a limactl verb, of what is done in a
	// guest, or a line of a starting VM's log. A demonstration sleeps in it.
	Delay func(what string)

	options Options

	mu     sync.Mutex // guards everything below, and the VMs with their guests
	vms    map[string]*VM
	calls  []Call
	number int // of the last VM
}

// New returns a World without VMs.
func New(options Options) *World {
	options.Version = cmp.Or(options.Version, "2.1.4")
	if options.Missing == nil {
		options.Missing = []string{"conntrack", "dnsmasq", "fuse-overlayfs", "jq"}
	}
	return &World{options: options, vms: map[string]*VM{}}
}

// Close takes all VMs' power away and closes their sockets on the host. Lima's home stays as it is.
func (w *World) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, vm := range w.vms {
		vm.powerOff()
	}
}

// VM returns the VM called name; nil when there is none.
func (w *World) VM(name string) *VM {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.locate()
	return w.vms[name]
}

// VMDir is the directory that the VM called name has, or would have.
func (w *World) VMDir(name string) string { return filepath.Join(w.options.LimaHome, name) }

// Guest returns the way into the guest of instance, with the names of a layout.
func (w *World) Guest(instance *limatype.Instance, of layout.Layout) guest.Client {
	return client{world: w, name: instance.Name, layout: of}
}

func (w *World) delay(what string) {
	if w.Delay != nil {
		w.Delay(what)
	}
}

// directories are the names of what Lima takes for instances, sorted.
func (w *World) directories() (names []string) {
	entries, _ := os.ReadDir(w.options.LimaHome) // without a home there are none
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(entry.Name(), "_") {
			names = append(names, entry.Name())
		}
	}
	return names
}

// locate finds where the VMs are by now. To Lima an instance is a directory in its home, and the guest is what is on
// the disk in it: so a VM goes where its disk is moved. The world must be locked.
func (w *World) locate() {
	was, byDisk, diskless := w.vms, map[string]*VM{}, []string(nil)
	w.vms = map[string]*VM{}
	for _, vm := range was {
		byDisk[vm.disk()] = vm
	}
	for _, name := range w.directories() {
		content, _ := os.ReadFile(filepath.Join(w.VMDir(name), "disk")) // there need be none
		if vm := byDisk[string(content)]; vm != nil {
			if w.vms[name] = vm; vm.name != name { // it is read without the lock while nothing is renamed
				vm.name = name
			}
		} else {
			diskless = append(diskless, name)
		}
	}
	for _, name := range diskless {
		if vm := was[name]; vm != nil && w.vms[vm.name] != vm {
			w.vms[name] = vm
		} else if _, err := os.Stat(filepath.Join(w.VMDir(name), "lima.yaml")); err == nil {
			w.newVM(name)
		}
	}
}
