package fake

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/template"

	"github.com/goccy/go-yaml"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// parse reads a profile as Lima does: an unknown field is a warning, a value of a wrong type an error.
func parse(path string, text []byte) (config *limatype.LimaYAML, warning string, err error) {
	config, strict := lima.ParseProfile(text)
	if strict == nil {
		return config, "", nil
	}
	config = &limatype.LimaYAML{}
	if err := yaml.Unmarshal(text, config); err != nil {
		return nil, "", fatalf("failed to unmarshal YAML (main file `%s`): %v", path, err)
	}
	return config, "Non-strict YAML detected; please check for typos: " + strict.Error(), nil
}

// fill gives config the values that Lima fills in, as far as anybody here looks at them. dir is the instance's
// directory.
func (w *World) fill(config *limatype.LimaYAML, dir string) {
	user, uid := w.options.User, uint32(1000)
	preset(&config.OS, limatype.LINUX)
	preset(&config.Arch, limatype.NewArch(runtime.GOARCH))
	preset(&config.VMType, limatype.QEMU)
	preset(&config.CPUs, min(4, runtime.NumCPU()))
	preset(&config.Memory, "4GiB")
	preset(&config.Disk, "100GiB")
	preset(&config.Plain, false)
	preset(&config.TimeZone, "Etc/UTC")
	preset(&config.SSH.LocalPort, 0)
	preset(&config.User.Name, user)
	preset(&config.User.Home, "/home/"+*config.User.Name+".guest")
	preset(&config.User.UID, uid)
	preset(&config.User.Shell, "/bin/bash")
	preset(&config.User.Comment, "")
	preset(&config.MountType, defaultMountType(*config.VMType))
	for i := range config.Images {
		fillImage(&config.Images[i], *config.Arch)
	}
	fields := hostFields(dir)
	for i := range config.Mounts {
		mount := &config.Mounts[i]
		mount.Location = filepath.Clean(expand(mount.Location, fields))
		preset(&mount.MountPoint, mount.Location)
		*mount.MountPoint = expand(*mount.MountPoint, guestFields(dir, config.User))
		preset(&mount.Writable, false)
	}
	for i := range config.PortForwards {
		fillForward(&config.PortForwards[i], dir, config.User)
	}
	for i := range config.Provision {
		provision := &config.Provision[i]
		if provision.Mode == "" {
			provision.Mode = limatype.ProvisionModeSystem
		}
		if provision.Script != nil {
			*provision.Script = expand(*provision.Script, guestFields(dir, config.User))
		}
	}
}

func fillImage(image *limatype.Image, arch string) {
	if image.Arch == "" {
		image.Arch = arch
	}
	if image.Kernel != nil && image.Kernel.Arch == "" {
		image.Kernel.Arch = image.Arch
	}
	if image.Initrd != nil && image.Initrd.Arch == "" {
		image.Initrd.Arch = image.Arch
	}
}

func fillForward(rule *limatype.PortForward, dir string, user limatype.User) {
	loopback := net.IPv4(127, 0, 0, 1)
	if rule.Proto == "" {
		rule.Proto = limatype.ProtoAny
	}
	if rule.GuestIP == nil {
		rule.GuestIP = loopback
		if rule.GuestIPMustBeZero != nil && *rule.GuestIPMustBeZero {
			rule.GuestIP = net.IPv4zero
		}
	}
	preset(&rule.GuestIPMustBeZero, rule.GuestIP.Equal(net.IPv4zero))
	if rule.HostIP == nil {
		rule.HostIP = loopback
	}
	if rule.GuestPortRange == [2]int{} {
		rule.GuestPortRange = [2]int{1, 65535}
		if rule.GuestPort != 0 {
			rule.GuestPortRange = [2]int{rule.GuestPort, rule.GuestPort}
		}
	}
	rule.GuestSocket = expand(rule.GuestSocket, guestFields(dir, user))
	if rule.HostSocket == "" {
		if rule.HostPortRange == [2]int{} {
			rule.HostPortRange = rule.GuestPortRange
		}
		return
	}
	rule.HostSocket = expand(rule.HostSocket, hostFields(dir))
	if !filepath.IsAbs(rule.HostSocket) {
		rule.HostSocket = filepath.Join(dir, "sock", rule.HostSocket)
	}
}

func preset[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

func defaultMountType(vmType string) string {
	if vmType == limatype.VZ {
		return limatype.VIRTIOFS
	}
	return limatype.NINEP
}

func hostFields(dir string) map[string]string {
	home, _ := os.UserHomeDir() // empty in a template, as any unknown
	return map[string]string{"Dir": dir, "Name": filepath.Base(dir), "Home": home, "UID": strconv.Itoa(os.Getuid())}
}

func guestFields(dir string, user limatype.User) map[string]string {
	name := filepath.Base(dir)
	return map[string]string{
		"Name": name, "Hostname": hostname(name), "User": *user.Name, "Home": *user.Home, "UID": fmt.Sprint(*user.UID),
	}
}

// expand executes text as a template. Lima leaves a text that is none as it is.
func expand(text string, fields map[string]string) string {
	parsed, err := template.New("").Parse(text)
	if err != nil {
		return text
	}
	var out strings.Builder
	if parsed.Execute(&out, fields) != nil {
		return text
	}
	return out.String()
}

// hostname is what Lima calls an instance's host.
func hostname(instance string) string {
	return "lima-" + strings.NewReplacer(".", "-", "_", "-").Replace(instance)
}
