// Package unittext has the systemd units that a project brings for its generation: it finds their templates, fills them
// in as the system's own tools do, byte for byte, and checks that the result keeps the contract.
//
// The templates are a project's, which may come from anyone. They are bounded in size, are regular files inside of the
// project, and count only once a person has trusted the project, which the caller sees to by their Digest.
package unittext

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/atomize-hq/worldsetup/internal/inside"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Template is the text of one unit, with variables.
type Template struct {
	Path string // absolute
	Text string
}

// Templates are those of both units of a layout.
type Templates struct {
	Service, Socket Template
	// Digest is "sha256:" and that of both texts.
	Digest string

	of layout.Layout
}

// maxTemplate is the size of the largest template, in bytes: units have one or two KiB.
const maxTemplate = 16 << 10

// Find returns the templates of a project; nil when it has none for the layout. The error is of KindUsage.
func Find(project string, of layout.Layout) (*Templates, error) {
	if !of.Templates {
		return nil, nil
	}
	dir, err := inside.Open(project, layout.UnitTemplates)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, refusal(filepath.Join(project, layout.UnitTemplates), err.Error(), "make it a directory of the project")
	}
	dir.Close()
	found := &Templates{of: of}
	hash := sha256.New()
	for _, one := range []struct {
		to   *Template
		name string
	}{{&found.Service, of.Service() + ".tmpl"}, {&found.Socket, of.Socket()}} {
		name := path.Join(layout.UnitTemplates, one.name)
		one.to.Path = filepath.Join(project, filepath.FromSlash(name))
		if one.to.Text, err = read(project, name); err != nil {
			return nil, refusal(one.to.Path, finding.Cause(err).Error(),
				"put the unit's text there, or remove "+filepath.Join(project, layout.UnitTemplates)+", and worldsetup has its own")
		}
		fmt.Fprintf(hash, "%d %s", len(one.to.Text), one.to.Text)
	}
	found.Digest = "sha256:" + hex.EncodeToString(hash.Sum(nil))
	return found, nil
}

func read(project, name string) (string, error) {
	file, err := inside.Open(project, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("it is missing")
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("it is not a regular file (%v)", info.Mode())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxTemplate+1))
	if err == nil && len(text) > maxTemplate {
		err = fmt.Errorf("it has more than %s, which no unit has", plaintext.Bytes(maxTemplate))
	}
	return string(text), err
}

func refusal(path, why, next string) *finding.Error {
	return &finding.Error{
		Kind: finding.KindUsage, What: "the unit " + path + ", which the project brings, cannot be used", Why: why,
		Next: next + "; then run worldsetup again",
	}
}
