// Package profile has what Lima is given for a new VM, and what the configuration of one says.
package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/opencontainers/go-digest"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// MaxSize is the largest profile that is read, in bytes. Lima's own templates have at most 20 KiB.
const MaxSize = 1 << 20

// Images are the images of a new VM, if one was named.
func Images(location, sum string, arch limatype.Arch) []limatype.Image {
	if location == "" {
		return nil
	}
	return []limatype.Image{{File: limatype.File{Location: location, Arch: arch, Digest: digest.Digest(sum)}}}
}

// Embedder returns the profile in a file, with all that it refers to.
type Embedder func(path string) ([]byte, error)

// Embedding returns what resolves profiles; nil when Lima does not answer, for findErr.
func Embedding(ctx context.Context, client lima.Client, findErr error) Embedder {
	if findErr != nil {
		return nil
	}
	return func(path string) ([]byte, error) { return client.Embed(ctx, path) }
}

// Base is the profile that a new VM of a project starts from: the one in the file at path, or the built-in one if that
// is empty. unchanged returns why the file is not the one that was agreed to. embedded resolves what a profile refers
// to; nil when Lima does not answer.
func Base(path, project string, unchanged func() error, embedded Embedder) ([]byte, *limatype.LimaYAML, error) {
	if path == "" {
		text := embed.Profile()
		profile, err := lima.ParseProfile(text)
		return text, profile, err
	}
	name := "the profile " + path
	if err := unchanged(); err != nil {
		return nil, nil, err
	}
	text, err := readfile.Limited(path, MaxSize)
	if err != nil {
		return nil, nil, unusable("name a readable file: --profile FILE", "%s cannot be read: %v", name, err)
	}
	profile, err := lima.ParseProfile(text)
	if err == nil {
		written := text
		if text = lima.Substitute(written, os.Getenv("HOME"), project); !bytes.Equal(text, written) {
			profile, err = lima.ParseProfile(text)
		}
	}
	if err == nil && embedded != nil && lima.Refers(profile) {
		if text, err = embedded(path); err == nil {
			text = lima.Substitute(text, os.Getenv("HOME"), project)
			profile, err = lima.ParseProfile(text)
		}
	}
	if changed := unchanged(); changed != nil { // while it was read
		return nil, nil, changed
	}
	if err == nil && reflect.ValueOf(*profile).IsZero() {
		err = errors.New("it holds no settings that Lima knows")
	}
	if err != nil {
		failure := unusable("fix it; `limactl validate FILE` checks one", "%s is not a Lima profile", name)
		failure.Why, failure.Err = lima.WithoutExcerpts(err.Error()), err
		if refused, ok := errors.AsType[*lima.CommandError](err); ok {
			failure.What = fmt.Sprintf("Lima can't resolve what %s refers to", name)
			failure.Why = refused.Detail()
		}
		return nil, nil, failure
	}
	if profile.Plain != nil && *profile.Plain {
		failure := unusable("remove that line from it", "%s has `plain: true`, and a world can't be plain", name)
		failure.Why = NoPlain
		return nil, nil, failure
	}
	return text, profile, nil
}

// unusable returns the error of a profile that can't be used.
func unusable(next, format string, args ...any) *finding.Error {
	return &finding.Error{Kind: finding.KindUsage, What: fmt.Sprintf(format, args...), Next: next, Option: "profile"}
}

// NoPlain is why a world can't be plain.
const NoPlain = "Lima mounts nothing in a plain VM and forwards no sockets, so that no agent could be reached"

// ImageOpens describes what the images of a new VM open on this machine.
func ImageOpens(wanted lima.Wanted) ([]string, error) {
	if len(wanted.Images) == 0 {
		return nil, nil
	}
	return wanted.Opens([]byte("{}"))
}
