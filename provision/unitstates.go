package provision

import (
	"fmt"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// unitStates adds what systemd says of the units. Whether that is right, other lines judge: this is what they judged by.
func (h *Health) unitStates(o *guest.Observation) {
	for _, line := range []struct{ id, title, unit string }{
		{"socket-unit", "socket unit", guest.SocketUnitName}, {"service-unit", "service unit", guest.ServiceName},
	} {
		unit, found := o.Units[line.unit]
		if !found || unit.Active == "" {
			continue
		}
		words := fmt.Sprintf("%s (%s), %s at boot", unit.Active, unit.Sub, firstOf(unit.FileState, "not enabled"))
		if line.unit == guest.ServiceName {
			words += fmt.Sprintf(", restarted %d times since", unit.Restarts)
		}
		h.item(line.id, line.title, Info, "", words, "")
	}
}
