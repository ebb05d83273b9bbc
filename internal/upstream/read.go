// Package upstream compares a checkout of the system that a world serves with what this program knows of it: its
// generations (package layout), the text of the units (package embed), and where programs are searched for (package
// agent). It is run by hand when a new version of the system appears, with scripts/upstream-contract.
//
// The rules are: it only reads, and runs nothing of the checkout; what it can't find is named and is never taken for
// agreement; what is different on purpose is shown with its reason, and counts as no difference.
package upstream

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// The files of a checkout that the contract is read from.
const (
	warmScript   = "scripts/mac/lima-warm.sh"
	doctorScript = "scripts/mac/lima-doctor.sh"
	profileFile  = "scripts/mac/lima/substrate.yaml"
	unitsDir     = "scripts/mac/lima/units"
)

// fact is something that a checkout says, each value once and sorted, unless its order counts.
type fact struct {
	where string // the file
	found []string
}

// checkout is what was read from a checkout.
type checkout struct {
	dir   string
	facts map[string]fact // by what they are about: "marker"
	// missing is what could not be found, with where it was searched for.
	missing []string
}

// limit is how much is read of a file of a checkout; the largest has a few hundred KiB.
const limit = 4 << 20

// text returns a file of the checkout; empty when it can't be read, which is then missing.
func (c *checkout) text(file string) string {
	text, err := c.read(file)
	if err != nil {
		c.miss(file, err.Error())
	}
	return text
}

func (c *checkout) read(file string) (string, error) {
	root, err := os.OpenRoot(c.dir) // no link leads out of it
	if err != nil {
		return "", err
	}
	defer root.Close()
	info, err := root.Stat(filepath.FromSlash(file))
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() || info.Size() > limit:
		return "", errors.New("it is no file of a size that is read")
	}
	text, err := root.ReadFile(filepath.FromSlash(file))
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}

func (c *checkout) miss(what, why string) {
	if one := what + ": " + why; !slices.Contains(c.missing, one) {
		c.missing = append(c.missing, one)
	}
}

// add keeps what was found of a fact; of nothing, that it is missing.
func (c *checkout) add(what, where string, found []string) {
	if len(found) == 0 {
		c.miss(what, "not found in "+where)
		return
	}
	c.facts[what] = fact{where, found}
}

// all returns what the first group of a pattern matches in a text, each once, sorted.
func all(pattern, text string) (found []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// read reads the contract from the checkout in dir.
func read(dir string) *checkout {
	c := &checkout{dir: dir, facts: map[string]fact{}}
	warm := c.text(warmScript)
	if warm != "" {
		c.add("marker", warmScript, all(`(?m)^LAYOUT_VERSION="([^"]*)"`, warm))
		c.add("file of the marker", warmScript, all(`(?m)^LAYOUT_SENTINEL="([^"]*)"`, warm))
		c.candidates("agent", "host_agent_candidate", warm)
		c.candidates("gateway", "host_gateway_candidate", warm)
		c.candidates("guest CLI", "host_cli_candidate", warm)
		c.add("packages of Cargo", warmScript, all(`(?m)\bbuild -p ([a-z0-9-]+)`, warm))
		c.add("programs of Cargo", warmScript, all(`(?m)\bbuild --bin ([a-z0-9-]+)`, warm))
		c.add("programs in the guest", warmScript,
			all(`(?m)(?:install -Dm0755 \S+|tee|test -x) "?(/usr/local/bin/[a-z0-9-]+)`, warm))
		c.add("directories in the guest", warmScript, all(`(?m)install -d (-m0?[0-7]+ .*?)\s*(?:\|\||$)`, warm))
		c.add("variables", warmScript, all(`\$\{((?:LIMA|SUBSTRATE)_[A-Z_]+):-`, warm))
		c.add("options", warmScript, all(`(?m)^ +(?:-[a-z]\|)?(--[a-z-]+)\)`, warm))
	}
	c.units(warm)
	c.doctor()
	c.crate()
	c.mounts()
	return c
}

// candidates are where a function of the script searches for a program.
func (c *checkout) candidates(what, function, warm string) {
	_, body, found := strings.Cut(warm, function+"() {")
	body, _, _ = strings.Cut(body, "\n}")
	if !found {
		body = ""
	}
	c.add("files of the "+what, warmScript, all(`"\$\{base\}/([^"]*)"`, body))
}

// units reads the text of the units: of the templates, where there are any, else of what the script writes.
func (c *checkout) units(warm string) {
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return // which the files report
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), unitsDir)
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".tmpl")
		if kind := path.Ext(name); kind == ".service" || kind == ".socket" {
			c.unit(name, unitsDir+"/"+entry.Name(), c.text(unitsDir+"/"+entry.Name()))
		}
	}
	if err == nil {
		return
	}
	written := regexp.MustCompile(
		`(?ms)^cat <<'?UNIT'? \| sudo tee /etc/systemd/system/(\S+?\.(?:service|socket))\b[^\n]*\n(.*?)\nUNIT$`)
	for _, match := range written.FindAllStringSubmatch(warm, -1) {
		c.unit(match[1], warmScript, match[2]+"\n")
	}
	if !written.MatchString(warm) {
		c.miss("units", "neither in "+unitsDir+" nor in "+warmScript)
	}
}

// unit keeps a unit: its name, and its settings, each with its section.
func (c *checkout) unit(name, where, text string) {
	kind := strings.TrimPrefix(path.Ext(name), ".")
	c.add(kind+" unit", where, []string{strings.TrimSuffix(name, "."+kind)})
	c.add("settings of the "+kind+" unit", where, settings(text))
}

// settings are the settings of a unit, sorted, as "[Section] Key=value". Words of a value that is a list of paths are
// sorted; 5 and 5s are the same.
func settings(text string) (settings []string) {
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, found := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "["):
			section = line
		case strings.HasPrefix(line, "${") && !found: // a whole line or nothing: netfilter
			settings = append(settings, section+" "+line)
		case found && !strings.HasPrefix(line, "#"):
			if strings.HasSuffix(name, "Paths") {
				value = strings.Join(slices.Sorted(strings.FieldsSeq(value)), " ")
			}
			if strings.HasSuffix(name, "Sec") {
				value = strings.TrimSuffix(value, "s")
			}
			settings = append(settings, section+" "+name+"="+value)
		}
	}
	slices.Sort(settings)
	return settings
}

// doctor reads what the system's own doctor asks for.
func (c *checkout) doctor() {
	text := c.text(doctorScript)
	if text == "" {
		return
	}
	c.add("marker of the doctor", doctorScript, all(`(?m)LAYOUT_EXPECTED="([^"]*)"`, text))
	c.add("socket", doctorScript, all(`test -S (/\S+)`, text))
	c.add("owner and mode of the socket", doctorScript, all(`== "([a-z]+:[a-z]+ [0-7]{3,4})"`, text))
	c.add("probes", doctorScript, all(`http://localhost(/\S+)`, text))
	c.add("active unit", doctorScript, all(`systemctl is-active (?:--quiet )?([a-z-]+)`, text))
	c.add("commands in the guest", doctorScript, all(`\bwhich ([a-z0-9-]+)`, text))
}

// crate reads the agent's package, which is that whose program answers for its capabilities.
func (c *checkout) crate() {
	const handlers = "src/handlers.rs"
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return
	}
	defer root.Close()
	crates, err := fs.Glob(root.FS(), "crates/world-*/"+handlers)
	if err != nil || len(crates) == 0 {
		c.miss("package of the agent", "no crates/world-*/"+handlers)
		return
	}
	for _, file := range crates {
		dir := strings.TrimSuffix(file, "/"+handlers)
		c.add("backend", file, all(`"backend": *"([^"]*)"`, c.text(file)))
		c.add("package of the agent", dir+"/Cargo.toml", all(`(?m)^\[package\]\nname = "([^"]*)"`, c.text(dir+"/Cargo.toml")))
	}
}

// mounts reads the profile's mounts.
func (c *checkout) mounts() {
	text := c.text(profileFile)
	if text == "" {
		return
	}
	var profile struct {
		Mounts *[]struct {
			Location   string
			MountPoint string `yaml:"mountPoint"`
			Writable   bool
		}
	}
	if err := yaml.Unmarshal([]byte(text), &profile); err != nil {
		c.miss("mounts", profileFile+" can't be read: "+strings.SplitN(err.Error(), "\n", 2)[0])
		return
	}
	if profile.Mounts == nil {
		c.miss("mounts", "not found in "+profileFile)
		return
	}
	mounts := []string{}
	for _, m := range *profile.Mounts {
		one := m.Location
		if m.MountPoint != "" {
			one += " at " + m.MountPoint
		}
		if m.Writable {
			one += ", writable"
		} else {
			one += ", read-only"
		}
		mounts = append(mounts, one)
	}
	slices.Sort(mounts)
	c.facts["mounts"] = fact{profileFile, mounts}
}
