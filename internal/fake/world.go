package fake

import (
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Options say what a World is like. Only LimaHome is required.
type Options struct {
	// LimaHome is an existing directory that stands for Lima's home. Its path should be short: it holds UNIX sockets.
	LimaHome string
	// Version is Lima's; empty means 2.1.4.
	Version string
	// User is the name that Lima gives the guest's user; empty means sam, which should be no one's name on the host.
	User string
	// Image is what new guests are made from; the zero value is a fresh Ubuntu cloud image.
	Image Image
	// Program says what an agent's file does when it is run; nil means [DefaultProgram].
	Program func(content []byte) Program
	// Patience is how long something that hangs is waited for before the fake ends it; 0 means for ever.
	Patience time.Duration
	// Now is the host's clock; nil means time.Now.
	Now func() time.Time
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
	number int // of the last process or port handed out
}

// New returns a World without VMs.
func New(options Options) *World {
	if options.Version == "" {
		options.Version = "2.1.4"
	}
	if options.User == "" {
		options.User = "sam"
	}
	if options.Program == nil {
		options.Program = DefaultProgram
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Image.Missing == nil {
		options.Image.Missing = []string{"conntrack", "dnsmasq", "fuse-overlayfs", "jq"}
	}
	return &World{options: options, vms: map[string]*VM{}, number: 40000}
}

// Close takes all VMs' power away and closes their sockets on the host. Lima's home stays as it is.
func (w *World) Close() {
	for _, vm := range w.all() {
		vm.powerOff()
	}
}

// VM returns the VM called name; nil when there is none.
func (w *World) VM(name string) *VM {
	w.settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.vms[name]
}

// Guest returns the way into the guest of instance.
func (w *World) Guest(instance *limatype.Instance) guest.Client {
	return client{world: w, name: instance.Name}
}

func (w *World) all() (vms []*VM) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, vm := range w.vms {
		vms = append(vms, vm)
	}
	return vms
}

// next hands out a number that was not handed out before.
func (w *World) next() int {
	w.number++
	return w.number
}

func (w *World) delay(what string) {
	if w.Delay != nil {
		w.Delay(what)
	}
}
