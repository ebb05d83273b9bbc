package guest

import (
	"crypto/sha256"
	"encoding/hex"
)

// Checksum is the SHA-256 of a content, as an observation has it.
func Checksum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}
