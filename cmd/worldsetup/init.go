package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

const initLong = `init writes the choices that flags and environment variables make into worldsetup.yaml, with a line of documentation for
each key. It goes into PROJECT, else into the working directory, and with --user into the user's own folder, for all projects:
$XDG_CONFIG_HOME/worldsetup, else ~/.config/worldsetup.

A file that is there already is left alone, unless --force says otherwise. To add to one: worldsetup --save. docs/config.md
describes the keys.`

// initCommand writes a file of choices.
func (a *app) initCommand() *cobra.Command {
	command := &cobra.Command{Use: "init [PROJECT]", Short: "write the choices to worldsetup.yaml, where the other commands find them", Long: initLong, Args: atMostOneProject}
	flags := command.Flags()
	flags.SortFlags = false
	user := flags.Bool("user", false, "the user's own file, in place of the project's")
	force := flags.Bool("force", false, "write it anew if there is one")
	choices := newChoices(flags, a.getenv, slices.DeleteFunc(settings(), func(s setting) bool { _, can := keyOf(s.flag); return !can }))
	flags.Bool("json", false, "one JSON object, for scripts")
	command.RunE = func(command *cobra.Command, args []string) error {
		if err := a.settleFace(command); err != nil {
			return err
		}
		project := strings.Join(args, "") // at most one
		if *user && project != "" {
			return usage("leave one of them out", "--user and a project exclude each other")
		}
		_, answers, err := choices.specOf(project, choices.flags, choices.environment)
		if err != nil {
			return err
		}
		return a.init(project, *user, *force, answers)
	}
	return command
}

// init writes the file.
func (a *app) init(project string, user, force bool, answers []answer) error {
	path, mode, err := a.initPath(project, user)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); !force && !errors.Is(err, fs.ErrNotExist) {
		return usage("look at it first; --force writes it anew, and `worldsetup --save` adds to it", "%s is there already", path)
	}
	dir := filepath.Dir(path)
	if user {
		dir = "" // what is named is somewhere else
	}
	changes := kept(answers, dir, fromFlag, fromEnvironment)
	text, err := config.New(path, []byte(fileTemplate(user))).With(changes, fileKeys())
	if err != nil {
		return err
	}
	if err := config.Write(path, text, mode); err != nil {
		return usage("name a directory that you can write to", "%s cannot be written: %v", path, err)
	}
	a.tellInit(path, project, changes)
	return nil
}

// initPath is where the file goes, and what others may do with it. The user's folder is made.
func (a *app) initPath(project string, user bool) (path string, mode fs.FileMode, err error) {
	if !user {
		path, err = projectFile(project)
		return path, 0o644, err
	}
	if path = config.UserPath(a.getenv); path == "" {
		return "", 0, usage("set HOME to your home directory", "your home directory is unknown")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", 0, usage("make it, or set XDG_CONFIG_HOME", "the folder for %s cannot be made: %v", path, err)
	}
	return path, 0o600, nil
}

// written is the JSON form of what init did.
type written struct {
	Schema   int               `json:"schema"`
	Path     string            `json:"path"`
	Settings map[string]string `json:"settings"`
}

func (a *app) tellInit(path, project string, changes []config.Entry) {
	if a.json != nil {
		object := written{provision.Schema, path, map[string]string{}}
		for _, change := range changes {
			object.Settings[change.Key] = change.Value
		}
		a.json.answer(object)
		return
	}
	to := newLines(a.out, a.utf8)
	if len(changes) == 0 {
		to.printf("wrote %s: it keeps nothing yet, and says what it could", path)
	} else {
		to.printf("wrote %s: it keeps %s", path, keysOf(changes))
	}
	to.printf("next, type:")
	to.printf("  %s", strings.TrimSpace("worldsetup plan "+quoteProject(project)))
}

// quoteProject is a project as it is typed.
func quoteProject(project string) string {
	if project == "" {
		return ""
	}
	if strings.HasPrefix(project, "-") {
		project = "./" + project
	}
	return shellescape.Quote(project)
}
