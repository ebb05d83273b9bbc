package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/provision"
)

// choices are the settings of one command and what was given for them.
// The rules are: a flag beats the environment, of several variables the first one set counts, an empty variable counts as
// unset, an empty flag is an error, and an error in a variable's value names the variable.
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

// variable is a setting that came from the environment.
type variable struct{ name, value string }

// spec makes a resolved Spec for the project. The variables are those that name files: what is in one shows only later.
func (c *choices) spec(project string) (provision.Spec, []variable, error) {
	spec, _, err := c.apply(project, false)
	if err != nil {
		return spec, nil, err
	}
	if _, err := spec.Resolve(); err != nil {
		return spec, nil, err
	}
	spec, used, err := c.apply(project, true)
	if err != nil {
		return spec, nil, err
	}
	// What is wrong only now comes from the environment.
	resolved, err := spec.Resolve()
	return resolved, used, blame(used, err)
}

// apply puts the flags, and with environment also the variables, into a Spec.
func (c *choices) apply(project string, environment bool) (spec provision.Spec, used []variable, err error) {
	spec.Project = project
	for i, setting := range c.settings {
		if given := c.given[i]; given.is {
			if given.text == "" {
				return spec, nil, usage("give it a value, or leave it out", "--%s has an empty value", setting.flag)
			}
			if err := setting.set(&spec, given.text); err != nil {
				return spec, nil, err
			}
			continue
		}
		if found := c.lookUp(setting.env); environment && found.value != "" {
			if err := setting.set(&spec, found.value); err != nil {
				return spec, nil, blame([]variable{found}, err)
			}
			if setting.value == "FILE" {
				used = append(used, found)
			}
		}
	}
	return spec, used, nil
}

func (c *choices) lookUp(names []string) variable {
	for _, name := range names {
		if value := c.getenv(name); value != "" {
			return variable{name, value}
		}
	}
	return variable{}
}

// blame adds to a usage error which of the values came from the environment.
func blame(used []variable, err error) error {
	failure := provision.AsError(err)
	if failure == nil || failure.Kind != provision.KindUsage || len(used) == 0 {
		return err
	}
	var whys []string
	if failure.Why != "" {
		whys = append(whys, failure.Why)
	}
	for _, variable := range used {
		whys = append(whys, fmt.Sprintf("the environment has %s=%q", variable.name, variable.value))
	}
	blamed := *failure
	blamed.Why = strings.Join(whys, "\n")
	return &blamed
}
