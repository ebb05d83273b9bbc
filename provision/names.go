package provision

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// itemNames is the line of the report about name servers that lima-warm.sh has fixed. They are no fault of the world,
// and a user may want them: a run leaves them alone, and says what comes of them.
const itemNames = "names"

// pinned describes the name servers that lima-warm.sh has fixed in the guest and what comes of that, and returns the
// command that undoes it; both are empty without any.
func pinned(o *guest.Observation, vm string) (found, undo string) {
	if len(o.Pins) == 0 {
		return "", ""
	}
	files := slices.Sorted(maps.Keys(o.Pins))
	var fixed []string
	for _, file := range files {
		fixed = append(fixed, fmt.Sprintf("%s has names resolved by %s only", file, strings.Join(o.Pins[file], " and ")))
	}
	consequence := "names of your own network, of a VPN and of this machine (host.lima.internal) are not found there"
	commands := "rm -f " + strings.Join(files, " ")
	switch o.Resolver {
	case guest.ResolverMissing:
		fixed = append(fixed, "/etc/resolv.conf leads nowhere")
		consequence = "no names are found there: no package can be installed, and no agent built"
	case guest.ResolverOff:
		fixed = append(fixed, "systemd-resolved is switched off")
	}
	if o.Resolver != "" {
		commands += "; systemctl disable --now dnsmasq; systemctl enable --now systemd-resolved && " +
			"ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf"
	} else {
		commands += "; systemctl try-restart dnsmasq"
	}
	found = fmt.Sprintf("%s; %s left that (%s)", strings.Join(fixed, "; "), layout.ToolWarm, consequence)
	return found, inGuest(vm, "sh -c", commands)
}

// reportNames adds a line about fixed name servers, if there are any.
func (h *Health) reportNames(o *guest.Observation) {
	if found, undo := pinned(o, h.VM); found != "" {
		h.add(itemNames, "names in the guest", Warning, "resolved by this machine", found, undo)
	}
}
