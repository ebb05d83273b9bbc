package tui

import "github.com/atomize-hq/worldsetup/provision"

// gonePage says that the world was taken away.
type gonePage struct{}

func (gonePage) title() string { return "Removed" }

func (gonePage) offers(*facts) []offer {
	return []offer{{again, "plan a new one"}, {openLog, "log"}, {leave, "leave"}}
}

func (gonePage) body(f *facts, t *text) {
	t.put(t.mark(provision.OK)+" "+t.good.Render("removed")+": ", "the world in the VM "+f.vm+" is gone. What Lima has downloaded for it is kept for the next one.")
	t.blank()
	for i := range f.story.steps {
		left(t, &f.story.steps[i])
	}
}
