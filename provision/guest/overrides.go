package guest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
)

// Units may be extended: a drop-in that leaves the contract alone is kept and shown. The rules are: a directive that
// our unit holds keeps its value, lists of ours may grow and are never emptied, and what would take the socket or the
// agent's place is not added. A drop-in against that is displaced: renamed, so that systemd does not find it.

// growing are our directives that a drop-in may add to.
var growing = map[string]bool{
	"Unit.Description": true, "Unit.After": true, "Unit.Wants": true, "Install.WantedBy": true,
	"Service.Environment": true, "Service.ReadWritePaths": true,
}

// foreign are directives that ours do without, and that would break the contract.
var foreign = map[string]bool{
	"Unit.PartOf": true, "Unit.Conflicts": true, "Service.User": true, "Service.DynamicUser": true,
	"Service.RootDirectory": true, "Service.RootImage": true,
	"Socket.Accept": true, "Socket.ListenDatagram": true, "Socket.ListenSequentialPacket": true,
	"Socket.ListenFIFO": true, "Socket.BindIPv6Only": true,
}

// directives returns the assignments in a unit's text, in order.
func directives(lines []string) (keys, values []string) {
	section := ""
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.Trim(line, "[]")
			continue
		}
		if key, value, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") &&
			!strings.HasPrefix(line, ";") {
			keys, values = append(keys, section+"."+strings.TrimSpace(key)), append(values, strings.TrimSpace(value))
		}
	}
	return keys, values
}

// contradictions returns the directives of a drop-in that break the contract of its unit.
func contradictions(o *Observation, dropIn DropIn) (broken []string) {
	text := embed.SocketUnit()
	if strings.Contains(dropIn.Path, ServiceName) {
		// If a unit can't hold the path of the home, the units' own reason reports that.
		text, _ = embed.ServiceUnit(o.Home, false)
	}
	ours := map[string][]string{}
	keys, values := directives(strings.Split(text, "\n"))
	for i, key := range keys {
		ours[bare(key)] = append(ours[bare(key)], values[i])
	}
	last := map[string]string{} // an assignment that is reset later does no harm
	for _, line := range dropIn.Lines {
		key, value, _ := strings.Cut(line, "=")
		last[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	for key, value := range last {
		if contradicts(key, value, ours[key]) {
			broken = append(broken, key+"="+value)
		}
	}
	slices.Sort(broken)
	return broken
}

// bare returns a directive without its section: the names are unique, and the lines of a drop-in come without sections.
func bare(key string) string { return key[strings.Index(key, ".")+1:] }

func contradicts(key, value string, ours []string) bool {
	is := func(set map[string]bool) bool {
		for name := range set {
			if bare(name) == key {
				return true
			}
		}
		return false
	}
	switch {
	case is(foreign):
		return value != "" && value != "no" && !(key == "User" && value == "root")
	case key == "Environment":
		name, _, _ := strings.Cut(strings.Trim(value, `"'`), "=")
		return value == "" || strings.HasPrefix(name, "SUBSTRATE_") && !slices.Contains(ours, value)
	case is(growing):
		return value == "" && key != "Description"
	}
	return len(ours) > 0 && !slices.Contains(ours, value)
}

// Overrides returns why something hides our units or contradicts them, the files to displace for that, and the drop-ins
// that are kept.
func (o *Observation) Overrides() (reasons, displaced, kept []string) {
	for _, file := range o.Hidden {
		reasons = append(reasons, fmt.Sprintf("%s hides our %s", file, path.Base(file)))
		displaced = append(displaced, file)
	}
	for _, dropIn := range o.DropIns {
		if broken := contradictions(o, dropIn); len(broken) > 0 {
			why := fmt.Sprintf("%s contradicts the unit: %s", dropIn.Path, strings.Join(broken, ", "))
			reasons, displaced = append(reasons, why), append(displaced, dropIn.Path)
		} else {
			kept = append(kept, dropIn.Path)
		}
	}
	return reasons, displaced, kept
}
