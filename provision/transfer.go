package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	// transferPause is how often it is looked how much of a file has come.
	transferPause = time.Second
	// transferWeight is the share of the newest measurement in the rate that is shown.
	transferWeight = 0.3
	sizeDeadline   = 10 * time.Second
)

// watchTransfer reports how much Lima has fetched from url, until ctx ends.
func (s *signs) watchTransfer(ctx context.Context, url string) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return
	}
	defer s.moved(nil)
	transfer := Transfer{Total: sizeOf(ctx, url)}
	ticker := time.NewTicker(transferPause)
	defer ticker.Stop()
	for {
		if done := arrived(cache, url); done > 0 {
			transfer.advance(done, transferPause)
			now := transfer
			s.moved(&now)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// advance notes that done bytes have come, some since a time ago.
func (t *Transfer) advance(done int64, since time.Duration) {
	rate := int64(float64(done-t.Done) / since.Seconds())
	switch {
	case t.Done == 0: // what had come before is no measurement
	case t.Rate == 0:
		t.Rate = rate
	default:
		t.Rate = int64(transferWeight*float64(rate) + (1-transferWeight)*float64(t.Rate))
	}
	t.Done, t.Left = done, 0
	if t.Rate > 0 && t.Total > done {
		t.Left = time.Duration(float64(t.Total-done) / float64(t.Rate) * float64(time.Second))
	}
}

// arrived is how much of url is in the temporary file that Lima (pkg/downloader, v2.1) fetches into: data.tmp.PID.N in
// a directory that is named by the address's SHA-256.
func arrived(cache, url string) (bytes int64) {
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

// sizeOf asks for the size of what is at url; 0 when the server does not say.
func sizeOf(ctx context.Context, url string) int64 {
	ctx, cancel := context.WithTimeout(ctx, sizeDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0
	}
	return max(0, response.ContentLength)
}
