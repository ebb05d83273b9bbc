package checks

import (
	"strings"
	"testing"
)

// A proxy that Go's programs would silently go without is an error, in which its password is not told.
func TestProxyAddress(t *testing.T) {
	for value, right := range map[string]bool{
		"http://proxy:3128": true, "proxy:3128": true, "proxy": true, "socks5://10.0.0.1:1080": true, "http://u:secret@proxy": true,
		"http://u:secret@%zz:1": false, "://": false,
	} {
		if isProxy(value) != right {
			t.Errorf("%q: %v", value, !right)
		}
		t.Setenv("HTTPS_PROXY", value)
		if _, err := proxyFor("https://images.example/x"); (err == nil) != right || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
