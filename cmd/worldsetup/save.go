package main

import (
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

// saver does what --save asks for: it saves the values of the flags, and the choices that were made during the run.
type saver struct {
	stateDir string
	values   []value
	begun    provision.Choices // those of the flags
	chosen   provision.Choices // those of the last run
}

// newSaver checks, before anything is changed, that the values can be saved.
func (a *app) newSaver(spec provision.Spec, values []value) (*saver, error) {
	choices := choicesOf(spec)
	s := &saver{spec.StateDir, values, choices, choices}
	path, changes, err := s.changes()
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 && !a.canAsk() {
		return nil, usage("give flags to save, as in --cpus 2 --save; `worldsetup init` writes a file without any",
			"--save saves the values of other flags, and no flag has a value that can be saved")
	}
	if _, err := editFile(path, changes); err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return nil, usage("make it writable, or leave --save out", "the directory %s is not writable: %v", dir, err)
	}
	return s, nil
}

// changes returns what to save, and in which file.
func (s *saver) changes() (path string, changes []config.Value, err error) {
	if path, err = projectFile(s.chosen.Project); err != nil {
		return "", nil, err
	}
	changes = savedValues(s.values, filepath.Dir(path), fromFlag)
	if s.chosen == s.begun {
		return path, changes, nil
	}
	chosen := savedChoices(s.chosen, filepath.Dir(path))
	changes = slices.DeleteFunc(changes, func(flag config.Value) bool {
		return slices.ContainsFunc(chosen, func(c config.Value) bool { return c.Key == flag.Key })
	})
	return path, append(changes, chosen...), nil
}

// finish saves the values if the run went ahead with them. An error that means "nothing was changed" saves nothing.
func (a *app) finish(s *saver, err error) error {
	failure := provision.AsError(err)
	if failure != nil && failure.Kind != provision.KindProvisioning && failure.Kind != provision.KindUnhealthy {
		return err
	}
	path, changes, problem := s.changes()
	if problem == nil && len(changes) > 0 {
		problem = a.saveFile(path, s.stateDir, changes)
	}
	switch {
	case problem != nil && err == nil:
		return &provision.Error{
			Kind: provision.KindProvisioning, What: "the values could not be saved in " + path, Why: problem.Error(),
			Next: "`worldsetup status` shows the world; run it again, or write them yourself", Err: problem,
		}
	case problem == nil && len(changes) > 0 && a.json == nil:
		a.stdout().printf("saved in %s: %s", path, keysOf(changes))
	}
	return err
}

// savedValues returns those of the values that have one of the sources and can be saved, as a file in dir has them.
func savedValues(values []value, dir string, from ...source) (changes []config.Value) {
	for _, v := range values {
		if o := optionNamed(v.Name); o.never == "" && slices.Contains(from, v.Source) {
			changes = append(changes, config.Value{Key: v.Name, Text: o.forFile(v.Text, dir)})
		}
	}
	return changes
}

// savedChoices returns choices as a file in dir has them. A choice that was left open is removed from the file.
func savedChoices(c provision.Choices, dir string) (changes []config.Value) {
	for _, choice := range choicesIn(&c) {
		if choice.field == provision.FieldProject {
			continue // it is where the file is
		}
		change := config.Value{Key: string(choice.field)}
		if *choice.text != "" {
			change.Text = optionNamed(change.Key).forFile(*choice.text, dir)
		}
		changes = append(changes, change)
	}
	return changes
}

// saveChoices saves choices in the project's file and returns its path.
func (a *app) saveChoices(c provision.Choices, stateDir string) (path string, err error) {
	if path, err = projectFile(c.Project); err != nil {
		return "", err
	}
	return path, a.saveFile(path, stateDir, savedChoices(c, filepath.Dir(path)))
}

// saveFile writes changes to the file as it is now. The user gave them, so that a file that was trusted stays trusted.
func (a *app) saveFile(path, stateDir string, changes []config.Value) error {
	own, ours := a.ownBut(path, stateDir, changes), isWritten(path, stateDir)
	text, err := editFile(path, changes)
	if err != nil {
		return err
	}
	if err := config.Write(path, text, 0o644); err != nil {
		return err
	}
	if own {
		a.trustOwn(path, stateDir)
	}
	if ours {
		keepWritten(path, stateDir, text)
	}
	return nil
}

// editFile returns the text of a file with changes in it.
func editFile(path string, changes []config.Value) ([]byte, error) {
	file, err := config.Read(path, fileKeys())
	if err != nil {
		return nil, err
	}
	if file == nil {
		file = config.New(path, []byte(fileHeader(false)), fileKeys())
	}
	return file.With(changes)
}

// keysOf lists the keys that get a value.
func keysOf(changes []config.Value) string {
	var names []string
	for _, change := range changes {
		if change.Text != "" {
			names = append(names, change.Key)
		}
	}
	return strings.Join(names, ", ")
}
