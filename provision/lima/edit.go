package lima

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/fields"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// This file edits the text of a profile, or of a VM's lima.yaml. The rules are: only our own settings and entries
// change, each in its place; every other line stays as it is, byte for byte. `limactl edit --set` would format the
// whole file again, and the configuration that `limactl list` shows holds what other files add to it. The result is
// read again before it is returned, and an edit that changed something else is an error.

// The entries of the lists, as they are written.
type (
	mountEntry struct {
		Location   string `json:"location"`
		MountPoint string `json:"mountPoint"`
		Writable   bool   `json:"writable"`
	}
	portEntry struct {
		GuestPort int  `json:"guestPort"`
		Ignore    bool `json:"ignore"`
	}
	socketEntry struct {
		GuestSocket string `json:"guestSocket"`
		HostSocket  string `json:"hostSocket"`
	}
	scriptEntry struct {
		Mode   string `json:"mode"`
		Script string `json:"script"`
	}
)

// entry is one of our entries in a list.
type entry struct {
	value any // nil: none is wanted
	// ours reports whether entry i of the list stands in the place of this one; holds, whether it is as wanted.
	ours, holds func(i int) bool
	first       bool // it has to come before all others
}

// Edit returns text, a profile or the configuration of the VM in the directory dir, with w in it. dir is empty for a
// VM that is not there yet.
func (w Wanted) Edit(text []byte, dir string) (result []byte, err error) {
	defer recovered(&err)
	edited := &document{text: text, changed: map[string]change{}}
	for _, setting := range w.settings() {
		if err := edited.set(setting.key, setting.value); err != nil {
			return nil, err
		}
	}
	config, err := ParseProfile(text)
	if err != nil {
		return nil, err
	}
	if config.Plain != nil && *config.Plain {
		err = edited.set("plain", false)
	}
	if w.Rosetta || w.NoRosetta && RosettaOn(text) {
		err = errors.Join(err, edited.setRosetta(w.Rosetta))
	}
	edited.markHome(w.NoHome)
	edited.markStaged(w)
	err = errors.Join(err,
		edited.setList("mounts", len(config.Mounts), w.mountEntries(config, dir)),
		edited.setList("portForwards", len(config.PortForwards), forwardEntries(config, dir)),
		edited.setList("provision", len(config.Provision), scriptEntries(config)),
		edited.changedOnlyOurs(text),
	)
	return edited.text, err
}

type setting struct {
	key   string
	value any
}

// settings are the wanted settings that are no lists of which others have a part.
func (w Wanted) settings() (settings []setting) {
	for _, s := range []setting{
		{"vmType", w.VMType}, {"arch", w.Arch}, {"cpus", w.CPUs}, {"memory", size(w.Memory)}, {"disk", size(w.Disk)},
		{"mountType", w.MountType},
	} {
		if !reflect.ValueOf(s.value).IsZero() {
			settings = append(settings, s)
		}
	}
	if len(w.Images) > 0 {
		settings = append(settings, setting{"images", w.Images})
	}
	return settings
}

func (w Wanted) mountEntries(config *limatype.LimaYAML, dir string) []entry {
	at := func(i int) (location, point string) { return w.place(config, dir, config.Mounts[i]) }
	writable := func(i int) bool { return config.Mounts[i].Writable != nil && *config.Mounts[i].Writable }
	entries := []entry{
		{
			value: mountEntry{literal(w.Home), literal(w.Home), false},
			ours: func(i int) bool {
				location, point := at(i)
				return point != layout.ProjectMount &&
					(point == w.Home || SameDirectory(location, w.Home) && SameDirectory(point, w.Home))
			},
			holds: func(i int) bool {
				location, point := at(i)
				return SameDirectory(location, w.Home) && point == w.Home && !writable(i)
			},
		},
		{
			value: mountEntry{literal(w.Project), layout.ProjectMount, true},
			ours:  func(i int) bool { _, point := at(i); return point == layout.ProjectMount },
			holds: func(i int) bool { location, _ := at(i); return SameDirectory(location, w.Project) && writable(i) },
		},
	}
	if w.NoHome || w.NoMounts {
		entries[0] = entry{ours: func(i int) bool { return w.showsHome(at(i)) }}
	}
	if w.NoMounts {
		entries[1].value = nil
	}
	return entries
}

// showsHome reports whether a mount shows the home directory, or a directory that contains it. The project may.
func (w Wanted) showsHome(location, point string) bool {
	return filepath.Clean(point) != layout.ProjectMount && Contains(location, w.Home)
}

// Contains reports whether path is in a directory or is it, by whatever names.
func Contains(directory, path string) bool {
	for path = real(path); !SameDirectory(directory, path); path = filepath.Dir(path) {
		if filepath.Dir(path) == path {
			return false
		}
	}
	return true
}

// place is where a mount comes from and where it is mounted. What can't be resolved before the VM is there, such as
// the home directory in the guest, stays as it is written.
func (w Wanted) place(config *limatype.LimaYAML, dir string, mount limatype.Mount) (location, point string) {
	location = w.expandPath(mount.Location, config, dir)
	if mount.MountPoint == nil {
		return location, location
	}
	return location, w.expandPath(*mount.MountPoint, config, dir)
}

func (w Wanted) expandPath(path string, config *limatype.LimaYAML, dir string) string {
	data := templateData{"Home": w.Home, "Param": config.Param}
	if dir != "" {
		data["Dir"] = dir
	}
	path = filepath.Clean(expand(path, data))
	if path == "~" {
		return w.Home
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(w.Home, rest)
	}
	return path
}

func forwardEntries(config *limatype.LimaYAML, dir string) []entry {
	rules := config.PortForwards
	return []entry{
		{
			value: portEntry{AgentPort, true},
			ours:  func(i int) bool { return ignoresAgentPort(rules[i]) },
			holds: func(i int) bool { return slices.IndexFunc(rules, coversAgentPort) == i },
			first: true,
		},
		{
			value: socketEntry{GuestSocket, "{{.Dir}}/" + HostSocket},
			ours:  func(i int) bool { return rules[i].GuestSocket == GuestSocket },
			holds: func(i int) bool { return !rules[i].Reverse && isHostSocket(rules[i].HostSocket, dir) },
		},
	}
}

// isHostSocket reports whether a rule's socket on the host is ours, in the VM's directory dir, which may be unknown.
func isHostSocket(path, dir string) bool {
	return path == "{{.Dir}}/"+HostSocket || path == filepath.Base(HostSocket) || // Lima adds the directory
		dir != "" && SameDirectory(expand(path, templateData{"Dir": dir}), filepath.Join(dir, HostSocket))
}

func scriptEntries(config *limatype.LimaYAML) []entry {
	return []entry{
		{
			value: scriptEntry{limatype.ProvisionModeBoot, embed.BootGroup()},
			ours:  func(i int) bool { return isBootGroup(config.Provision[i]) },
			holds: func(int) bool { return true },
		},
		{ours: func(i int) bool { return len(unitsWritten(config.Provision[i])) > 0 }},
	}
}

// document is a text that is being edited.
type document struct {
	text    []byte
	changed map[string]change // by the keys of what was edited
}

// change is what was done to the value of a key: all of it is ours, or some entries of a list.
type change struct {
	whole   bool
	removed []int // of the list as it was
	added   []any
}

// part is a key of a document with its value, and the lines that it takes: from start to before end.
type part struct {
	key        string
	value      ast.Node
	start, end int
}

// parts splits the document into its lines and keys. end is the line before which a key can be added.
func (d *document) parts() (lines []string, parts []part, end int, err error) {
	defer recovered(&err)
	if len(d.text) > 0 && !bytes.HasSuffix(d.text, []byte("\n")) {
		d.text = slices.Concat(d.text, []byte(d.newline()))
	}
	lines = slices.Collect(strings.Lines(string(d.text)))
	end = len(lines)
	text := bytes.ReplaceAll(d.text, []byte("\r\n"), []byte("\n"))
	if at := bytes.IndexByte(text, '\r'); at >= 0 { // to the parser a line ends there too, and its numbers would be others
		return nil, nil, 0, fmt.Errorf("line %d has a carriage return in it, and no line feed after that",
			bytes.Count(text[:at], []byte("\n"))+1)
	}
	file, err := parser.ParseBytes(text, parser.ParseComments)
	if err != nil {
		return nil, nil, 0, err
	}
	body := -1
	for i, doc := range file.Docs {
		switch doc.Body.(type) {
		case nil, *ast.CommentGroupNode, *ast.NullNode:
			continue // comments above a "---" are a document to the parser
		}
		body = i
		break
	}
	if body < 0 {
		return lines, nil, end, nil
	}
	mapping, ok := file.Docs[body].Body.(*ast.MappingNode)
	if !ok {
		return nil, nil, 0, errors.New("it is no list of settings")
	}
	if mapping.IsFlowStyle { // such as JSON, in which there are no lines of settings
		values, err := d.values()
		if err != nil || len(values) == 0 {
			return nil, nil, 0, err
		}
		d.text = []byte(d.render(values))
		return d.parts()
	}
	first := mapping.Values[0].Key.GetToken().Position.Line
	for i := first; i < len(lines); i++ { // no line of a value begins like this
		if strings.HasPrefix(lines[i], "---") || strings.HasPrefix(lines[i], "...") {
			end = i
			break
		}
	}
	for i, value := range mapping.Values {
		if _, ok := value.Key.(*ast.StringNode); !ok { // Lima takes it for an empty configuration then
			return nil, nil, 0, fmt.Errorf("line %d begins with %s, which is no name of a setting",
				value.Key.GetToken().Position.Line, value.Key.GetToken().Value)
		}
		start := value.Key.GetToken().Position.Line - 1
		next := end
		if i+1 < len(mapping.Values) {
			next = mapping.Values[i+1].Key.GetToken().Position.Line - 1
		}
		parts = append(parts, part{value.Key.GetToken().Value, value.Value, start, trimmed(lines, start, next, 0)})
	}
	return lines, parts, end, nil
}

// markHome adds the line that says that the home directory is to be left out, or removes it.
func (d *document) markHome(leftOut bool) {
	if leftOut == HomeLeftOut(d.text) {
		return
	}
	if leftOut {
		d.text = slices.Concat([]byte(homeLeftOut+d.newline()), d.text)
		return
	}
	lines := slices.Collect(bytes.Lines(d.text))
	d.text = slices.Concat(slices.DeleteFunc(lines, isHomeLeftOut)...)
}

// markStaged adds the line that says which project is copied into the VM, or removes it.
func (d *document) markStaged(w Wanted) {
	wanted := ""
	if w.NoMounts {
		wanted = w.Project
	}
	if StagedProject(d.text) == wanted {
		return
	}
	lines := slices.Collect(bytes.Lines(d.text))
	d.text = slices.Concat(slices.DeleteFunc(lines, isStaged)...)
	if wanted != "" {
		d.text = slices.Concat([]byte(staged+strconv.QuoteToASCII(wanted)+d.newline()), d.text)
	}
}

func (d *document) newline() string {
	if bytes.Contains(d.text, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// trimmed is the end of what begins on the line start, without the comments in column or before it, which belong to
// what follows: those within a script are deeper.
func trimmed(lines []string, start, end, column int) int {
	last := end
	for i := end - 1; i > start; i-- {
		text := strings.TrimLeft(lines[i], " ")
		switch {
		case strings.TrimSpace(text) == "":
		case text[0] == '#' && len(lines[i])-len(text) <= column:
			last = i
		default:
			return last
		}
	}
	return last
}

// set gives a key a value.
func (d *document) set(key string, value any) error {
	lines, parts, end, err := d.parts()
	if err != nil {
		return err
	}
	d.changed[key] = change{whole: true}
	at := slices.IndexFunc(parts, func(p part) bool { return p.key == key })
	if at < 0 {
		d.replace(lines, end, end, d.render(yaml.MapSlice{{Key: key, Value: value}}))
		return nil
	}
	p := parts[at]
	if scalar, ok := p.value.(ast.ScalarNode); ok {
		if line := lines[p.start]; d.inLine(&line, scalar.GetToken(), value) {
			d.replace(lines, p.start, p.start+1, line)
			return nil
		}
	}
	d.replace(lines, p.start, p.end, d.render(yaml.MapSlice{{Key: key, Value: value}}))
	return nil
}

// inLine writes value in the place of the one that token begins, if that is a whole one on this line.
func (d *document) inLine(line *string, token *token.Token, value any) bool {
	if token.Value == fmt.Sprint(value) {
		return true
	}
	runes := []rune(*line)
	head := string(runes[:min(token.Position.Column-1, len(runes))])
	source := strings.TrimSpace(token.Origin)
	rest, found := strings.CutPrefix((*line)[len(head):], source)
	if !found || source == "" || strings.ContainsAny(source[:1], "&*!|>") {
		return false
	}
	*line = head + strings.TrimSpace(d.render(value)) + rest
	return true
}

// RosettaOn reports whether a configuration has Rosetta on. That of the driver beats the older one.
func RosettaOn(text []byte) bool {
	type rosetta struct {
		Enabled *bool `yaml:"enabled"`
	}
	var config struct {
		Rosetta rosetta `yaml:"rosetta"`
		VMOpts  struct {
			VZ struct {
				Rosetta rosetta `yaml:"rosetta"`
			} `yaml:"vz"`
		} `yaml:"vmOpts"`
	}
	var err error
	func() {
		defer recovered(&err)
		err = yaml.Unmarshal(text, &config)
	}()
	enabled := cmp.Or(config.VMOpts.VZ.Rosetta.Enabled, config.Rosetta.Enabled)
	return err == nil && enabled != nil && *enabled
}

// RemoveRosetta returns a VM's configuration with Rosetta off.
func RemoveRosetta(text []byte) (result []byte, err error) {
	defer recovered(&err)
	edited := &document{text: text, changed: map[string]change{}}
	err = edited.setRosetta(false)
	return edited.text, errors.Join(err, edited.changedOnlyOurs(text))
}

// setRosetta turns Rosetta on or off, for VMs of the type vz.
func (d *document) setRosetta(on bool) error {
	all, err := d.values()
	if err != nil {
		return err
	}
	options, _ := all.ToMap()["vmOpts"].(yaml.MapSlice)
	vz, _ := options.ToMap()[limatype.VZ].(yaml.MapSlice)
	rosetta, _ := vz.ToMap()["rosetta"].(yaml.MapSlice)
	rosetta = with(with(rosetta, "enabled", on), "binfmt", on)
	return d.set("vmOpts", with(options, limatype.VZ, with(vz, "rosetta", rosetta)))
}

// with is a copy of settings in which key has value.
func with(settings yaml.MapSlice, key string, value any) yaml.MapSlice {
	settings = slices.Clone(settings)
	at := slices.IndexFunc(settings, func(item yaml.MapItem) bool { return item.Key == key })
	if at < 0 {
		return append(settings, yaml.MapItem{Key: key, Value: value})
	}
	settings[at].Value = value
	return settings
}

// values are the keys of the document with their values, in order.
func (d *document) values() (values yaml.MapSlice, err error) {
	err = yaml.UnmarshalWithOptions(d.text, &values, yaml.UseOrderedMap())
	return values, err
}

// setList has a list of n entries hold ours, each once.
func (d *document) setList(key string, n int, entries []entry) error {
	var added []any // to the front
	var removed []int
	replaced := map[int]any{}
	for _, e := range entries {
		var ours []int
		for i := range n {
			if e.ours(i) {
				ours = append(ours, i)
			}
		}
		if e.value == nil {
			removed = append(removed, ours...)
			continue
		}
		if kept := slices.IndexFunc(ours, e.holds); kept >= 0 {
			removed = append(removed, slices.Delete(ours, kept, kept+1)...)
			continue
		}
		value := e.value
		if len(ours) > 0 {
			value = d.keeping(key, ours[0], value)
		}
		if removed = append(removed, ours...); len(ours) > 0 && !e.first {
			replaced[ours[0]] = value
		} else {
			added = append(added, value)
		}
	}
	if len(added)+len(removed) == 0 {
		return nil
	}
	d.changed[key] = change{removed: removed, added: slices.Concat(added, slices.Collect(maps.Values(replaced)))}
	lines, parts, end, err := d.parts()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(parts, func(p part) bool { return p.key == key })
	if at < 0 {
		d.replace(lines, end, end, d.render(yaml.MapSlice{{Key: key, Value: added}}))
		return nil
	}
	list, ok := parts[at].value.(*ast.SequenceNode)
	switch {
	case len(removed) == n && len(d.changed[key].added) == 0: // nothing is left
		return d.rewrite(lines, parts[at], removed, nil)
	case ok && list.IsFlowStyle && len(removed) == 0 && n > 0:
		d.addInLine(lines, list, added)
	case !ok || list.IsFlowStyle || len(list.Entries) != n:
		return d.rewrite(lines, parts[at], removed, d.changed[key].added)
	default:
		d.editList(lines, parts[at], list, removed, added, replaced)
	}
	return nil
}

// decided are the names of the settings of a list's entries that an entry of ours decides: those that Lima's types
// have, but not how a directory is mounted.
var decided = map[string][]string{
	"mounts":       {"location", "mountPoint", "writable"},
	"portForwards": settingsOf(limatype.PortForward{}),
	"provision":    settingsOf(limatype.Provision{}),
}

// settingsOf are the names that the fields of a struct have in a configuration.
func settingsOf(value any) (names []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeOf(value)) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// keeping returns value, which takes the place of entry i of the list key, with the settings of that entry that it does
// not decide: a Lima that is newer than our types may know them.
func (d *document) keeping(key string, i int, value any) any {
	var list []any
	if all, err := d.values(); err == nil {
		list, _ = all.ToMap()[key].([]any)
	}
	if i >= len(list) {
		return value
	}
	old, _ := list[i].(yaml.MapSlice)
	var ours yaml.MapSlice
	if err := yaml.UnmarshalWithOptions([]byte(d.render(value)), &ours, yaml.UseOrderedMap()); err != nil {
		return value
	}
	kept := len(ours)
	for _, item := range old {
		if name, ok := item.Key.(string); ok && name != "<<" && !slices.Contains(decided[key], name) {
			ours = append(ours, item)
		}
	}
	if len(ours) == kept {
		return value
	}
	return ours
}

// editList changes entries of a list that has one or more lines for each.
func (d *document) editList(lines []string, p part, list *ast.SequenceNode, removed []int, added []any,
	replaced map[int]any) {
	column := list.Start.Position.Column - 1
	write := func(values ...any) string {
		var out strings.Builder
		for line := range strings.Lines(d.render(values)) {
			out.WriteString(strings.Repeat(" ", column) + line)
		}
		return out.String()
	}
	var out strings.Builder
	first := list.Entries[0].Start.Position.Line - 1
	out.WriteString(strings.Join(lines[:first], ""))
	if len(added) > 0 {
		out.WriteString(write(added...))
	}
	for i, item := range list.Entries {
		start, next := item.Start.Position.Line-1, p.end
		if i+1 < len(list.Entries) {
			next = list.Entries[i+1].Start.Position.Line - 1
		}
		end := start
		if slices.Contains(removed, i) {
			end = trimmed(lines, start, next, column)
		}
		if value, ok := replaced[i]; ok {
			out.WriteString(write(value))
		}
		out.WriteString(strings.Join(lines[end:next], ""))
	}
	out.WriteString(strings.Join(lines[p.end:], ""))
	d.text = []byte(out.String())
}

// addInLine adds entries to a list in brackets.
func (d *document) addInLine(lines []string, list *ast.SequenceNode, added []any) {
	var text strings.Builder
	for _, value := range added {
		inLine, _ := json.Marshal(value) // strings, numbers and switches always have a JSON form
		text.WriteString(string(inLine) + ", ")
	}
	at := list.Start.Position
	runes := []rune(lines[at.Line-1])
	line := string(runes[:at.Column]) + text.String() + string(runes[at.Column:])
	d.replace(lines, at.Line-1, at.Line, line)
}

// rewrite writes a list again of which the form has no place for an entry: an empty one, or an alias.
func (d *document) rewrite(lines []string, p part, removed []int, added []any) error {
	all, err := d.values()
	if err != nil {
		return err
	}
	list, _ := all.ToMap()[p.key].([]any)
	values := slices.Clone(added)
	for i, value := range list {
		if !slices.Contains(removed, i) {
			values = append(values, value)
		}
	}
	text := d.render(yaml.MapSlice{{Key: p.key, Value: values}})
	if _, comment, found := strings.Cut(lines[p.end-1], " #"); found { // behind the list
		text = strings.Replace(text, d.newline(), " #"+comment, 1)
	}
	d.replace(lines, p.start, p.end, text)
	return nil
}

// replace puts text in the place of some lines.
func (d *document) replace(lines []string, start, end int, text string) {
	d.text = []byte(strings.Join(slices.Concat(lines[:start], []string{text}, lines[end:]), ""))
}

// render writes a value as YAML.
func (d *document) render(value any) string {
	options := []yaml.EncodeOption{yaml.UseLiteralStyleIfMultiline(d.newline() == "\n")} // CR LF would get into scripts
	text, _ := yaml.MarshalWithOptions(value, options...)                                // our own values are all plain
	return strings.ReplaceAll(string(text), "\n", d.newline())
}

// changedOnlyOurs compares the document with what it was before.
func (d *document) changedOnlyOurs(text []byte) error {
	var before, after map[string]any
	if err := errors.Join(yaml.Unmarshal(withNewline(text), &before), yaml.Unmarshal(d.text, &after)); err != nil {
		return err
	}
	for key, change := range d.changed {
		if !change.whole {
			old, _ := before[key].([]any)
			var others []any
			for i, value := range old {
				if !slices.Contains(change.removed, i) {
					others = append(others, value)
				}
			}
			have, _ := after[key].([]any)
			for _, value := range change.added {
				var plain any
				if err := yaml.Unmarshal([]byte(d.render(value)), &plain); err != nil {
					return err
				}
				at := slices.IndexFunc(have, func(v any) bool { return reflect.DeepEqual(v, plain) })
				if at < 0 {
					return fmt.Errorf("the list %s has a form in which nothing can be added to it", key)
				}
				have = slices.Delete(have, at, at+1)
			}
			if !slices.EqualFunc(others, have, func(a, b any) bool { return reflect.DeepEqual(a, b) }) {
				return fmt.Errorf("the list %s has a form that worldsetup can't edit", key)
			}
		}
		delete(before, key)
		delete(after, key)
	}
	if len(before)+len(after) > 0 && !reflect.DeepEqual(before, after) {
		return errors.New("it has a form that worldsetup can't edit")
	}
	return nil
}

func withNewline(text []byte) []byte {
	return append(bytes.TrimSuffix(slices.Clone(text), []byte("\n")), '\n')
}

// templateData is what a template in a configuration can refer to, as far as it is known here.
type templateData map[string]any

// expand executes text as a template. Lima leaves a text that is none as it is, and so is one with other data.
func expand(text string, data templateData) string {
	if expanded, ok := fields.Expand(text, data); ok {
		return expanded
	}
	return text
}

// WriteConfig gives the VM in the directory dir the configuration text: all of it or, when that fails, nothing.
func WriteConfig(dir string, text []byte) error {
	path, err := filepath.EvalSymlinks(filepath.Join(dir, filenames.LimaYAML))
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return writeWhole(path, text, info.Mode().Perm())
}

// writeWhole writes a file: all of it or, when that fails, nothing.
func writeWhole(path string, text []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".lima.yaml-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // it is gone after the rename
	_, err = file.Write(text)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// SameDirectory reports whether two paths are the same directory, by whatever names. Of one that is not there, the
// directories above it are compared.
func SameDirectory(a, b string) bool {
	a, b = filepath.Clean(a), filepath.Clean(b)
	if a == b {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	return errA != nil && errB != nil && filepath.Base(a) == filepath.Base(b) && filepath.Dir(a) != a &&
		SameDirectory(filepath.Dir(a), filepath.Dir(b))
}
