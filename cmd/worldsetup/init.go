package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

const initLong = `init saves the values of flags and environment variables in worldsetup.yaml, with a line of
documentation for each key. It writes the file to PROJECT, else to the working directory, and with --user to the user's
own directory, for all projects: $XDG_CONFIG_HOME/worldsetup, else ~/.config/worldsetup.

An existing file stays as it is, unless --force is given. To add to it: worldsetup --save. docs/config.md describes the
keys.`

// initCommand returns the command that writes worldsetup.yaml.
func (a *app) initCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "init [PROJECT]",
		Short: "write worldsetup.yaml, which saves values for the other commands", Long: initLong,
		Example: examples("worldsetup init --cpus 8 --agent "+exampleAgent,
			"worldsetup init --user --size dev"),
	}
	user := command.Flags().Bool("user", false, "write the user's own file instead of the project's")
	force := command.Flags().Bool("force", false, "replace an existing file")
	command.Args = func(command *cobra.Command, args []string) error {
		if *user && len(args) > 0 {
			return usage("leave one of them out", "--user and a project exclude each other")
		}
		return atMostOneProject(command, args)
	}
	in := &inputs{options: savedOptions(), noFiles: true}
	a.withOptions(command, in, func(_ context.Context, c invocation) error { return a.init(c, *user, *force) })
	return hide(command, "verbose")
}

// init writes the file.
func (a *app) init(c invocation, user, force bool) error {
	path, mode, err := a.initPath(c.project(), user)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); !force && !errors.Is(err, fs.ErrNotExist) {
		return usage("read it first; --force replaces it, and `worldsetup --save` adds to it",
			"%s already exists", path)
	}
	dir := filepath.Dir(path)
	if user {
		dir = "" // the paths in it are somewhere else
	}
	changes := savedValues(c.values, dir, fromFlag, fromEnvironment)
	text, err := config.New(path, []byte(fileTemplate(user)), fileKeys()).With(changes)
	if err != nil {
		return err
	}
	if err := config.Write(path, text, mode); err != nil {
		return usage("name a directory that you can write to", "%s can't be written: %v", path, err)
	}
	a.trustOwn(path, c.spec.StateDir)
	keepWritten(path, c.spec.StateDir, text)
	a.showWritten(path, c.project(), changes)
	return nil
}

// initPath returns the path of the file and its mode. It creates the user's directory.
func (a *app) initPath(project string, user bool) (path string, mode fs.FileMode, err error) {
	if !user {
		path, err = projectFile(project)
		return path, 0o644, err
	}
	if path = config.UserPath(a.getenv); path == "" {
		return "", 0, usage("set HOME to your home directory", "your home directory is unknown")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", 0, usage("create it, or set XDG_CONFIG_HOME", "the directory of %s can't be created: %v", path, err)
	}
	return path, 0o600, nil
}

// written is the JSON form of what init did.
type written struct {
	Schema   int               `json:"schema"`
	Path     string            `json:"path"`
	Settings map[string]string `json:"settings"`
}

func (a *app) showWritten(path, project string, changes []config.Value) {
	if a.json != nil {
		object := written{provision.Schema, path, map[string]string{}}
		for _, change := range changes {
			object.Settings[change.Key] = change.Text
		}
		a.json.result(object)
		return
	}
	to := a.stdout()
	if len(changes) == 0 {
		to.printf("wrote %s: no values yet, and a line for each key", path)
	} else {
		to.printf("wrote %s: it saves %s", path, keysOf(changes))
	}
	to.printf("next, type:")
	to.printf("  %s", strings.TrimSpace("worldsetup plan "+quoteProject(project)))
}

// quoteProject returns a project as it is typed.
func quoteProject(project string) string {
	if project == "" {
		return ""
	}
	if strings.HasPrefix(project, "-") {
		project = "./" + project
	}
	return shellescape.Quote(project)
}

// fileHeader returns the comment that begins a file.
func fileHeader(user bool) string {
	const plan = "# `worldsetup plan` shows where each value comes from."
	if user {
		return "# Values for all projects. Flags, variables and a project's own worldsetup.yaml beat them.\n" + plan +
			"\n"
	}
	return "# Values for this project. Flags and variables beat them; they beat those of the user's own file.\n" +
		plan +
		" Relative paths start here.\n"
}

// fileTemplate returns a file with all keys, commented out, and what they mean.
func fileTemplate(user bool) string {
	var text strings.Builder
	text.WriteString(fileHeader(user))
	for _, o := range savedOptions() {
		fmt.Fprintf(&text, "\n# %s\n#%s: %s\n", o.help(), o.name, o.example)
	}
	return text.String()
}
