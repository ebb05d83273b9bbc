// Package redact takes out of text what tells who its user is and where, and what gives access: for what is sent to
// others.
//
// The rules are: rather too much than too little; the same address, host, user or number gets the same placeholder in
// all texts of one Redactor, so that they can still be told apart; text that is redacted again stays as it is, as far
// as what was found is concerned. Redaction by form finds what has a form, or a name before it; a bare word that is a
// password looks like any other word. What this machine knows of its user is therefore given to [New] as well.
package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// mask stands for what gives access.
const mask = "***"

// Known is what is known of this machine and its user.
type Known struct {
	Users, Homes, Hosts []string
	// Secrets are values that are secret wherever they are.
	Secrets []string
}

// Redactor redacts the texts of one bundle. It may be used by several goroutines.
type Redactor struct {
	known Known

	mu      sync.Mutex
	numbers map[string]map[string]int // by kind and value
}

// generic are names that many machines have, and that tell nothing.
var generic = []string{
	"", "root", "nobody", "user", "admin", "runner", "lima", "ubuntu", "debian", "fedora", "substrate", "localhost",
	"localdomain", "guest", "host", "test", "demo", "home", "linux", "worldsetup", "vagrant", "docker",
}

// New returns a redactor. Names that are too short to be replaced everywhere are still replaced where their place shows
// what they are.
func New(known Known) *Redactor {
	longestFirst := func(a, b string) int { return len(b) - len(a) }
	clean := func(values []string, least int) []string {
		values = slices.DeleteFunc(slices.Clone(values), func(value string) bool {
			return len(value) < least || slices.Contains(generic, strings.ToLower(value))
		})
		slices.SortStableFunc(values, longestFirst)
		return values
	}
	var homes []string
	for _, home := range known.Homes {
		homes = append(homes, strings.TrimRight(home, "/"))
	}
	return &Redactor{
		known: Known{
			Users: clean(known.Users, 3), Homes: clean(homes, 5), Hosts: clean(known.Hosts, 3),
			Secrets: clean(known.Secrets, 6),
		},
		numbers: map[string]map[string]int{},
	}
}

// numbered returns the placeholder of a value.
func (r *Redactor) numbered(kind, value string) string {
	value = strings.ToLower(value)
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.numbers[kind]
	if of == nil {
		of = map[string]int{}
		r.numbers[kind] = of
	}
	if of[value] == 0 {
		of[value] = len(of) + 1
	}
	return fmt.Sprintf("[%s-%d]", kind, of[value])
}

// Text returns text without what is to be redacted, without escape sequences, and as UTF-8.
func (r *Redactor) Text(text string) string {
	text = visible(text)
	for _, secret := range r.known.Secrets {
		text = strings.ReplaceAll(text, secret, mask)
	}
	if strings.Contains(text, " BEGIN ") || strings.Contains(text, "-BEGIN ") {
		text = blocks.ReplaceAllString(text, "[key]")
	}
	var lines strings.Builder
	for line := range strings.Lines(text) {
		content := strings.TrimSuffix(line, "\n")
		lines.WriteString(r.line(content))
		lines.WriteString(line[len(content):])
	}
	return lines.String()
}

// line redacts one line.
func (r *Redactor) line(text string) string {
	text = plaintext.Redact(text) // it takes an address up to the next space
	folded := lower(text)
	if publicKeys.applies(folded) {
		text = publicKeys.pattern.ReplaceAllString(text, "[key]")
	}
	text = named(text, folded)
	if tokens.applies(folded) {
		text = tokens.pattern.ReplaceAllString(text, mask)
	}
	text = random(r.ids(text))
	for _, home := range r.known.Homes {
		text = replaceWord(text, home, func(string) string { return "~" })
	}
	text = r.places(text)
	for _, host := range r.known.Hosts {
		text = replaceWord(text, host, func(found string) string { return r.numbered("host", found) })
	}
	for _, user := range r.known.Users {
		text = replaceWord(text, user, func(found string) string { return r.numbered("user", found) })
	}
	return text
}

// visible returns the text that a person would see: a secret may be divided by colours.
func visible(text string) string {
	var seen strings.Builder
	for line := range strings.Lines(text) {
		content := strings.TrimRight(line, "\r\n")
		for part := range strings.SplitSeq(content, "\r") { // an overwritten line is kept whole
			seen.WriteString(strings.Map(func(r rune) rune {
				if unicode.Is(unicode.Cf, r) {
					return -1
				}
				return r
			}, plaintext.Line(part)))
			seen.WriteByte('\n')
		}
		if !strings.HasSuffix(line, "\n") {
			return strings.TrimSuffix(seen.String(), "\n")
		}
	}
	return seen.String()
}

// replaceWord replaces a word, in capitals or not, where no letter or digit is before or after it.
func replaceWord(text, word string, by func(found string) string) string {
	folded, key := lower(text), lower(word)
	var result strings.Builder
	last := 0
	for at := 0; ; {
		i := strings.Index(folded[at:], key)
		if i < 0 {
			break
		}
		begin, end := at+i, at+i+len(key)
		if begin > 0 && alphanumeric(text[begin-1]) || end < len(text) && alphanumeric(text[end]) {
			at = begin + 1
			continue
		}
		result.WriteString(text[last:begin])
		result.WriteString(by(text[begin:end]))
		last, at = end, end
	}
	result.WriteString(text[last:])
	return result.String()
}

// lower is strings.ToLower for ASCII, which keeps the length.
func lower(text string) string {
	folded := []byte(text)
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

var jsonStrings = lazyregexp.New(`"(?:[^"\\]|\\.)*"`)

// JSON redacts each string of a JSON text, and keeps its form. The name before a value counts as it does in text.
// Text that is no JSON is redacted as such.
func (r *Redactor) JSON(text []byte) []byte {
	if !json.Valid(text) {
		return []byte(r.Text(string(text)))
	}
	var result bytes.Buffer
	last, key, keyEnd := 0, "", -1
	for _, at := range jsonStrings.FindAllIndex(text, -1) {
		var plain string
		_ = json.Unmarshal(text[at[0]:at[1]], &plain) // it is part of valid JSON
		isKey := bytes.HasPrefix(bytes.TrimLeft(text[at[1]:], " \t\r\n"), []byte(":"))
		redacted := ""
		switch {
		case !isKey && keyEnd >= 0 && string(bytes.Trim(text[keyEnd:at[0]], " \t\r\n")) == ":":
			redacted = r.value(key, plain)
		default:
			redacted = r.Text(plain)
		}
		if isKey {
			key, keyEnd = plain, at[1]
		}
		result.Write(text[last:at[0]])
		encoder := json.NewEncoder(&result)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(redacted) // a string always has a JSON form
		result.Truncate(result.Len() - 1)
		last = at[1]
	}
	result.Write(text[last:])
	return result.Bytes()
}

// value redacts a value that has a name.
func (r *Redactor) value(name, value string) string {
	name, value = visible(name), r.Text(value)
	if secretName.MatchString(name) && !harmless.MatchString(value) {
		return mask
	}
	if !strings.ContainsAny(name, "= \n") {
		if rest, found := strings.CutPrefix(r.Text(name+"="+value), name+"="); found {
			return rest
		}
	}
	return value
}

// File redacts the content of a file: JSON, lines of JSON, or text.
func (r *Redactor) File(content []byte) []byte {
	if json.Valid(content) {
		return r.JSON(content)
	}
	var result, text bytes.Buffer
	flush := func() {
		result.WriteString(r.Text(text.String()))
		text.Reset()
	}
	for line := range bytes.Lines(content) {
		if bytes.HasPrefix(line, []byte("{")) && json.Valid(line) {
			flush()
			result.Write(r.JSON(line))
			continue
		}
		text.Write(line)
	}
	flush()
	return result.Bytes()
}
