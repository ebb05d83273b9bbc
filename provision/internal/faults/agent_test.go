package faults

import (
	"slices"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestTakeAway: names come from the guest, and stand quoted in commands.
func TestTakeAway(t *testing.T) {
	found := TakeAway([]guest.Wish{
		{File: "/etc/a b.d/x.conf", Override: "/etc/a b.d/x.conf"},
		{File: "/usr/lib/;id.d/x.conf", Override: "/etc/;id.d/x.conf"},
	})
	want := []string{
		"sudo mv '/etc/a b.d/x.conf' '/etc/a b.d/x.conf.displaced'",
		"sudo mkdir -p '/etc/;id.d'", "sudo ln -s /dev/null '/etc/;id.d/x.conf'",
	}
	if !slices.Equal(found, want) {
		t.Errorf("%q", found)
	}
}
