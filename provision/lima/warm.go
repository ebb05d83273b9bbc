package lima

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// This file is about VMs that the system's own tools made. lima-warm.sh gives a VM a provision script that writes the
// units at every boot, with what an earlier generation wants in them: a world would be repaired after each boot.
//
// The rules are: an entry is recognized by what it writes, and by nothing else; a script that only mentions a unit, or
// writes a drop-in for one, is not meant; and what was recognized is taken out as a whole.

// unitsWritten returns the units of worlds that an entry writes at every boot.
func unitsWritten(entry limatype.Provision) (units []string) {
	script := ""
	if entry.Script != nil {
		script = *entry.Script
	}
	for _, of := range layout.All {
		for _, path := range []string{of.ServicePath(), of.SocketPath()} {
			isFile := entry.Mode == limatype.ProvisionModeData && entry.Path != nil && filepath.Clean(*entry.Path) == path
			if name := filepath.Base(path); (isFile || writes(script, path)) && !slices.Contains(units, name) {
				units = append(units, name)
			}
		}
	}
	return units
}

// writers are the programs that write a file which is an argument of theirs.
var writers = []string{"tee", "install", "cp", "mv", "ln"}

// writes reports whether a shell script writes the file at path.
func writes(script, path string) bool {
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		for at := strings.Index(line, path); at >= 0 && !strings.HasPrefix(line, "#"); {
			before := strings.TrimRight(line[:at], ` "'`)
			after := line[at+len(path):]
			if endsWord(after) && (strings.HasSuffix(before, ">") || strings.HasSuffix(before, ">|") || written(before)) {
				return true
			}
			next := strings.Index(after, path)
			if next < 0 {
				break
			}
			at += len(path) + next
		}
	}
	return false
}

// endsWord reports whether a path ends before this text.
func endsWord(after string) bool {
	return after == "" || strings.ContainsAny(after[:1], " \t\"';&|<>)")
}

// written reports whether the command that this text begins writes the file that comes next.
func written(before string) bool {
	command := before[strings.LastIndexAny(before, ";&|(")+1:]
	return slices.ContainsFunc(strings.Fields(command), func(word string) bool {
		return slices.Contains(writers, filepath.Base(word))
	})
}

// UnitsWritten returns the units that the provision entries of a configuration, which may be nil, write at every boot.
func UnitsWritten(config *limatype.LimaYAML) (units []string) {
	if config == nil {
		return nil
	}
	for _, entry := range config.Provision {
		units = append(units, unitsWritten(entry)...)
	}
	slices.Sort(units)
	return slices.Compact(units)
}

// WarmSigns returns what in the text of a lima.yaml shows that lima-warm.sh made the VM.
func WarmSigns(text []byte) (signs []string) {
	config, err := lastRead.parse(text)
	if err != nil {
		return nil
	}
	if units := UnitsWritten(config); len(units) > 0 {
		signs = append(signs, "lima.yaml has a provision script that writes "+and(units)+" at every boot")
	}
	return signs
}

// BrokerSigns returns what in the text of a lima.yaml shows that the VM belongs to the broker.
func BrokerSigns(text []byte) (signs []string) {
	for _, name := range layout.BrokerVariables {
		if bytes.Contains(text, []byte(name)) {
			signs = append(signs, "lima.yaml names "+name)
		}
	}
	return signs
}

func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// KeptConfig is the name, beside lima.yaml, of the one that was there before an entry of others was taken out of it. If
// others are kept already, a number follows.
const KeptConfig = filenames.LimaYAML + ".before-worldsetup"

// KeepConfig keeps a copy of the lima.yaml in the directory dir beside it, unless there is one.
func KeepConfig(dir string) error {
	path := filepath.Join(dir, filenames.LimaYAML)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		kept := filepath.Join(dir, KeptConfig)
		if n > 1 {
			kept += fmt.Sprintf(".%d", n)
		}
		before, err := os.ReadFile(kept)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return writeWhole(kept, text, info.Mode().Perm())
		case err == nil && bytes.Equal(before, text): // by a run that was killed, or undone
			return nil
		}
	}
}
