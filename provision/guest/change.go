package guest

import (
	"bytes"
	"cmp"
	"path"
	"strconv"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Change is one change that root makes in a guest. Each checks its own outcome.
type Change interface{ request() Request }

// SetClock sets the guest's clock by a difference.
type SetClock struct{ By time.Duration }

func (c SetClock) request() Request {
	return Request{Script: embed.Clock, Args: []string{strconv.FormatFloat(c.By.Seconds(), 'f', 3, 64)}}
}

// MakeWritable makes the root file system writable. Its error has ExitNeedsBoot when only a boot can do that.
type MakeWritable struct{}

func (MakeWritable) request() Request { return Request{Script: embed.Writable} }

// FreeSpace deletes downloaded packages and old logs from the root file system, until KiB are free.
type FreeSpace struct{ KiB int }

func (c FreeSpace) request() Request {
	return Request{Script: embed.FreeSpace, Args: []string{strconv.Itoa(c.KiB)}}
}

// RepairSSH makes sshd accept a key of the user's, in the format of authorized_keys.
type RepairSSH struct{ User, Home, Key string }

func (c RepairSSH) request() Request {
	return Request{Script: embed.SSHAccess, Args: []string{c.User, c.Home, c.Key}}
}

// RemoveRosetta keeps the guest from mounting Rosetta at its next boot.
type RemoveRosetta struct{}

func (RemoveRosetta) request() Request { return Request{Script: embed.Rosetta} }

// InstallPackages installs packages of the distribution, which are named as COMMAND=PACKAGE. Its error has ExitNoApt or
// ExitLocked.
type InstallPackages struct{ Names []string }

func (c InstallPackages) request() Request { return Request{Script: embed.Packages, Args: c.Names} }

// AddToGroup makes the socket's group, and the user a member.
type AddToGroup struct{ User string }

func (c AddToGroup) request() Request { return Request{Script: embed.Group, Args: []string{c.User}} }

// MakeDirectories makes the agent's directories, and takes from others than root the right to change those above them
// that are named in Close. It only opens directories above them to all users, if there are any.
type MakeDirectories struct {
	User, Home  string
	Open, Close []string
}

func (c MakeDirectories) request() Request {
	args := []string{c.User, c.Home}
	if len(c.Open) > 0 {
		return Request{Script: embed.Directories, Args: append(append(args, "open"), c.Open...)}
	}
	return Request{Script: embed.Directories, Args: append(append(args, "close"), c.Close...)}
}

// InstallAgent installs an agent that comes over the connection.
type InstallAgent struct {
	SHA256  string
	Content []byte
}

func (c InstallAgent) request() Request {
	return Request{Script: embed.Agent, Args: []string{c.SHA256}, Stdin: bytes.NewReader(c.Content)}
}

// InstallBuilt installs an agent that was built in the guest, and removes what the build left below Home.
type InstallBuilt struct {
	Built Built
	Home  string
}

func (c InstallBuilt) request() Request {
	return Request{Script: embed.Agent, Args: []string{c.Built.SHA256, c.Built.Path, path.Join(c.Home, buildDir)}}
}

// InstallCompanion installs a program beside the agent. Its error has ExitCannotRun when it could not run there.
type InstallCompanion struct {
	Name    string
	SHA256  string
	Content []byte
	Home    string // of the user who built it in the guest; empty where there is Content
}

func (c InstallCompanion) request() Request {
	if c.Home != "" {
		return Request{Script: embed.Companion, Args: []string{c.Name, c.SHA256, path.Join(c.Home, buildDir)}}
	}
	return Request{Script: embed.Companion, Args: []string{c.Name, c.SHA256}, Stdin: bytes.NewReader(c.Content)}
}

// InstallUnits installs and enables both units.
type InstallUnits struct {
	Reload          bool // systemd knows units of ours already, and reads them again
	Service, Socket string
	Runtime         string   // the unit that the service wants; empty for none
	Displace        []string // files that override the units, to be renamed
}

func (c InstallUnits) request() Request {
	return Request{Script: embed.Units, Args: append([]string{yesNo(c.Reload), c.Service, c.Socket, c.Runtime},
		c.Displace...)}
}

// EnableLinger keeps the user's services running after logout.
type EnableLinger struct{ User string }

func (c EnableLinger) request() Request { return Request{Script: embed.Linger, Args: []string{c.User}} }

// Activate restarts socket and service and waits for the agent's answer.
type Activate struct {
	// Old are the older generations whose agent makes room, and is started again if this one does not answer.
	Old      []layout.Layout
	Rollback bool // the agent is new: the one before is restored if it does not answer
	Units    bool // likewise the units, of which those before have the same names
	Reload   bool // as of InstallUnits
	Listens  bool // the socket is as it has to be: only the service is restarted, and no client is refused
	Wait     time.Duration
}

func (c Activate) request() Request {
	seconds := strconv.Itoa(int(c.Wait / time.Second))
	rollback := ""
	if c.Rollback {
		rollback = "agent"
	}
	if c.Units {
		rollback += "units"
	}
	runs := yesNo(c.Reload)
	if c.Listens {
		runs = "listens"
	}
	args := []string{cmp.Or(rollback, "no"), seconds, runs}
	return Request{Script: embed.Activate, Args: append(args, layout.Units(c.Old)...)}
}

// Retire takes the units and agents of older generations out of force, and keeps them under other names.
type Retire struct{ Old []layout.Layout }

func (c Retire) request() Request { return Request{Script: embed.Retire, Args: layout.Units(c.Old)} }

// WriteMarker marks the layout as complete, if all mounts are there.
type WriteMarker struct {
	Version string
	Mounts  []string
}

func (c WriteMarker) request() Request {
	return Request{Script: embed.Marker, Args: append([]string{c.Version}, c.Mounts...)}
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
