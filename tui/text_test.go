package tui

import (
	"slices"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		words string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"short", 10, []string{"short"}},
		{"two words more", 10, []string{"two words", "more"}},
		{"exactly ten", 11, []string{"exactly ten"}},
		{"see qemu-system-x86_64 now", 18, []string{"see", "qemu-system-x86_64", "now"}}, // not at its hyphens
		{"  indented line of a log", 12, []string{"  indented", "line of a", "log"}},
		{"abcdefghijklmnop", 10, []string{"abcdefghij", "klmnop"}},
		{"  abcdefghijklmnop", 10, []string{"  abcdefgh", "ijklmnop"}},
		{"世界世界世界", 9, []string{"世界世界", "世界"}},
		{"Grüße an alle", 8, []string{"Grüße an", "alle"}},
		{"anything", 0, []string{"anything"}},
	} {
		if got := wrap(test.words, test.width); !slices.Equal(got, test.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", test.words, test.width, got, test.want)
		}
	}
}
