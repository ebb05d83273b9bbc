package unittext

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// The variables that the system's doctor fills in. It leaves all others empty.
const (
	homeVariable      = "SUBSTRATE_GUEST_HOME" // of the system, in the guest: below the user's
	netfilterVariable = "WORLD_NETFILTER_ENV"  // a whole line
	netfilterLine     = "Environment=WORLD_NETFILTER_ENABLE=1"
)

// Units are the texts of both units.
type Units struct {
	Service, Socket string
	// Empty are the variables that were left empty, as NAME (FILE:LINE).
	Empty []string
}

// reference is a variable in a template, as envsubst(1) takes it.
var reference = lazyregexp.New(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// plainPath is what may stand in a unit without quoting.
var plainPath = lazyregexp.New(`^/[A-Za-z0-9._/+-]*$`)

// Render returns the texts for a user whose home directory in the guest is home, and checks that they keep the
// contract. The error is of KindUsage.
func (t *Templates) Render(home string, netfilter bool) (units Units, err error) {
	if !plainPath.MatchString(home) {
		return units, fmt.Errorf("the home directory %q in the guest cannot be written into a systemd unit", home)
	}
	values := map[string]string{homeVariable: home + "/.substrate", netfilterVariable: ""}
	if netfilter {
		values[netfilterVariable] = netfilterLine
	}
	units.Service = fill(t.Service, values, &units.Empty)
	units.Socket = fill(t.Socket, nil, &units.Empty)
	if err := t.check(units); err != nil {
		return Units{}, err
	}
	return units, nil
}

// fill fills in a template. A value has no line of its own, so that lines keep their numbers.
func fill(template Template, values map[string]string, empty *[]string) string {
	var text strings.Builder
	number := 0
	for line := range strings.Lines(template.Text) {
		number++
		text.WriteString(reference.ReplaceAllStringFunc(line, func(found string) string {
			name := strings.Trim(found, "${}")
			value, known := values[name]
			if !known {
				place := fmt.Sprintf("%s (%s:%d)", name, filepath.Base(template.Path), number)
				if !slices.Contains(*empty, place) {
					*empty = append(*empty, place)
				}
			}
			return value
		}))
	}
	return text.String()
}
