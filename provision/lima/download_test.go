package lima

import (
	"os"
	"path/filepath"
	"testing"
)

// TestArrived: what counts is Lima's own temporary file of that address.
func TestArrived(t *testing.T) {
	const url = "https://example.org/image.img"
	cache := t.TempDir()
	if Arrived(cache, url) != 0 {
		t.Error("something arrived where nothing is")
	}
	// sha256sum of the address, as Lima's downloader names it
	dir := filepath.Join(cache,
		"lima/download/by-url-sha256/8ec249812ce604b1b92b068d4a3be408fbdaf790197b86efaa32b9213a5a2c93")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data.tmp.4711.1"), make([]byte, 123), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Arrived(cache, url); got != 123 {
		t.Errorf("got %d bytes, want 123", got)
	}
}
