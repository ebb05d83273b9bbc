package main

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

// keeping finds out whether what the flags say can be kept in the project's file, if that is wanted, and returns what does
// it when the run has come to its end.
func (a *app) keeping(project string, answers []answer) (keep func(error) error, err error) {
	if !a.save {
		return func(err error) error { return err }, nil
	}
	path, err := projectFile(project)
	if err != nil {
		return nil, err
	}
	changes := kept(answers, filepath.Dir(path), fromFlag)
	if len(changes) == 0 {
		return nil, usage("give the flags that are to be kept, as in --cpus 2 --save; `worldsetup init` writes a file without any", "--save keeps what other flags say, and they say nothing that can be kept")
	}
	if _, err := withKept(path, changes); err != nil {
		return nil, err
	}
	if err := unix.Access(filepath.Dir(path), unix.W_OK); err != nil {
		return nil, usage("make it writable, or leave --save out", "the directory %s cannot be written to: %v", filepath.Dir(path), err)
	}
	return func(err error) error {
		if !wentAhead(err) {
			return err
		}
		if failure := a.keep(path, changes); err == nil && failure != nil {
			return failure
		}
		return err
	}, nil
}

// wentAhead says whether the run behind an error took its answers: what says "nothing was changed" has no exception here.
func wentAhead(err error) bool {
	failure := provision.AsError(err)
	return failure == nil || failure.Kind == provision.KindProvisioning || failure.Kind == provision.KindUnhealthy
}

// kept are those of the answers that come from one of the sources and can be kept, as they are written in dir.
func kept(answers []answer, dir string, sources ...source) (entries []config.Entry) {
	for _, answer := range answers {
		_, can := keyOf(answer.setting.flag)
		for _, source := range sources {
			if can && answer.source == source {
				entries = append(entries, config.Entry{Key: answer.setting.flag, Value: forFile(answer.setting.flag, answer.value, dir)})
			}
		}
	}
	return entries
}

// withKept is the text of a file with other choices in it.
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

// keep writes the choices into the file as it is by now.
func (a *app) keep(path string, changes []config.Entry) error {
	text, err := withKept(path, changes)
	if err == nil {
		err = config.Write(path, text, 0o644)
	}
	if err != nil {
		return &provision.Error{
			Kind: provision.KindProvisioning, What: "the choices could not be kept in " + path, Why: err.Error(),
			Next: "`worldsetup status` shows the world; run it again, or write them yourself", Err: err,
		}
	}
	if a.json == nil {
		newLines(a.out, a.utf8).printf("kept in %s: %s", path, names(changes))
	}
	return nil
}

func names(entries []config.Entry) string {
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Key)
	}
	return strings.Join(names, ", ")
}
