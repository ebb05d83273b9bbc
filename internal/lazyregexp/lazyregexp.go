// Package lazyregexp holds regular expressions that are compiled when they are first used.
//
// Compiling all of them while the program starts took longer than the rest of `worldsetup --version`. In a test binary
// they are compiled at once, so that a bad one fails every test of its package.
package lazyregexp

import (
	"os"
	"regexp"
	"strings"
	"sync"
)

// Regexp is a regular expression that several goroutines may use. Its methods are those of [regexp.Regexp].
type Regexp struct {
	text string
	get  func() *regexp.Regexp
}

var inTest = strings.HasSuffix(strings.TrimSuffix(os.Args[0], ".exe"), ".test")

// New returns the regular expression of a text. A text that is none makes its first use panic.
func New(text string) *Regexp {
	r := &Regexp{text: text, get: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
	if inTest {
		r.get()
	}
	return r
}

func (r *Regexp) String() string { return r.text }

func (r *Regexp) Match(text []byte) bool { return r.get().Match(text) }

func (r *Regexp) MatchString(text string) bool { return r.get().MatchString(text) }

func (r *Regexp) FindString(text string) string { return r.get().FindString(text) }

func (r *Regexp) FindStringSubmatch(text string) []string { return r.get().FindStringSubmatch(text) }

func (r *Regexp) FindAllIndex(text []byte, n int) [][]int { return r.get().FindAllIndex(text, n) }

func (r *Regexp) FindAllStringIndex(text string, n int) [][]int {
	return r.get().FindAllStringIndex(text, n)
}

func (r *Regexp) FindAllStringSubmatchIndex(text string, n int) [][]int {
	return r.get().FindAllStringSubmatchIndex(text, n)
}

func (r *Regexp) ReplaceAllString(text, by string) string { return r.get().ReplaceAllString(text, by) }

func (r *Regexp) ReplaceAllFunc(text []byte, by func([]byte) []byte) []byte {
	return r.get().ReplaceAllFunc(text, by)
}

func (r *Regexp) ReplaceAllStringFunc(text string, by func(string) string) string {
	return r.get().ReplaceAllStringFunc(text, by)
}
