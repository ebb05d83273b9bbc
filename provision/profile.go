package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// maxProfileFiles bounds how many files of this machine a profile may refer to.
const maxProfileFiles = 32

// ProfileDigest identifies what a profile says now: its text, and that of the files of this machine that it refers to.
// See [Spec.ProfileDigest].
func ProfileDigest(path string) (string, error) {
	files, err := profileFiles(path)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, file := range files {
		fmt.Fprintf(hash, "%d %s", len(file.text), file.text) // their texts say which files they are
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}

// ProfileOpens describes what the profile and the image of a resolved Spec open on this machine, as [Plan.Opens] does,
// without Lima: what a profile refers to elsewhere than on this machine is named, and not read.
func ProfileOpens(spec Spec) (opens []string, err error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	wanted := lima.Wanted{
		Home: filepath.Clean(home), NoHome: spec.MountHome == Off, Project: spec.Project, ProjectMount: guest.ProjectMount,
	}
	if spec.Profile == "" {
		return imageOpens(wanted, images(spec, ""))
	}
	wanted.Images = images(spec, "")
	files, err := profileFiles(spec.Profile)
	for _, file := range files {
		if !file.profile {
			continue
		}
		more, err := wanted.Opens(lima.Substitute(file.text, os.Getenv("HOME"), spec.Project))
		if err != nil {
			return nil, fmt.Errorf("%s: %s", file.path, lima.WithoutExcerpts(err.Error()))
		}
		for _, one := range more {
			if !slices.Contains(opens, one) {
				opens = append(opens, one)
			}
		}
	}
	return opens, err
}

func imageOpens(wanted lima.Wanted, list []limatype.Image) ([]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	wanted.Images = list
	return wanted.Opens([]byte("{}"))
}

// profileFile is a profile, or a file that one refers to.
type profileFile struct {
	path    string
	text    []byte
	profile bool // and no script
}

// profileFiles reads a profile and the files of this machine that it refers to, each once.
func profileFiles(path string) (files []profileFile, err error) {
	files = []profileFile{{path: path, profile: true}}
	for i := 0; i < len(files); i++ {
		file := &files[i]
		if file.text, err = readLimited(file.path, maxProfile); err != nil {
			return nil, err
		}
		if !file.profile {
			continue
		}
		profile, err := lima.ParseProfile(file.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", file.path, lima.WithoutExcerpts(err.Error()))
		}
		bases := lima.Bases(profile)
		for at, locator := range append(bases, lima.Files(profile)...) {
			next, local := localFile(locator, filepath.Dir(file.path))
			known := slices.ContainsFunc(files, func(f profileFile) bool { return f.path == next })
			if !local || known {
				continue
			}
			if len(files) == maxProfileFiles {
				return nil, fmt.Errorf("the profile %s refers to more than %d files", path, maxProfileFiles)
			}
			files = append(files, profileFile{path: next, profile: at < len(bases)})
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
