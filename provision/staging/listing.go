package staging

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ListDeadline bounds a list of the copy. One of 100,000 files takes seconds.
const ListDeadline = 2 * time.Minute

// Copy is a copy of a project as the guest has it.
type Copy struct {
	Entries  []Entry
	Manifest string // its text, the first 64 KiB; empty without one
	Leftover bool   // what a run that was killed has left beside it
}

// NewCopy returns a copy that its owner owns all of.
func NewCopy(entries []Entry, manifest string) *Copy {
	for i := range entries {
		entries[i].owned = true
	}
	return &Copy{Entries: entries, Manifest: manifest}
}

// Listing reads what the script "staged" prints, line by line. The list itself is in base64, since names can hold
// everything but a NUL: each entry is two texts that end with one, "TYPE|MODE|SIZE|TIME|UID|GID|PATH" and what a link
// holds.
type Listing struct {
	Copy

	owner        string // "UID:GID" of those who should own everything
	begun, ended bool
	rest         []byte // the beginning of an entry
	manifest     []byte
	err          error
}

// Line takes a line.
func (l *Listing) Line(line string) {
	if l.err == nil {
		l.err = l.line(line)
	}
}

// Done returns the copy, if all of it was listed.
func (l *Listing) Done() (*Copy, error) {
	switch {
	case l.err != nil:
		return nil, fmt.Errorf("the guest's list of the project's copy can't be read: %w", l.err)
	case !l.ended || len(l.rest) > 0:
		return nil, errors.New("the guest's list of the project's copy was cut off")
	}
	l.Manifest = string(l.manifest)
	return &l.Copy, nil
}

func (l *Listing) line(line string) (err error) {
	switch {
	case !l.begun:
		if l.begun = true; line != "worldsetup-staged 1" {
			return fmt.Errorf("it begins with %q", line)
		}
	case l.ended:
		return fmt.Errorf("something comes after its end: %q", line)
	case line == "end:":
		l.ended = true
	case strings.HasPrefix(line, "owner:"):
		l.owner = line[len("owner:"):]
	case line == "left:":
		l.Leftover = true
	case strings.HasPrefix(line, "manifest:"):
		var text []byte
		text, err = base64.StdEncoding.DecodeString(line[len("manifest:"):])
		l.manifest = append(l.manifest, text...)
	default:
		var text []byte
		if text, err = base64.StdEncoding.DecodeString(line); err == nil {
			err = l.take(text)
		}
	}
	return err
}

func (l *Listing) take(text []byte) error {
	l.rest = append(l.rest, text...)
	rest := l.rest
	for {
		head, more, found := bytes.Cut(rest, []byte{0})
		link, more, both := bytes.Cut(more, []byte{0})
		if !found || !both {
			break
		}
		if err := l.entry(string(head), string(link)); err != nil {
			return err
		}
		rest = more
	}
	l.rest = append(l.rest[:0], rest...)
	return nil
}

func (l *Listing) entry(text, link string) error {
	fields := strings.SplitN(text, "|", 7)
	if len(fields) != 7 || len(fields[0]) != 1 || fields[6] == "" {
		return fmt.Errorf("it has the entry %q", text)
	}
	e := Entry{Path: fields[6], Type: fields[0][0], Link: link}
	mode, err1 := strconv.ParseUint(fields[1], 8, 32)
	size, err2 := strconv.ParseInt(fields[2], 10, 64)
	at, err3 := nanoseconds(fields[3])
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("it has the entry %q: %w", text, err)
	}
	e.owned = fields[4]+":"+fields[5] == l.owner
	switch e.Type {
	case File:
		e.Mode, e.Size, e.ModTime = uint32(mode), size, at
	case Directory:
		e.Mode = uint32(mode)
	}
	l.Entries = append(l.Entries, e)
	return nil
}

// nanoseconds reads a time as find prints it: seconds, and a fraction of ten digits, which is added to them also before
// 1970.
func nanoseconds(text string) (int64, error) {
	seconds, fraction, _ := strings.Cut(text, ".")
	whole, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || len(fraction) == 0 {
		return whole * 1e9, err
	}
	part, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return whole*1e9 + part, err
}
