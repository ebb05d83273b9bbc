package provision

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/hostsocket"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
)

// Reach is someone who can reach the agent's socket in the guest. Root is left out.
type Reach struct {
	Who      string `json:"who"`      // a user's name, or words for several
	How      string `json:"how"`      // what lets them in
	Expected bool   `json:"expected"` // the user of the VM
	// Next is the command that takes it back; empty when a run does that.
	Next string `json:"next,omitempty"`
}

// Unrepaired is something wrong that no run changes, with what to do about it.
type Unrepaired struct {
	Item string `json:"item"` // the id of its line of the report
	Why  string `json:"why"`
	Next string `json:"next"`
}

// unrepaired returns what is wrong and not for a run to change.
func unrepaired(s State) (all []Unrepaired) {
	o, vm := s.Guest, s.Instance.Name
	for _, one := range faults.Reachable(o, vm) {
		if one.Next != "" {
			all = append(all, Unrepaired{"group", one.Who + " can reach the socket: " + one.How, one.Next})
		}
	}
	if why := faults.GroupTwice(o); why != "" {
		all = append(all, Unrepaired{"group", why, "delete the wrong line of it: " + guest.RootCommand(vm, "vigr")})
	}
	for i, problem := range s.Mounts {
		if problem == mounts.Refused {
			all = append(all, Unrepaired{[]string{"mount-home", "mount-project"}[i], problem, "allow it: " + mounts.GrantFiles +
				"; then, in that terminal: worldsetup stop && worldsetup start"})
		}
	}
	if why, next := faults.Pinned(o, vm); why != "" {
		all = append(all, Unrepaired{itemNames, why, next})
	}
	for _, path := range []string{guest.StatePath, o.Layout.Agent()} {
		target, way := o.WayTo(path)
		if path == guest.StatePath && way.ReadOnly {
			all = append(all, Unrepaired{"directories", target + " is mounted read-only", faults.Remount(vm, target, way)})
		}
		if path == o.Layout.Agent() && way.NoExec {
			all = append(all, Unrepaired{
				"agent", fmt.Sprintf("%s is mounted with noexec: nothing below it can be run", target),
				guest.RootCommand(vm, "mount -o remount,bind,exec", target),
			})
		}
	}
	return all
}

// hostSocketFault describes what is wrong with the forwarded socket, which is something.
func hostSocketFault(s State) string { return cmp.Or(s.HostSocketOwner, "accepts no connection") }

// openingReasons describes the openings.
func openingReasons(s State) (reasons []string) {
	for _, o := range s.Openings {
		reasons = append(reasons, o.String())
	}
	return reasons
}

// closeOpenings takes the permissions of others away.
func closeOpenings(_ *run, _ context.Context, at State, _ Step, _ func(string)) error {
	return hostsocket.Close(at.Openings)
}

// openKey returns the error of Lima's private key when others may read it: ssh then takes no notice of it, and every
// new connection is refused, whatever the guest has. It is nil otherwise.
func openKey(limaHome string) *Error {
	key := filepath.Join(limaHome, filenames.ConfigDir, filenames.UserPrivateKey)
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return &Error{
		Kind: KindUnhealthy, What: "other users may read the key with which Lima enters its VMs, so that ssh doesn't use it",
		Why:  fmt.Sprintf("%s has mode %04o", key, info.Mode().Perm()),
		Next: "chmod 600 " + shellescape.Quote(key) + "",
	}
}
