package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
)

// toDownload is the address from which a new VM's image would be fetched, or why nothing has to be. images are the
// places in which it may be, the best first: URLs and files. cache is Lima's cache of downloads.
func toDownload(h Host, images []string, cache string) (address, local string) {
	if len(images) == 0 {
		return "", "the VM has its image"
	}
	for _, image := range images {
		if !strings.HasPrefix(image, "https://") && !strings.HasPrefix(image, "http://") {
			return "", "the image is a file"
		}
		if _, err := h.Stat(cached(cache, image)); err == nil {
			return "", "Lima has the image in its cache"
		}
	}
	return images[0], ""
}

// cached is where Lima keeps what it downloaded from address (its pkg/downloader).
func cached(cache, address string) string {
	sum := sha256.Sum256([]byte(address))
	return filepath.Join(cache, "download", "by-url-sha256", hex.EncodeToString(sum[:]), "data")
}
