package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// maxFiles bounds how many files of this machine a profile may refer to.
const maxFiles = 32

// Digest identifies what a profile says now: its text, and that of the files of this machine that it refers to.
func Digest(path string) (string, error) {
	files, err := Files(path)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, file := range files {
		fmt.Fprintf(hash, "%d %s", len(file.Text), file.Text) // their texts say which files they are
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}

// File is a profile, or a file that one refers to.
type File struct {
	Path    string
	Text    []byte
	Profile bool // and no script
}

// Files reads a profile and the files of this machine that it refers to, each once.
func Files(path string) (files []File, err error) {
	files = []File{{Path: path, Profile: true}}
	for i := 0; i < len(files); i++ {
		file := &files[i]
		if file.Text, err = readfile.Limited(file.Path, MaxSize); err != nil {
			return nil, err
		}
		if !file.Profile {
			continue
		}
		profile, err := lima.ParseProfile(file.Text)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", file.Path, lima.WithoutExcerpts(err.Error()))
		}
		bases := lima.Bases(profile)
		for at, locator := range append(bases, lima.Files(profile)...) {
			next, local := localFile(locator, filepath.Dir(file.Path))
			known := slices.ContainsFunc(files, func(f File) bool { return f.Path == next })
			if !local || known {
				continue
			}
			if len(files) == maxFiles {
				return nil, fmt.Errorf("the profile %s refers to more than %d files", path, maxFiles)
			}
			files = append(files, File{Path: next, Profile: at < len(bases)})
			file = &files[i]
		}
	}
	return files, nil
}

// localFile returns the file of this machine that a locator in a file of directory names.
func localFile(locator, directory string) (path string, local bool) {
	if at, err := url.Parse(locator); err == nil && len(at.Scheme) > 1 && at.Scheme != "file" {
		return "", false
	}
	path = strings.TrimPrefix(locator, "file://")
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, _ := os.UserHomeDir()
		return filepath.Join(home, rest), true
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path), true
	}
	return filepath.Join(directory, path), true
}
