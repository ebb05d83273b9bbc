package plaintext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestRedact: no secret stays, whatever is around it and however it is written.
func TestRedact(t *testing.T) {
	for _, text := range []string{
		`http://ada:S3cretPw@proxy:8080`, `https://S3cretPw@host/image.img`, `https_proxy=ada:S3cretPw@proxy:8080`,
		`proxy: http://http://CORP%5Cada:S3cretPw@proxy.corp:8080`, `http://CORP\ada:S3cretPw@proxy.corp:8080`,
		`http://ada:x/S3cretPw@proxy.corp:8080`, `http://ada:1234/S3cretPw@proxy`, `http://ada:x#S3cretPw@proxy`,
		`http://ada:x@S3cretPw#y@proxy.corp:3128`, `http://ada:x?S3cretPw@proxy`, `http://ada:x"S3cretPw@proxy`,
		`parse "http://ada:x\"S3cretPw@proxy": invalid port`, `http://ada:ü€S3cretPw@proxy`,
		`open /home/ada/https:/ada:S3cretPw@host/i.img: no such file`, `HTTPS://ada:S3cretPw@host/i.img`,
		`(see http://ada:S3cretPw@proxy/a@b), and http://ada:S3cretPw@two`, `socks5://:S3cretPw@[::1]:1080`,
		`{"msg":"x","location":"https:\/\/ada:S3cretPw@host\/image"}`,
		`https://host/image.img?X-Amz-Signature=S3cretPw&b=c`, `https://host/i?a=b&sig=S3cretPw`,
		`Authorization: Bearer S3cretPw`, `AUTHORIZATION: BEARER S3cretPw`, `export HTTPS_PROXY='ada:S3cretPw@proxy'`,
		"first\nhttp://ada:S3cretPw@proxy\nlast", `https://host/?access_token=S3cretPw`,
	} {
		if got := Redact(text); strings.Contains(got, "S3cretPw") || !strings.Contains(got, mask) {
			t.Errorf("%s became %s", text, got)
		}
		if got := Mask(text); strings.Contains(got, "S3cretPw") ||
			utf8.RuneCountInString(got) != utf8.RuneCountInString(text) {
			t.Errorf("%s was masked as %s", text, got)
		}
		if got := Clean(text, true); strings.Contains(got, "S3cretPw") {
			t.Errorf("%s is shown as %s", text, got)
		}
		line, err := json.Marshal(map[string]any{text: []any{text, 1.5}, "z": 12345678901234567})
		if err != nil {
			t.Fatal(err)
		}
		got := RedactJSON(line)
		if strings.Contains(string(got), "S3cretPw") || !json.Valid(got) ||
			!strings.Contains(string(got), "12345678901234567") {
			t.Errorf("%s became %s", line, got)
		}
	}
}

// TestRedactKeeps what is no secret.
func TestRedactKeeps(t *testing.T) {
	for _, text := range []string{
		"", "plain", "ada@example.org", "http://proxy:8080", "https://host:8443/images/noble.img",
		"https://host/image@2x.img", "ssh ada@host -p 22", "git@github.com:atomize-hq/worldsetup.git",
		"ubuntu:24.04@sha256:0123", "https://host/?page=2&sort=key", "proxy: none", `{"a":"b@c","d":"x://y"}`,
	} {
		if got := Redact(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
		if got := RedactJSON([]byte(text)); string(got) != text {
			t.Errorf("%q became %q as JSON", text, got)
		}
	}
	if got, want := Redact("get https://ada:x@host/i.img now"), "get https://***@host/i.img now"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRedactJSONOfAnyText: what is no JSON stays as it is, and what begins a string that does not end hides none.
func TestRedactJSONOfAnyText(t *testing.T) {
	for text, want := range map[string]string{
		`"`: `"`, `"\`: `"\`, `"a\"`: `"a\"`, `{"a":"b\\"}`: `{"a":"b\\"}`, "\"a\nb\"": "\"a\nb\"",
		`{"a":"x\"https://ada:S3cretPw@h/i"} "`: `{"a":"x\"https://***@h/i"} "`,
		`""https://ada:S3cretPw@h/i"`:           `""https://ada:S3cretPw@h/i"`,
	} {
		if got := string(RedactJSON([]byte(text))); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}
