package plaintext

import (
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// Part is a part of an advice: words, or a command to type, which has to stay in one piece.
type Part struct{ Words, Command string }

var (
	// programs matches what a command begins with: settings of variables, and a program that advice names.
	programs = lazyregexp.New(`^(?:[A-Z_]+=(?:"[^"]*"|\S+) )*(?:worldsetup|limactl|sudo|brew|apt-get|export|arch|` +
		`chmod|chown|mv|rm|mkdir|curl|ls|df|du|kill|ping|cargo|ssh|ssh-keygen|softwareupdate|xcode-select|command)` +
		"(?: |$|[;,)`])")
	// opens matches what stands before a command within words.
	opens = lazyregexp.New("(?m)^|: |\\(|`")
	// ends matches what ends one that stands in no brackets.
	ends = lazyregexp.New(`;? *(?:\n|$)|; |, | \(|\)|\. `)
	// edges are what is left around words when a command was taken out.
	edges = " ;,:.()`\n"
)

// Advice divides an advice into words and commands. What is only named in passing, as in "run worldsetup again", stays
// among the words; if there is no other command, it is repeated as one at the end.
func Advice(text string) (parts []Part) {
	found := false
	rest := text
	words := func(text string, last bool) {
		if found { // what closed the command before
			text = strings.TrimLeft(text, " \n;,)`")
		}
		if !last { // what opens the next one
			text = strings.TrimRight(text, " \n(`")
		}
		if strings.Trim(text, edges) != "" {
			parts = append(parts, Part{Words: strings.Trim(text, " \n;,")})
		}
	}
	for {
		start, end, ok := nextCommand(rest)
		if !ok {
			break
		}
		words(rest[:start], false)
		parts = append(parts, Part{Command: strings.TrimSpace(rest[start:end])})
		rest, found = rest[end:], true
	}
	words(rest, true)
	if !found && strings.Contains(text, "run worldsetup") {
		parts = append(parts, Part{Command: "worldsetup"})
	}
	return parts
}

// nextCommand returns where the first command in text begins and ends.
func nextCommand(text string) (start, end int, ok bool) {
	for _, open := range opens.FindAllStringIndex(text, -1) {
		start := open[1]
		if !programs.MatchString(text[start:]) {
			continue
		}
		end := start
		switch text[open[0]:open[1]] {
		case "`":
			if end = strings.IndexByte(text[start:], '`'); end < 0 || !strings.Contains(text[start:start+end], " ") {
				continue // a word only
			}
			end += start
		case "(":
			end += bracketed(text[start:])
		default:
			end += unquoted(text[start:])
		}
		return start, end, true
	}
	return 0, 0, false
}

// bracketed returns where the bracket closes that was opened before text.
func bracketed(text string) int {
	depth := 1
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return len(text)
}

// unquoted returns where a command ends that other words may follow; not within quotation marks.
func unquoted(text string) int {
	for _, place := range ends.FindAllStringIndex(text, -1) {
		before := text[:place[0]]
		if strings.Count(before, `'`)%2 == 0 && strings.Count(before, `"`)%2 == 0 {
			return place[0]
		}
	}
	return len(text)
}
