package lima

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
)

// Download returns where Lima keeps what it downloaded from url (pkg/downloader, v2.1): in a directory that is named by
// the address's SHA-256. cache is the user's directory for caches.
func Download(cache, url string) string {
	key := sha256.Sum256([]byte(url))
	return filepath.Join(cache, "lima", "download", "by-url-sha256", hex.EncodeToString(key[:]), "data")
}

// Cached reports whether Lima has url in its cache.
func Cached(url string) bool {
	cache, err := os.UserCacheDir()
	if err == nil {
		_, err = os.Stat(Download(cache, url))
	}
	return err == nil
}

// Arrived returns the size of the temporary file into which Lima downloads url: data.tmp.PID.N.
func Arrived(cache, url string) (bytes int64) {
	files, _ := filepath.Glob(Download(cache, url) + ".tmp.*")
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			bytes = max(bytes, info.Size())
		}
	}
	return bytes
}
