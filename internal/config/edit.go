package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// With returns the text of the file with other values. The lines of other keys and all comments stay as they are: the
// YAML library's own printer would drop blank lines, alignment and CR LF, so only its positions and its quoting are
// used here. The result is read again before it is returned; a file that can't be changed like this is an error.
func (f *File) With(changes []Value) ([]byte, error) {
	lines := strings.SplitAfter(string(f.text), "\n")
	var added []Value
	for _, change := range changes {
		at := slices.IndexFunc(f.Values, func(v Value) bool { return v.Key == change.Key })
		switch {
		case at < 0 && change.Text != "":
			added = append(added, change)
		case at < 0:
		case change.Text == "":
			lines[f.Values[at].Line-1] = "" // keeps the numbers of the other lines
		default:
			before := f.Values[at]
			line := &lines[before.Line-1]
			if start := before.column - 1; start >= 0 &&
				strings.HasPrefix((*line)[min(start, len(*line)):], before.source) {
				*line = (*line)[:start] + f.encode(change) + (*line)[start+len(before.source):]
			}
		}
	}
	for _, change := range added {
		insert(lines, change.Key, change.Key+": "+f.encode(change)+"\n")
	}
	text := []byte(strings.Join(lines, ""))
	again, err := parse(f.Path, text, f.keys)
	if err != nil || !again.holds(f.Values, changes) {
		return nil, usage(asInExample+"; or change it yourself",
			"worldsetup can't edit %s in its current form", f.Path)
	}
	return text, nil
}

// holds reports whether the file has the values from before with the changes.
func (f *File) holds(before, changes []Value) bool {
	want, found := map[string]string{}, map[string]string{}
	for _, value := range slices.Concat(before, changes) {
		want[value.Key] = value.Text
	}
	for _, value := range f.Values {
		found[value.Key] = value.Text
	}
	maps.DeleteFunc(want, func(_, text string) bool { return text == "" })
	return maps.Equal(want, found)
}

// insert adds a line below the example of its key, which is commented out, or at the end. It joins the line with an
// existing element of lines, so the numbers of the other lines stay.
func insert(lines []string, key, line string) {
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#"+key+":") })
	if at < 0 || !strings.HasSuffix(lines[at], "\n") {
		at = len(lines) - 1
	}
	if lines[at] != "" && !strings.HasSuffix(lines[at], "\n") {
		lines[at] += "\n"
	}
	lines[at] += line
}

// harmless matches text that needs no quotes, unless YAML reads it as another type.
var harmless = lazyregexp.New(`^[A-Za-z0-9/._~][A-Za-z0-9/._~+@:-]*$`)

// encode writes a value as YAML. JSON's way of quoting is YAML's as well.
func (f *File) encode(value Value) string {
	kind := f.keys[slices.IndexFunc(f.keys, func(k Key) bool { return k.Name == value.Key })].Kind
	if kind == Number || kind == Switch {
		return value.Text
	}
	if harmless.MatchString(value.Text) {
		var plain any
		err := yaml.Unmarshal([]byte(value.Text), &plain)
		_, number := plain.(uint64)
		if err == nil && (plain == value.Text || kind == Size && number) {
			return value.Text
		}
	}
	quoted, _ := yaml.MarshalWithOptions(value.Text, yaml.JSON()) // text always has a JSON form
	return strings.TrimSuffix(string(quoted), "\n")
}
