package fake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// check says what Lima would not take in a filled-in profile. Like Lima 2.1 it takes a negative number of processors.
func check(config *limatype.LimaYAML) error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains(limatype.ArchTypes, *config.Arch) {
		refuse("field `arch` must be one of %v; got `%s`", limatype.ArchTypes, *config.Arch)
	}
	if !slices.Contains(limatype.VMTypes, *config.VMType) {
		refuse("unknown or unsupported VM type `%s`", *config.VMType)
	}
	if !slices.Contains(limatype.MountTypes, *config.MountType) {
		refuse("field `mountType` must be one of %v, got `%s`", limatype.MountTypes, *config.MountType)
	}
	if len(config.Images) == 0 {
		refuse("field `images` must be set")
	}
	if *config.CPUs == 0 {
		refuse("field `cpus` must be set")
	}
	if _, err := units.RAMInBytes(*config.Memory); err != nil {
		refuse("field `memory` has an invalid value: %w", err)
	}
	if _, err := units.RAMInBytes(*config.Disk); err != nil {
		refuse("field `disk` has an invalid value: %w", err)
	}
	for i, mount := range config.Mounts {
		if err := checkMount(mount, *config.User.Home); err != nil {
			refuse("field `mounts[%d]%w", i, err)
		}
	}
	for i, provision := range config.Provision {
		if provision.Script == nil || *provision.Script == "" {
			refuse("field `provision[%d].script` must not be empty", i)
		}
	}
	for name := range config.Param {
		if !paramUsed(config, name) {
			refuse("field `param` key `%s` is not used in any provision, probe, copyToHost, or portForward", name)
		}
	}
	return errors.Join(errs...)
}

func checkMount(mount limatype.Mount, home string) error {
	system := []string{"/", "/bin", "/dev", "/etc", "/home", "/opt", "/sbin", "/tmp", "/usr", "/var"}
	info, err := os.Stat(mount.Location)
	switch {
	case !filepath.IsAbs(mount.Location):
		return fmt.Errorf(".location` must be an absolute path, got `%s`", mount.Location)
	case err == nil && !info.IsDir():
		return fmt.Errorf(".location` refers to a non-directory path: `%s`", mount.Location)
	case slices.Contains(system, *mount.MountPoint):
		return errors.New(".mountPoint` must not be a system path such as /etc or /usr")
	case *mount.MountPoint == home:
		return fmt.Errorf(".mountPoint` is the reserved internal home directory `%s`", home)
	}
	return nil
}

func paramUsed(config *limatype.LimaYAML, name string) bool {
	return slices.ContainsFunc(config.Provision, func(p limatype.Provision) bool {
		return p.Script != nil && strings.Contains(*p.Script, "PARAM_"+name)
	})
}

// The rules for an instance's name are those of Lima's pkg/identifiers.
var identifier = regexp.MustCompile(`^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$`)

func checkName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case len(name) > 76:
		return fatalf("instance name %q is not a valid identifier: identifier %q greater than maximum length (76 "+
			"characters)", name, name)
	case !identifier.MatchString(name):
		return fatalf("instance name %q is not a valid identifier: identifier %q must match %v", name, name, identifier)
	case strings.HasSuffix(lower, ".yml"), strings.HasSuffix(lower, ".yaml"):
		return fatalf("instance name %q must not end with .yml or .yaml suffix", name)
	}
	return nil
}

// load reads, fills in and checks a profile that is, or is to be, in dir.
func (w *World) load(c *console, path, dir string, text []byte) (*limatype.LimaYAML, error) {
	config, warning, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	if warning != "" {
		c.warn("%s", warning)
	}
	w.fill(config, dir)
	if err := check(config); err != nil {
		return nil, fatal(err.Error())
	}
	return config, nil
}

func (w *World) validate(_ context.Context, c *console, words []string) error {
	path := words[0]
	text, err := os.ReadFile(path)
	if err != nil {
		return fatal(err.Error())
	}
	if _, err := w.load(c, path, filepath.Join(w.options.LimaHome, "validate"), text); err != nil {
		return fatalf("failed to validate YAML file `%s`: %v", path, err)
	}
	c.info("`%s`: OK", path)
	return nil
}
