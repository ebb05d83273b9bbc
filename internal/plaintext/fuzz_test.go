package plaintext

import (
	"strings"
	"testing"
)

// FuzzRedact: a password in an address never comes through, whatever stands around it, and what was redacted stays so.
func FuzzRedact(f *testing.F) {
	for _, seed := range []string{"", "get ", "\"", "a=b&", "x://", "\\", "]", "http", "@", "user:"} {
		f.Add(seed, " failed")
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "S3cr3tPassw0rd"
		text := before + " https://ada:" + secret + "@proxy.example:8080/ " + after
		redacted := Redact(text)
		if strings.Contains(redacted, secret) && !strings.Contains(before+after, secret) {
			t.Errorf("%q became %q", text, redacted)
		}
		if again := Redact(redacted); again != redacted {
			t.Errorf("%q became %q, and that %q", text, redacted, again)
		}
	})
}
