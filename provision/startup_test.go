package provision

import (
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestNoiseIsReported: as a warning as long as the mounts are there.
func TestNoiseIsReported(t *testing.T) {
	s := State{
		Instance: &limatype.Instance{Name: "substrate", Config: &limatype.LimaYAML{Mounts: []limatype.Mount{{}}}},
		Guest:    &guest.Observation{Home: "/home/ada"}, Mounts: []string{""},
	}
	for _, c := range []struct {
		prepare func()
		want    Outcome
	}{
		{func() {}, ""},
		{func() { prints(&s) }, Warning},
		{func() { s.Mounts[0] = "gone" }, Failed},
	} {
		c.prepare()
		var health Health
		if health.reportNoise(s); c.want == "" && len(health.Items) > 0 ||
			c.want != "" && (len(health.Items) != 1 || health.Items[0].Outcome != c.want ||
				!strings.Contains(health.Items[0].Found, `Welcome back!\x1b`)) {
			t.Errorf("%+v, want %q", health.Items, c.want)
		}
	}
}
