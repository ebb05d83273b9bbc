package plaintext

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// mask stands for a secret.
const mask = "***"

// addresses matches what begins like a URL, up to the next space: a user name and a password may hold anything else
// when they were not escaped. Slashes may be escaped, as in some JSON, and one is left of a URL that was taken for a
// path.
var addresses = lazyregexp.New(`(?i)(?:[a-z][a-z0-9+.-]*:\\*/\\*/|https?:/)(\S+)`)

// secrets matches in its last group what is secret by the name before it: a proxy's address without a scheme, a
// parameter of a URL, and a header of HTTP.
var secrets = []*lazyregexp.Regexp{
	lazyregexp.New(`(?i)proxy["']?\s*[=:]\s*["']?(\S+)@`),
	lazyregexp.New(`(?i)[?&][\w.%-]*(?:token|secret|passw|signature|credential|auth|apikey|api_key|access_?key)` +
		`[\w.%-]*=([^&\s"'#]+)`),
	lazyregexp.New(`(?i)[?&](?:sig|key|pw|pwd)=([^&\s"'#]+)`),
	lazyregexp.New(`(?i)\bauthorization:\s*(?:basic|bearer|token)\s+(\S+)`),
}

// Redact returns text without the secrets in it: user names and passwords of URLs, also of those that are not well
// formed, parameters that are signatures or tokens, and the like. All that leaves the process passes through it.
func Redact(text string) string {
	for _, span := range slices.Backward(secretsIn(text)) {
		text = text[:span[0]] + mask + text[span[1]:]
	}
	return text
}

// Mask is like Redact, but keeps the length of the text, in characters: for a text that is edited.
func Mask(text string) string {
	for _, span := range slices.Backward(secretsIn(text)) {
		hidden := strings.Repeat("*", len([]rune(text[span[0]:span[1]])))
		text = text[:span[0]] + hidden + text[span[1]:]
	}
	return text
}

// secretsIn returns where the secrets in text begin and end, in order, and not overlapping.
func secretsIn(text string) (spans [][2]int) {
	if !strings.ContainsAny(text, "@?&") && !strings.Contains(strings.ToLower(text), "authorization") {
		return nil
	}
	for _, match := range addresses.FindAllStringSubmatchIndex(text, -1) {
		if length := userinfo(text[match[2]:match[3]]); length > 0 {
			spans = append(spans, [2]int{match[2], match[2] + length})
		}
	}
	for _, pattern := range secrets {
		for _, match := range pattern.FindAllStringSubmatchIndex(text, -1) {
			spans = append(spans, [2]int{match[len(match)-2], match[len(match)-1]})
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	merged := spans[:0]
	for _, span := range spans {
		if n := len(merged); n > 0 && span[0] <= merged[n-1][1] {
			merged[n-1][1] = max(merged[n-1][1], span[1])
			continue
		}
		merged = append(merged, span)
	}
	return slices.DeleteFunc(merged, func(span [2]int) bool { // masked already
		return strings.Trim(text[span[0]:span[1]], "*") == ""
	})
}

// userinfo returns the length of the user name and password at the beginning of a URL without its scheme. An @ in a
// path counts as their end if a colon is before it: a password may hold a slash that was not escaped.
func userinfo(address string) int {
	end := strings.LastIndexByte(address, '@')
	if end < 0 {
		return 0
	}
	host := len(address)
	if i := strings.IndexAny(address, "/?#"); i >= 0 {
		host = i
	}
	if host < end && !strings.Contains(address[:end], ":") {
		end = strings.LastIndexByte(address[:host], '@')
	}
	return max(end, 0)
}

// RedactJSON redacts each string in a JSON text, and changes nothing else.
func RedactJSON(text []byte) []byte {
	redacted := make([]byte, 0, len(text))
	for {
		begin := bytes.IndexByte(text, '"')
		if begin < 0 {
			return append(redacted, text...)
		}
		redacted, text = append(redacted, text[:begin]...), text[begin:]
		length := quotedLength(text)
		redacted, text = append(redacted, redactQuoted(text[:length])...), text[length:]
	}
}

// quotedLength is the length of the JSON string at the beginning of a text, or 1 if it does not end.
func quotedLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 1
}

func redactQuoted(quoted []byte) []byte {
	var plain string
	if json.Unmarshal(quoted, &plain) != nil {
		return quoted
	}
	redacted := Redact(plain)
	if redacted == plain {
		return quoted
	}
	var again strings.Builder
	encoder := json.NewEncoder(&again)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(redacted) // a string always has a JSON form
	return []byte(strings.TrimSuffix(again.String(), "\n"))
}
