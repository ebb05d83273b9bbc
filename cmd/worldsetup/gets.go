package main

import (
	"path/filepath"
	"slices"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// showGets shows what a person gets, before the steps that lead to it. What was changed is marked.
func showGets(to *lines, plan provision.Plan) {
	g := plan.Gets
	if g == nil || plan.Empty() {
		return
	}
	row := func(label, value string, fields ...string) {
		changed := ""
		if slices.ContainsFunc(fields, func(field string) bool { return slices.Contains(g.Changed, field) }) {
			changed = "  " + to.paint(strongTone, "changed")
		}
		to.drawn("  ", to.paint(dimTone, label), "        "[len(label):], to.clean(value), changed)
	}
	to.drawn(to.paint(strongTone, "what you get:"))
	where := g.Project + " at /src, writable"
	if g.Staged != "" {
		where = g.Project + ", copied to " + g.Staged
	}
	row("project", where, "project")
	if g.Worktree != "" {
		row("", "the primary checkout of the linked worktree "+g.Worktree+"; --worktree=self uses the worktree itself")
	}
	home := g.Home + ", read-only"
	if g.Home == "" {
		home = "left out"
	}
	row("home", home, "home")
	row("VM", to.dots(plan.VM, plaintext.Count(g.CPUs, "CPU"), plaintext.Bytes(g.Memory),
		plaintext.Bytes(g.Disk)+" disk", g.Type),
		"cpus", "memory", "disk", "vm_type")
	if title := g.ImageTitle(); title != "" {
		download := ""
		if g.Download {
			download = "to be downloaded"
			if g.DownloadSize > 0 {
				download += ": " + plaintext.Bytes(g.DownloadSize) + ", about " + plaintext.About(g.DownloadTime)
			}
		}
		row("guest", to.dots(title, download), "image")
	}
	agent := g.Agent
	if g.Probe {
		agent = "PROBE: answers, runs no commands"
	}
	row("agent", to.dots(agent, g.Layout), "agent")
	if units := plan.Units; units != nil && len(units.Files) > 0 {
		row("units", to.dots("the project's, in "+filepath.Dir(units.Files[0]), differing(units)))
		for _, warning := range slices.Concat(units.Warnings, prefixed("left empty: ", units.Empty)) {
			to.drawn("          ", to.paint(dimTone, to.clean(warning)))
		}
	}
}

// differing counts what of a project's units worldsetup's own have in another way.
func differing(units *provision.ProjectUnits) string {
	if len(units.Warnings) == 0 {
		return ""
	}
	return plaintext.Count(len(units.Warnings), "difference") + " from worldsetup's own"
}

func prefixed(prefix string, words []string) (prefixed []string) {
	for _, word := range words {
		prefixed = append(prefixed, prefix+word)
	}
	return prefixed
}
