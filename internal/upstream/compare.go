package upstream

import (
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// The exit codes of a comparison.
const (
	Agrees  = 0
	Differs = 1
	Missing = 2 // something could not be found; it is not known whether that agrees
)

// wanted is what this program knows of a fact.
type wanted struct {
	values []string
	// more reports that the checkout may have less: what is searched for beyond it does no harm.
	more bool
}

// difference is a value that only one side has.
type difference struct {
	what, where, value string
	theirs             bool   // only the checkout has it
	reason             string // why it is so on purpose; empty for one that counts
}

func (d difference) String() string {
	side := "only here"
	if d.theirs {
		side = "only there"
	}
	if d.reason != "" {
		return fmt.Sprintf("on purpose, %s: %s: %s (%s): %s", side, d.what, d.value, d.where, d.reason)
	}
	return fmt.Sprintf("%s: %s: %s (%s)", side, d.what, d.value, d.where)
}

// guestHome stands for the user's directory in the units' text.
const guestHome = "${SUBSTRATE_GUEST_HOME}"

// contract is what this program knows of a generation, by the facts' names.
func contract(of layout.Layout) map[string]wanted {
	only := func(values ...string) wanted { return wanted{values: values} }
	upTo := func(values ...string) wanted { return wanted{values: values, more: true} }
	places := func(name string) wanted {
		return upTo(append(agent.Places(name, limatype.X8664), agent.Places(name, limatype.AARCH64)...)...)
	}
	const home = "/home/user"
	service, err := embed.ServiceUnit(of, home, false)
	if err != nil {
		panic(err) // home is plain
	}
	service = strings.ReplaceAll(service, home+guest.HomeStateSuffix, guestHome)
	runtime := "-m0750 -o root -g " + guest.GroupName + " " + guest.RuntimePath
	directories := upTo(fmt.Sprintf("-m0755 %q", guestHome), "-m0750 "+guest.StatePath, runtime)
	mounts := only("$HOME, read-only", "$PROJECT at "+layout.ProjectMount+", writable")
	if staged(of) {
		mounts = only()
		directories = upTo(append(directories.values, runtime+"/substrate-gateway-runtime")...)
	}
	return map[string]wanted{
		"marker": only(of.Marker), "marker of the doctor": only(of.Marker), "file of the marker": only(guest.MarkerPath),
		"service unit": only(of.Unit), "socket unit": only(of.Unit), "active unit": only(of.Unit),
		"settings of the service unit": only(settings(service)...),
		"settings of the socket unit":  only(settings(embed.SocketUnit(of))...),
		"files of the agent":           places(of.Package),
		"files of the gateway":         places("substrate-gateway"),
		"files of the guest CLI":       places("substrate"),
		"package of the agent":         only(of.Package),
		"packages of Cargo":            only("substrate-gateway", of.Package),
		"programs of Cargo":            only("substrate"),
		"programs in the guest": only(of.Agent(), layout.Program("substrate"),
			layout.Program("substrate-gateway"), layout.Program("world")),
		"directories in the guest":     directories,
		"backend":                      only(of.Backend),
		"mounts":                       mounts,
		"socket":                       only(lima.GuestSocket),
		"owner and mode of the socket": only("root:" + guest.GroupName + " 660"),
		"probes":                       upTo("/v1/capabilities"),
		"commands in the guest":        upTo("nft"),
		"options":                      upTo("--check-only", "--help"),
		"variables": upTo("LIMA_VM_NAME", "LIMA_PROFILE_PATH", "LIMA_BUILD_PROFILE", "SUBSTRATE_LIMA_VM_NAME",
			"SUBSTRATE_LIMA_SKIP_GUEST_BUILD", "SUBSTRATE_WORLD_NETFILTER_ENABLE"),
	}
}

// staged reports whether a generation copies the project into the guest, and mounts nothing.
func staged(of layout.Layout) bool { return strings.Contains(of.Marker, "staged") }

// onPurpose returns why a setting of the units differs on purpose; empty when it should not.
func onPurpose(d difference) string {
	setting := strings.TrimSpace(d.value[strings.Index(d.value, "]")+1:])
	name, _, _ := strings.Cut(setting, "=")
	switch {
	case !strings.HasPrefix(d.what, "settings of"):
		return ""
	case name == "Description":
		return "it is a title only"
	case d.theirs && setting == "Environment=SUBSTRATE_AGENT_TCP_PORT=61337":
		return "every program in the guest could reach the agent by that port"
	case d.theirs && name == "PartOf":
		return "a stop of the service would remove the socket, and nothing would start the agent again"
	case d.theirs && (setting == "${netfilter_env}" || setting == "${WORLD_NETFILTER_ENV}"):
		return "it is a whole line or none, as --netfilter has it"
	case !d.theirs && name == "TimeoutStopSec":
		return "a Mac powers the VM off when it has not shut down within 30 s"
	}
	return ""
}

// compare returns in what a checkout differs from a generation; what can't be found in it is no difference.
func compare(c *checkout, of layout.Layout) (differences []difference) {
	known := contract(of)
	for _, what := range slices.Sorted(maps.Keys(known)) {
		found, ok := c.facts[what]
		if !ok {
			continue
		}
		add := func(value string, theirs bool) {
			d := difference{what: what, where: found.where, value: value, theirs: theirs}
			d.reason = onPurpose(d)
			differences = append(differences, d)
		}
		for _, value := range found.found {
			if !slices.Contains(known[what].values, strings.ReplaceAll(value, "${BUILD_PROFILE}", "release")) {
				add(value, true)
			}
		}
		for _, value := range known[what].values {
			if !known[what].more && !slices.Contains(found.found, value) {
				add(value, false)
			}
		}
	}
	return differences
}

// counted returns the differences that count.
func counted(differences []difference) []difference {
	return slices.DeleteFunc(slices.Clone(differences), func(d difference) bool { return d.reason != "" })
}

// Report compares the checkout in dir with the generation called name or, when that is empty, with the one that is the
// most like it. It writes what is different, and returns the exit code.
func Report(out io.Writer, dir, name string) (code int) {
	c := read(dir)
	generations := layout.All
	if of, found := layout.Named(name); found {
		generations = []layout.Layout{of}
	} else if name != "" {
		fmt.Fprintf(out, "there is no generation %q; there are %s\n", name, strings.Join(layout.Names(), ", "))
		return Missing
	}
	best, differences := generations[0], compare(c, generations[0])
	for _, of := range generations[1:] {
		if other := compare(c, of); len(counted(other)) < len(counted(differences)) {
			best, differences = of, other
		}
	}
	for _, what := range slices.Sorted(maps.Keys(contract(best))) {
		if _, ok := c.facts[what]; !ok && !slices.ContainsFunc(c.missing, func(one string) bool {
			return strings.HasPrefix(one, what+": ")
		}) {
			c.miss(what, "not found")
		}
	}
	fmt.Fprintf(out, "%s is most like the generation %s: %s\n", path.Base(dir), best.Name, summary(c, differences))
	for _, d := range differences {
		fmt.Fprintln(out, d)
	}
	for _, one := range c.missing {
		fmt.Fprintln(out, "not found: "+one)
	}
	switch {
	case len(c.missing) > 0:
		return Missing
	case len(counted(differences)) > 0:
		return Differs
	}
	return Agrees
}

func summary(c *checkout, differences []difference) string {
	n := len(counted(differences))
	return fmt.Sprintf("%d facts, %d differences, %d more on purpose, %d not found", len(c.facts), n,
		len(differences)-n, len(c.missing))
}
