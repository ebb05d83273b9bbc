package main

import (
	"bytes"
	"os"
	"testing"
)

// The file is that of the modules which are linked now.
func TestNoticesAreCurrent(t *testing.T) {
	want, err := notices()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../THIRD_PARTY_NOTICES")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("THIRD_PARTY_NOTICES is not current: make notices")
	}
}
