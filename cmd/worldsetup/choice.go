package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

// choices are the settings of one command and what was given for them.
// The rules are: a flag beats the environment, which beats the project's file, which beats the user's; of several variables
// the first one set counts, an empty variable counts as unset, an empty flag is an error, and an error in a value names where
// it came from. A value that is beaten is not looked at, beyond its type.
type choices struct {
	settings []setting
	given    []*given
	getenv   func(string) string
}

func newChoices(flags *pflag.FlagSet, getenv func(string) string, settings []setting) *choices {
	c := &choices{settings: settings, getenv: getenv}
	for _, setting := range c.settings {
		c.given = append(c.given, setting.addTo(flags))
	}
	return c
}

// spec makes a resolved Spec for the project, of everything that was given. The answers are those that count.
func (c *choices) spec(project string) (provision.Spec, []answer, error) {
	return c.specOf(project, c.flags, c.environment, c.files)
}

// specOf is spec with only some of what was given.
func (c *choices) specOf(project string, givers ...func(project string) ([]answer, error)) (provision.Spec, []answer, error) {
	spec := provision.Spec{Project: project}
	if _, err := spec.Resolve(); err != nil {
		return spec, nil, err
	}
	var all []answer
	for _, answers := range givers {
		given, err := answers(project)
		if err != nil {
			return spec, nil, err
		}
		all = append(all, given...)
	}
	counting := countingOnes(c.settings, all)
	for _, answer := range counting {
		if err := answer.apply(&spec); err != nil {
			return spec, nil, err
		}
	}
	resolved, err := spec.Resolve()
	return resolved, counting, unlike(counting, err)
}

func (c *choices) flags(string) (answers []answer, err error) {
	for i, setting := range c.settings {
		given := c.given[i]
		if given.is && given.text == "" {
			return nil, usage("give it a value, or leave it out", "--%s has an empty value", setting.flag)
		}
		if given.is {
			answers = append(answers, answer{setting, given.text, fromFlag, "--" + setting.flag})
		}
	}
	return answers, nil
}

func (c *choices) environment(string) (answers []answer, err error) {
	for _, setting := range c.settings {
		set := slices.IndexFunc(setting.env, func(name string) bool { return c.getenv(name) != "" })
		if set >= 0 {
			answers = append(answers, answer{setting, c.getenv(setting.env[set]), fromEnvironment, setting.env[set]})
		}
	}
	return answers, nil
}

// files are the answers that are kept: the project's, which is the working directory when none was named, and the user's.
func (c *choices) files(project string) (answers []answer, err error) {
	path, err := projectFile(project)
	if err == nil { // a working directory that is gone keeps nothing
		if answers, err = c.file(path, fromProjectFile); err != nil {
			return nil, err
		}
	}
	user := config.UserPath(c.getenv)
	if user == "" || user == path {
		return answers, nil
	}
	more, err := c.file(user, fromUserFile)
	return append(answers, more...), err
}

// projectFile is where the choices of a project are kept.
func projectFile(project string) (string, error) {
	path, err := filepath.Abs(filepath.Join(project, config.Name))
	if err != nil {
		return "", usage("name it: worldsetup DIR", "the working directory, which would be the project, is gone: %v", err)
	}
	return path, nil
}

// file are the answers in one file. What this command has no use for is read as strictly as the rest.
func (c *choices) file(path string, from source) (answers []answer, err error) {
	file, err := config.Read(path, fileKeys())
	if file == nil || err != nil {
		return nil, err
	}
	for _, entry := range file.Entries {
		i := slices.IndexFunc(c.settings, func(s setting) bool { return s.flag == entry.Key })
		if i >= 0 {
			value := fromFile(entry.Key, entry.Value, filepath.Dir(path), c.getenv("HOME"))
			answers = append(answers, answer{c.settings[i], value, from, fmt.Sprintf("%s:%d", path, entry.Line)})
		}
	}
	return answers, nil
}
