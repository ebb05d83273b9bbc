package provision

import "strings"

// firstLine returns the first line of a text, without its newline.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// nonEmpty returns text as the only element, or nothing if it is empty.
func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// prefixed returns words, each with prefix before it.
func prefixed(prefix string, words []string) (prefixed []string) {
	for _, word := range words {
		prefixed = append(prefixed, prefix+word)
	}
	return prefixed
}
