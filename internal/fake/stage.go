package fake

import (
	"archive/tar"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/staging"
)

// staged lists the copy of the project.
func (m *machine) staged(of layout.Layout) *staging.Copy {
	if m.files[of.Current()] == nil {
		return &staging.Copy{}
	}
	manifest := ""
	if file := m.files[of.Manifest()]; file != nil {
		manifest = string(file.data)
	}
	return staging.NewCopy(slices.Collect(maps.Values(m.copied)), manifest)
}

// stage makes a new copy of the project from the old one and a tar stream.
func (m *machine) stage(of layout.Layout, staged guest.Staging, stream io.Reader) error {
	if !m.group {
		return failed("stage", 1, "chown: invalid group: 'user:substrate'")
	}
	copied := maps.Clone(m.copied)
	if copied == nil || m.files[of.Current()] == nil {
		copied = map[string]staging.Entry{}
	}
	for _, path := range staged.Remove {
		maps.DeleteFunc(copied, func(at string, _ staging.Entry) bool {
			return at == path || strings.HasPrefix(at, path+"/")
		})
	}
	own := func(kind string, mode uint32, data []byte) file {
		return file{kind: kind, mode: mode, owner: userName, group: guest.GroupName, data: data}
	}
	for reader := tar.NewReader(stream); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("the stream has no manifest")
		}
		if err != nil {
			return err
		}
		entry := staging.Entry{Path: strings.Trim(header.Name[1:], "/"), Link: header.Linkname}
		switch header.Typeflag {
		case tar.TypeDir:
			entry.Type, entry.Mode = staging.Directory, uint32(header.Mode)
		case tar.TypeSymlink:
			entry.Type = staging.Link
		default:
			entry.Type, entry.Mode = staging.File, uint32(header.Mode)
			entry.Size, entry.ModTime = header.Size, header.ModTime.UnixNano()
		}
		if entry.Path == layout.ManifestName {
			text, err := io.ReadAll(reader)
			if err != nil {
				return err
			}
			m.copied = copied
			m.put(of.Staging, file{kind: "directory", mode: 0o750, group: guest.GroupName})
			m.put(of.Current(), own("directory", 0o750, nil))
			m.put(of.Manifest(), own("", 0o640, text))
			return nil
		}
		copied[entry.Path] = entry
	}
}
