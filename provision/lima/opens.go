package lima

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// Opens describes what a VM that is made of a profile opens on the host, beyond what every world has (the home
// directory read-only unless it is left out, the project writable, the agent's socket), in words for a person. Beside
// what gives the guest access, that is what lets the profile run or read something on the host, and what is taken from
// places that others can change.
func (w Wanted) Opens(text []byte) ([]string, error) {
	text, err := w.Edit(text, "") // some of it is replaced by what a world has
	if err != nil {
		return nil, err
	}
	profile, err := ParseProfile(text)
	if err != nil {
		return nil, err
	}
	o := opening{
		home: real(w.Home), noHome: w.NoHome, project: real(w.Project),
		path: func(text string) string { return w.expandPath(text, profile, "") },
	}
	o.mounts(profile.Mounts)
	o.forwards(profile.PortForwards)
	o.files(profile)
	o.ssh(profile.SSH)
	o.networks(profile.Networks)
	o.images(profile)
	o.devices(profile)
	o.scripts(profile)
	if unknown := unknownKeys(text); len(unknown) > 0 {
		o.add("it has settings that this worldsetup does not know: %s", strings.Join(unknown, ", "))
	}
	return o.list, nil
}

// opening collects what is opened, each once.
type opening struct {
	home, project string              // without links
	noHome        bool                // it is not mounted
	path          func(string) string // expands one as Lima does
	list          []string
}

func (o *opening) add(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(o.list, line) {
		o.list = append(o.list, line)
	}
}

// addIf adds a text if a switch is on.
func (o *opening) addIf(on *bool, text string) {
	if on != nil && *on {
		o.add("%s", text)
	}
}

// real returns a path without links; as it is where there is nothing.
func real(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return filepath.Clean(path)
}

// below reports whether path is in directory, or is it.
func below(path, directory string) bool {
	rest, err := filepath.Rel(directory, path)
	return err == nil && filepath.IsLocal(rest)
}

// covers reports whether a mounted path shows something of directory.
func covers(path, directory string) bool { return below(path, directory) || below(directory, path) }

func (o *opening) mounts(mounts []limatype.Mount) {
	for _, mount := range mounts {
		name := o.path(mount.Location)
		path := real(name)
		if path != name {
			name += ", which is " + path
		}
		if point := o.path(mountPoint(mount)); point != o.path(mount.Location) {
			name += " (there " + point + ")"
		}
		if mount.SSHFS.FollowSymlinks != nil && *mount.SSHFS.FollowSymlinks {
			o.add("links in %s are followed on this machine, wherever they lead", name)
		}
		keys := covers(path, filepath.Join(o.home, ".ssh"))
		switch {
		case mount.Writable != nil && *mount.Writable && !below(path, o.project):
			o.add("programs in the VM can write to %s%s", name, o.whatIsIn(path))
		case keys && path != o.home:
			o.add("programs in the VM can read %s, with ssh's keys", name)
		case below(path, o.project):
		case !below(path, o.home):
			o.add("programs in the VM can read %s, which is outside of your home directory", name)
		case o.noHome:
			o.add("programs in the VM can read %s, which is in your home directory", name)
		}
	}
}

// whatIsIn describes what is in a directory that someone may not think of.
func (o *opening) whatIsIn(path string) string {
	switch {
	case below(o.home, path):
		return ": all of your home directory, with ~/.ssh and what your shell runs"
	case covers(path, filepath.Join(o.home, ".ssh")):
		return ": ssh's keys, and who may log in to this machine"
	case below(o.project, path):
		return ": it contains the project"
	}
	return ""
}

func (o *opening) forwards(rules []limatype.PortForward) {
	for _, rule := range rules {
		what := guestEnd(rule)
		switch {
		case rule.Ignore, rule.GuestSocket == GuestSocket && !rule.Reverse && isHostSocket(rule.HostSocket, ""):
		case rule.Reverse:
			o.add("programs in the VM can use the socket %s of this machine, as %s", o.path(rule.HostSocket),
				rule.GuestSocket)
		case rule.HostSocket != "":
			o.add("%s of the VM is served at the socket %s of this machine", what, o.path(rule.HostSocket))
		case rule.HostIP != nil && rule.HostIP.IsUnspecified():
			o.add("%s of the VM can be reached from other machines, at every address of this one", what)
		case rule.HostIP != nil && !rule.HostIP.IsLoopback():
			o.add("%s of the VM can be reached from other machines, at the address %s of this one", what, rule.HostIP)
		}
	}
}

func guestEnd(rule limatype.PortForward) string {
	switch {
	case rule.GuestSocket != "":
		return "the socket " + rule.GuestSocket
	case rule.GuestPort != 0:
		return fmt.Sprintf("port %d", rule.GuestPort)
	case rule.GuestPortRange == [2]int{}, rule.GuestPortRange[0] <= 1 && rule.GuestPortRange[1] == 65535:
		return "every port"
	}
	return fmt.Sprintf("ports %d to %d", rule.GuestPortRange[0], rule.GuestPortRange[1])
}

func (o *opening) files(profile *limatype.LimaYAML) {
	for _, file := range profile.CopyToHost {
		deleted := ""
		if file.DeleteOnStop {
			deleted = ", which is deleted when the VM stops"
		}
		o.add("%s is copied out of the VM to %s on this machine%s", file.GuestFile, o.path(file.HostFile), deleted)
	}
	for _, file := range profile.CACertificates.Files {
		o.add("the VM gets the file %s of this machine, as a certificate", o.path(file))
	}
	for _, disk := range profile.AdditionalDisks {
		format := ""
		if disk.Format == nil || *disk.Format {
			format = ", and formats it if it is empty"
		}
		o.add("the VM gets the disk %s of Lima%s", disk.Name, format)
	}
}

func (o *opening) ssh(ssh limatype.SSH) {
	o.addIf(ssh.LoadDotSSHPubKeys, "anyone who has the key to one of ~/.ssh/*.pub can log in to the VM")
	o.addIf(ssh.ForwardAgent, "programs in the VM can use the keys of your ssh agent")
	o.addIf(ssh.ForwardX11, "programs in the VM can use your display")
	o.addIf(ssh.ForwardX11Trusted, "programs in the VM can watch your display and keyboard")
}

func (o *opening) networks(networks []limatype.Network) {
	for _, network := range networks {
		switch {
		case network.Lima != "":
			o.add("the VM is in Lima's network %q, where others may reach it", network.Lima)
		case network.Socket != "":
			o.add("the VM is in the network of the socket %s of this machine", o.path(network.Socket))
		case network.VZNAT != nil && *network.VZNAT:
			o.add("the VM gets an address of its own, at which this machine and its other VMs reach it")
		}
	}
}

func (o *opening) images(profile *limatype.LimaYAML) {
	for _, image := range profile.Images {
		o.download("image", image.File)
		if image.Kernel != nil {
			o.download("kernel", image.Kernel.File)
		}
		if image.Initrd != nil {
			o.download("initrd", *image.Initrd)
		}
	}
	for _, firmware := range profile.Firmware.Images {
		o.download("firmware", firmware.File)
	}
	for _, archive := range profile.Containerd.Archives {
		o.download("containerd", archive)
	}
}

// download adds a file that is loaded without a check, or from this machine.
func (o *opening) download(what string, file limatype.File) {
	from, err := url.Parse(file.Location)
	switch {
	case err != nil || len(from.Scheme) < 2 || from.Scheme == "file":
		o.add("the %s is the file %s of this machine", what, o.path(strings.TrimPrefix(file.Location, "file://")))
	case file.Digest != "":
	case from.Scheme == "https":
		o.add("the %s %s has no digest: those who control the server decide what it is", what, file.Location)
	default:
		o.add("the %s %s has no digest and no encryption: anyone on the way decides what it is", what, file.Location)
	}
}

// devices adds what QEMU and other drivers are given of this machine. Of the display and the sound, QEMU takes any text
// with options, as in a file to write the sound to.
func (o *opening) devices(profile *limatype.LimaYAML) {
	if driver := deref(profile.VMType); driver != "" && driver != "default" &&
		!slices.Contains([]string{limatype.QEMU, limatype.VZ}, driver) {
		o.add("the VM is run by the driver %q", driver)
	}
	if sound := deref(profile.Audio.Device); sound != "" && sound != "none" {
		o.add("the VM has sound: %q", sound)
	}
	display, vnc := deref(profile.Video.Display), deref(profile.Video.VNC.Display)
	if !slices.Contains([]string{"", "none", "default"}, display) {
		o.add("the VM has a display: %q", display)
	}
	if host, _, _ := strings.Cut(vnc, ":"); vnc != "" && !net.ParseIP(host).IsLoopback() && host != "localhost" {
		o.add("the display can be reached over the network, by VNC: %q", vnc)
	}
}

// scripts adds what runs on this machine, and what is read from elsewhere each time that a VM is made. Lima's own
// templates came with it, and parts on this machine are read together with the profile.
func (o *opening) scripts(profile *limatype.LimaYAML) {
	for _, script := range profile.Provision {
		if script.Mode == limatype.ProvisionModeAnsible {
			o.add("ansible-playbook runs %s ON THIS MACHINE, and can run anything there",
				cmp.Or(script.Playbook, "a playbook"))
		}
	}
	for _, locator := range append(Bases(profile), Files(profile)...) {
		from, err := url.Parse(locator)
		if err == nil && len(from.Scheme) > 1 && from.Scheme != "file" && from.Scheme != "template" {
			o.add("a part of it is at %s: those who control that decide what it is", locator)
		}
	}
}

// Bases returns the places of the profiles that a profile is based on.
func Bases(profile *limatype.LimaYAML) (locators []string) {
	for _, base := range profile.Base {
		locators = append(locators, base.URL)
	}
	return slices.DeleteFunc(locators, func(locator string) bool { return locator == "" })
}

// Files returns the places of the files with the scripts of a profile.
func Files(profile *limatype.LimaYAML) (locators []string) {
	for _, script := range profile.Provision {
		if script.File != nil {
			locators = append(locators, script.File.URL)
		}
	}
	for _, probe := range profile.Probes {
		if probe.File != nil {
			locators = append(locators, probe.File.URL)
		}
	}
	return slices.DeleteFunc(locators, func(locator string) bool { return locator == "" })
}

// unknownKeys returns those at the top of a profile that Lima's types don't have.
func unknownKeys(text []byte) []string {
	known := map[string]bool{}
	for field := range reflect.TypeFor[limatype.LimaYAML]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		known[name] = true
	}
	unknown := map[string]bool{}
	for _, key := range Keys(text) {
		if !known[key] {
			unknown[key] = true
		}
	}
	return slices.Sorted(maps.Keys(unknown))
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
