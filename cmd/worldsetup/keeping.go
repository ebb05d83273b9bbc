package main

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

// saving is what --save does: what the flags say is kept, and what was chosen in the course of the run.
type saving struct {
	project string
	answers []answer
	begun   provision.Choices // before somebody chose
	chosen  provision.Choices
}

// newSaving finds out, before anything is changed, whether the choices can be kept.
func (a *app) newSaving(spec provision.Spec, answers []answer) (*saving, error) {
	choices := choicesOf(spec)
	s := &saving{spec.Project, answers, choices, choices}
	path, changes, err := s.changes()
	if err != nil {
		return nil, err
	}
	canChoose := a.json == nil && !a.silent && a.person.out != nil
	if len(changes) == 0 && !canChoose {
		return nil, usage("give the flags that are to be kept, as in --cpus 2 --save; `worldsetup init` writes a file without any", "--save keeps what other flags say, and they say nothing that can be kept")
	}
	if _, err := withKept(path, changes); err != nil {
		return nil, err
	}
	if err := unix.Access(filepath.Dir(path), unix.W_OK); err != nil {
		return nil, usage("make it writable, or leave --save out", "the directory %s cannot be written to: %v", filepath.Dir(path), err)
	}
	return s, nil
}

// changes are what is to be kept, and where.
func (s *saving) changes() (path string, changes []config.Entry, err error) {
	project := s.project
	if s.chosen.Project != s.begun.Project {
		project = s.chosen.Project
	}
	if path, err = projectFile(project); err != nil {
		return "", nil, err
	}
	changes = kept(s.answers, filepath.Dir(path), fromFlag)
	if s.chosen == s.begun {
		return path, changes, nil
	}
	chosen := chosenOnes(s.chosen, filepath.Dir(path))
	changes = slices.DeleteFunc(changes, func(e config.Entry) bool {
		return slices.ContainsFunc(chosen, func(c config.Entry) bool { return c.Key == e.Key })
	})
	return path, append(changes, chosen...), nil
}

// end keeps the choices if the run went ahead with them. What says "nothing was changed" has no exception here.
func (a *app) end(s *saving, err error) error {
	failure := provision.AsError(err)
	if failure != nil && failure.Kind != provision.KindProvisioning && failure.Kind != provision.KindUnhealthy {
		return err
	}
	path, changes, problem := s.changes()
	if problem == nil && len(changes) > 0 {
		problem = keep(path, changes)
	}
	switch {
	case problem != nil && err == nil:
		return &provision.Error{
			Kind: provision.KindProvisioning, What: "the choices could not be kept in " + path, Why: problem.Error(),
			Next: "`worldsetup status` shows the world; run it again, or write them yourself", Err: problem,
		}
	case problem == nil && len(changes) > 0 && a.json == nil:
		newLines(a.out, a.utf8).printf("kept in %s: %s", path, keysOf(changes))
	}
	return err
}

// kept are those of the answers that come from one of the sources and can be kept, as they are written in dir.
func kept(answers []answer, dir string, sources ...source) (entries []config.Entry) {
	for _, answer := range answers {
		if _, can := keyOf(answer.setting.flag); can && slices.Contains(sources, answer.source) {
			entries = append(entries, config.Entry{Key: answer.setting.flag, Value: forFile(answer.setting.flag, answer.value, dir)})
		}
	}
	return entries
}

// chosenOnes are choices as they are written in dir. What was left open is kept no longer.
func chosenOnes(c provision.Choices, dir string) (entries []config.Entry) {
	for _, choice := range choicesFor(c) {
		if choice.field == provision.FieldProject {
			continue // it is where the file is
		}
		entry := config.Entry{Key: string(choice.field)}
		if choice.value != "" {
			entry.Value = forFile(entry.Key, choice.value, dir)
		}
		entries = append(entries, entry)
	}
	return entries
}

// keepChoices keeps choices in the project's file, and says where that is.
func keepChoices(c provision.Choices) (path string, err error) {
	if path, err = projectFile(c.Project); err != nil {
		return "", err
	}
	return path, keep(path, chosenOnes(c, filepath.Dir(path)))
}

// keep writes changes into the file as it is by now.
func keep(path string, changes []config.Entry) error {
	text, err := withKept(path, changes)
	if err != nil {
		return err
	}
	return config.Write(path, text, 0o644)
}

// withKept is the text of a file with changes in it.
func withKept(path string, changes []config.Entry) ([]byte, error) {
	file, err := config.Read(path, fileKeys())
	if err != nil {
		return nil, err
	}
	if file == nil {
		file = config.New(path, []byte(fileHeader(false)))
	}
	return file.With(changes, fileKeys())
}

// keysOf are the keys that have a value.
func keysOf(entries []config.Entry) string {
	var names []string
	for _, entry := range entries {
		if entry.Value != "" {
			names = append(names, entry.Key)
		}
	}
	return strings.Join(names, ", ")
}
