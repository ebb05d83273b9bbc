package guest

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
)

// Units may be extended: a drop-in that leaves the contract alone is kept and shown. What counts is what is in force
// when systemd has read our unit and all drop-ins, wherever they come from. The rules are: a directive that our unit
// holds keeps its value, lists of ours may grow and are never emptied, and what would take the socket or the agent's
// place is not added. A drop-in against that is overridden: renamed, so that systemd does not find it, or masked, where
// it may be meant for other units too, or belongs to a package.

// growing are our directives that a drop-in may add to, or change.
var growing = map[string]bool{
	"Unit.Description": true, "Unit.After": true, "Unit.Wants": true, "Install.WantedBy": true,
	"Service.ReadWritePaths": true,
}

// foreign are directives that ours do without, and that would break the contract.
var foreign = map[string]bool{
	"Unit.PartOf": true, "Unit.Conflicts": true, "Service.User": true, "Service.DynamicUser": true,
	"Service.RootDirectory": true, "Service.RootImage": true, "Socket.Accept": true,
}

// ofAgent is how the names of the agent's variables begin.
const ofAgent = "SUBSTRATE_"

const environment = "Service.Environment"

// setting is an assignment in a unit or a drop-in.
type setting struct {
	key   string // section and directive, with the name of an environment's variable
	text  string // as it is shown
	value string
	from  string // the drop-in; empty for our unit
}

// list returns the name of the list that an assignment adds to, and an empty one resets; empty where the last one
// counts.
func (s setting) list() string {
	section, name, _ := strings.Cut(s.key, ".")
	switch {
	case section == "Socket" && strings.HasPrefix(name, "Listen"):
		return "Socket.Listen"
	case strings.HasPrefix(s.key, environment+"."):
		return environment
	case section == "Unit" && name != "Description", strings.HasPrefix(name, "Exec"), strings.HasSuffix(name, "Paths"),
		strings.HasSuffix(name, "Environment"), name == "EnvironmentFile":
		return s.key
	}
	return ""
}

// settings returns the assignments of a unit's text, in order.
func settings(lines []string, from string) (all []setting) {
	section, joined := "", ""
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if before, goesOn := strings.CutSuffix(line, `\`); goesOn {
			joined += before + " "
			continue
		}
		line, joined = joined+line, ""
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.Trim(line, "[]")
			continue
		}
		name, value, found := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		s := setting{section + "." + name, name + "=" + value, value, from}
		if !found {
			continue
		}
		if s.key != environment || value == "" {
			all = append(all, s)
			continue
		}
		for _, variable := range words(value) {
			name, _, _ := strings.Cut(variable, "=")
			all = append(all, setting{environment + "." + name, "Environment=" + variable, variable, from})
		}
	}
	return all
}

// words splits a value as systemd does: at spaces that are not quoted.
func words(text string) (words []string) {
	word, quote, inside := "", rune(0), false
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			word, escaped = word+string(r), false
		case r == '\\':
			escaped, inside = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inside, word = r, true, strings.TrimSuffix(word, "$")
		case quote == 0 && (r == ' ' || r == '\t'):
			if inside {
				words = append(words, word)
			}
			word, inside = "", false
		default:
			word, inside = word+string(r), true
		}
	}
	if inside {
		words = append(words, word)
	}
	return words
}

// inForce returns what of all settings has an effect, and the last assignment that reset each list or value.
func inForce(all []setting) (effective []setting, resets map[string]setting) {
	resets = map[string]setting{}
	for _, s := range all {
		list := s.list()
		if s.value == "" && strings.HasPrefix(list, "Unit.") {
			continue // dependencies can't be reset
		}
		effective = slices.DeleteFunc(effective, func(before setting) bool {
			if s.value == "" && list != "" {
				return before.list() == list
			}
			return before.key == s.key && (list == "" || list == environment)
		})
		if s.value == "" {
			resets[cmp.Or(list, s.key)] = s
		} else {
			effective = append(effective, s)
		}
	}
	return effective, resets
}

// units returns the names of both units.
func (o *Observation) units() []string { return []string{o.Layout.Service(), o.Layout.Socket()} }

// laidOver returns the settings of our unit, those that its drop-ins make, and what is in force of both.
func (o *Observation) laidOver(unit string) (ours, effective []setting, resets map[string]setting) {
	text, brought := o.UnitTexts[unit]
	switch {
	case brought:
	case unit == o.Layout.Socket():
		text = embed.SocketUnit(o.Layout)
	default:
		// If a unit can't hold the path of the home, the units' own reason reports that.
		text, _ = embed.ServiceUnit(o.Layout, o.Home, false)
	}
	ours = settings(strings.Split(text, "\n"), "")
	all := slices.Clone(ours)
	for _, dropIn := range o.Units[unit].DropIns {
		all = append(all, settings(dropIn.Lines, dropIn.Path)...)
	}
	effective, resets = inForce(all)
	return ours, effective, resets
}

// contradictions returns the settings that break the contract of a unit, by drop-in.
func (o *Observation) contradictions(unit string) map[string][]string {
	ours, effective, resets := o.laidOver(unit)
	broken, named := map[string][]string{}, map[string]bool{}
	blame := func(s setting, why string) {
		broken[s.from] = append(broken[s.from], s.text+why)
		named[cmp.Or(s.list(), s.key)] = true
	}
	for _, s := range effective {
		if s.from == "" {
			continue
		}
		if o.contradicts(s, ours) {
			blame(s, "")
		}
		for _, set := range o.FileVariables {
			file := strings.TrimPrefix(s.value, "-")
			variable := settings([]string{"[Service]", "Environment=" + set.Text}, "")
			if s.key == "Service.EnvironmentFile" && len(variable) > 0 && o.contradicts(variable[0], ours) &&
				(file == set.File || strings.ContainsAny(file, "%*?[")) {
				blame(s, " sets "+variable[0].value)
			}
		}
	}
	for _, our := range ours {
		list := cmp.Or(our.list(), our.key)
		reset, found := resets[list]
		lost := !slices.ContainsFunc(effective, func(s setting) bool { return s.key == our.key })
		if found && lost && !named[list] && our.key != "Unit.Description" {
			blame(reset, "")
		}
	}
	return broken
}

// contradicts reports whether a setting that is in force breaks the contract of our unit.
func (o *Observation) contradicts(s setting, ours []setting) bool {
	held, same := false, false
	for _, our := range ours {
		held = held || our.key == s.key || s.list() != "" && our.list() == s.list()
		same = same || our.key == s.key && plain(our.value) == plain(s.value)
	}
	switch {
	case foreign[s.key]:
		return plain(s.value) != "no" && s.value != "root"
	case s.key == "Service.UnsetEnvironment" || s.list() == environment:
		return !same && strings.HasPrefix(s.value, ofAgent)
	case growing[s.key]:
		return false
	case strings.HasPrefix(s.key, "Service.Memory"):
		return o.Units[o.Layout.Service()].Result == "oom-kill" // it is not enough
	}
	return held && !same
}

// plain returns systemd's usual word for a switch, and every other value as it is.
func plain(value string) string {
	switch strings.ToLower(value) {
	case "1", "y", "t", "true", "on":
		return "yes"
	case "0", "n", "f", "false", "off":
		return "no"
	}
	return value
}

// Overrides returns why something hides our units or contradicts them, the files to displace or, where they are not
// there, to make as masks, and the drop-ins that are kept.
func (o *Observation) Overrides() (reasons, displaced, kept []string) {
	for _, unit := range o.units() {
		if file := o.Units[unit].FragmentPath; o.Hides(unit) {
			reasons, displaced = append(reasons, fmt.Sprintf("%s hides our %s", file, unit)), append(displaced, file)
		}
		broken := o.contradictions(unit)
		for _, dropIn := range o.Units[unit].DropIns {
			if why := broken[dropIn.Path]; len(why) > 0 {
				reasons = append(reasons,
					fmt.Sprintf("%s contradicts the unit: %s", dropIn.Path, strings.Join(why, ", ")))
				displaced = append(displaced, override(unit, dropIn.Path))
			} else if len(settings(dropIn.Lines, "")) > 0 {
				kept = append(kept, dropIn.Path)
			}
		}
	}
	return reasons, displaced, kept
}

// beating are the directories that systemd prefers to /etc/systemd/system.
var beating = []string{
	"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
	"/run/systemd/generator.early",
}

// Hides reports whether systemd reads another file in the place of our unit's.
func (o *Observation) Hides(unit string) bool {
	dir, name := path.Split(o.Units[unit].FragmentPath)
	return name == unit && slices.Contains(beating, path.Clean(dir))
}

// Unlinked returns the files that keep our units from being started at a boot.
func (o *Observation) Unlinked() (files []string) {
	for _, file := range o.Unwanted {
		file = path.Clean(file)
		place, unit := path.Dir(path.Dir(file)), path.Base(file)
		if slices.Contains(o.units(), unit) && strings.HasSuffix(path.Dir(file), ".target.wants") &&
			(place == "/etc/systemd/system" || slices.Contains(beating, place)) {
			files = append(files, file)
		}
	}
	return files
}

// override returns the file to displace for a drop-in to have no effect: itself, where an administrator or a run has
// put it for this unit; and otherwise the file of its name that would mask it.
func override(unit, dropIn string) string {
	dropIn = path.Clean(dropIn)
	place, dir := path.Split(path.Dir(dropIn))
	place = path.Clean(place)
	if slices.Contains(beating, place) ||
		dir == unit+".d" && (place == "/etc/systemd/system" || place == "/run/systemd/system") {
		return dropIn
	}
	return "/etc/systemd/system/" + unit + ".d/" + path.Base(dropIn)
}

// Wish is a setting of a drop-in's that is kept.
type Wish struct {
	Text string // with the file
	File string
	// Override is File itself, where it may be taken away, or the name of a mask for it.
	Override string
}

// Wishes returns the settings of others that are kept and may be why an agent does not start or a unit does not stop:
// all but those that only describe, order or give an environment.
func (o *Observation) Wishes() (wishes []Wish) {
	for _, unit := range o.units() {
		_, effective, _ := o.laidOver(unit)
		broken := o.contradictions(unit)
		for _, s := range effective {
			if s.from != "" && broken[s.from] == nil && !growing[s.key] && s.list() != environment &&
				!strings.HasSuffix(s.key, "Credential") {
				wishes = append(wishes, Wish{s.from + ": " + s.text, s.from, override(unit, s.from)})
			}
		}
	}
	return wishes
}

// Inherited returns the variables of the agent's that systemd gives to every service, and that nothing takes from ours.
func (o *Observation) Inherited() (names []string) {
	_, effective, _ := o.laidOver(o.Layout.Service())
	for _, text := range o.AllHave {
		name, _, _ := strings.Cut(text, "=")
		if !slices.ContainsFunc(effective, func(s setting) bool {
			return s.key == environment+"."+name ||
				s.key == "Service.UnsetEnvironment" && slices.Contains(words(s.value), name)
		}) {
			names = append(names, text)
		}
	}
	return names
}

// Variable is a line of a file with an environment.
type Variable struct{ File, Text string }
