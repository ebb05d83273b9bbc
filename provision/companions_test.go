package provision

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// The report shows what is there, what was left out, and what is not from this project; only what differs is wrong.
func TestCompanionsAreReported(t *testing.T) {
	target, state := healthyTarget(), healthyState(t)
	withGateway(&target)
	target.leftOut = []Rejected{{Path: filepath.Join("/p", "bin/substrate"), Why: "it is a Mach-O file"}}
	state.Guest.Files["/usr/local/bin/substrate"] = guest.File{Type: "regular file", Mode: "755"}
	health := Health{}
	health.companions(target, state.Guest)
	if len(health.Items) != 2 || health.Items[0].Outcome != Failed || health.Items[1].Outcome != Info ||
		!strings.Contains(health.Items[1].Found, "Mach-O") || !strings.Contains(health.Items[1].Found,
		"/usr/local/bin/substrate is not from this project") {
		t.Errorf("%+v", health.Items)
	}
	state.Guest.Files["/usr/local/bin/substrate-gateway"] = guest.File{Type: "regular file", Mode: "755",
		Owner: "root", Group: "root", SHA256: "2"}
	health = Health{}
	if health.companions(target, state.Guest); health.Items[0].Outcome != OK {
		t.Errorf("%+v", health.Items)
	}
}
