package provision

import (
	"testing"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// TestSocketStays: in a world of any generation a new agent is started while the socket listens, also where an older
// generation has the same marker. On the way from an older one, the units change, and it can't.
func TestSocketStays(t *testing.T) {
	for i, of := range layout.All {
		for _, from := range layout.All[:i+1] {
			seen := &guest.Observation{Layout: of, Marker: from.Marker, Files: map[string]guest.File{
				from.ServicePath(): {Type: "regular file"}, from.SocketPath(): {Type: "regular file"},
			}}
			task, err := activateTask(target{}, seen, Step{listens: true})
			if err != nil {
				t.Fatal(err)
			}
			change, ok := task.change.(guest.Activate)
			if stays := of.Is(from); !ok || change.Listens != stays || stays && (change.Units || len(change.Old) > 0) {
				t.Errorf("from %s to %s: %+v", from.Name, of.Name, task.change)
			}
		}
	}
}
