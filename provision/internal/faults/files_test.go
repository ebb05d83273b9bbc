package faults

import (
	"testing"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestWritable: directories above ours are root's to change.
func TestWritable(t *testing.T) {
	for _, c := range []struct {
		mode, owner, kind string
		acl               []string
		wrong             bool
	}{
		{"755", "root", "directory", nil, false}, {"555", "root", "directory", nil, false},
		{"777", "root", "directory", nil, true}, {"1777", "root", "directory", nil, true},
		{"775", "root", "directory", nil, true}, {"2755", "root", "directory", nil, false},
		{"755", "ada", "directory", nil, true}, {"777", "root", "symbolic link", nil, false},
		{"755", "root", "directory", []string{"user:games:r-x"}, false},
		{"755", "root", "directory", []string{"default:user:games:rwx"}, true},
	} {
		o := &guest.Observation{Files: map[string]guest.File{"/run": {Type: c.kind, Mode: c.mode, Owner: c.owner}}}
		if c.acl != nil {
			o.ACLs = map[string][]string{"/run": c.acl}
		}
		if paths, reasons := Writable(o); len(paths) == 1 != c.wrong || len(reasons) != len(paths) {
			t.Errorf("%+v: %v %q", c, paths, reasons)
		}
	}
}
