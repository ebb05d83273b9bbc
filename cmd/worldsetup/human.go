package main

import (
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// usually says how long something usually takes, in brackets; nothing when nobody knows.
func usually(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " (usually " + plaintext.Duration(d) + ")"
}
