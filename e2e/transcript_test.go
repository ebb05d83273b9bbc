//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/e2e/results"
	"github.com/atomize-hq/worldsetup/internal/scenario"
	"github.com/atomize-hq/worldsetup/provision"
)

// show logs what a run or a report came to, so that a failed scenario can be followed without running it again.
func (p *place) show(o scenario.Outcome) {
	p.t.Helper()
	var text strings.Builder
	for i, plan := range o.Plans {
		fmt.Fprintf(&text, "\n  plan %d: %v", i+1, plan)
	}
	fmt.Fprintf(&text, "\n  steps: %v", o.Steps)
	for _, item := range o.Health.Items {
		if item.Outcome != provision.OK {
			fmt.Fprintf(&text, "\n  %s %s: %s", item.Outcome, item.ID, item.Found)
		}
	}
	for _, access := range o.Health.Access {
		if access.Outcome != provision.OK {
			fmt.Fprintf(&text, "\n  %s access of %s: %s", access.Outcome, access.ID, access.Found)
		}
	}
	if o.Err != nil {
		fmt.Fprintf(&text, "\n  error (%s): %s\n    why: %s\n    next: %s", o.Err.Kind,
			o.Err.What, o.Err.Why, o.Err.Next)
	}
	p.t.Logf("ready: %v%s", o.Health.Ready, text.String())
}

// record appends a line to the file that -results names.
func record(t *testing.T, line results.Line) {
	t.Helper()
	if suite.results == nil {
		return
	}
	if err := suite.results.Append(line); err != nil {
		t.Errorf("record the result: %v", err)
	}
}

// guestVersions asks a guest for the versions of what worldsetup meets in it: a line each, NAME=VERSION.
const guestVersions = `. /etc/os-release
echo "OS=$PRETTY_NAME"
echo "kernel=$(uname -r)"
echo "systemd=$(systemctl --version | sed -n '1s/^systemd \([^ ]*\).*/\1/p')"
echo "sudo=$(sudo --version | head -n 1)"
echo "OpenSSH=$(ssh -V 2>&1 | sed 's/,.*//')"
echo "coreutils=$(ls --version | head -n 1)"
echo "cloud-init=$(cloud-init --version 2>&1 | sed 's/^[^ ]* //')"
`

// recordVersions records what a rig consists of.
func (w *world) recordVersions(t *testing.T) {
	t.Helper()
	if suite.results == nil {
		return
	}
	versions := map[string]string{}
	for line := range strings.Lines(w.root(t, guestVersions)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), "=")
		versions[name] = version
	}
	record(t, results.Line{Rig: w.rig.name, Versions: versions})
}
