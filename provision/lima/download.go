package lima

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
)

// Arrived returns the size of the temporary file into which Lima (pkg/downloader, v2.1) downloads url: data.tmp.PID.N
// in a directory that is named by the address's SHA-256.
func Arrived(cache, url string) (bytes int64) {
	key := sha256.Sum256([]byte(url))
	files, _ := filepath.Glob(filepath.Join(cache, "lima", "download", "by-url-sha256",
		hex.EncodeToString(key[:]), "data.tmp.*"))
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			bytes = max(bytes, info.Size())
		}
	}
	return bytes
}
