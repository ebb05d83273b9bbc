package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

const trustLong = `trust shows which settings in the worldsetup.yaml of PROJECT, or else of the working directory, reach
beyond the world, what its profile opens on this machine, and the systemd units that the project brings, which root runs
in the VM. Once you agree, runs use them, until the file, the profile or the units change. docs/config.md describes what
has to be trusted.`

// trustCommand returns the command that trusts what a project's file names.
func (a *app) trustCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "trust [PROJECT]", Short: "review and trust a project's worldsetup.yaml and its units",
		Long: trustLong, Example: examples("worldsetup trust ~/src/app", "worldsetup trust --yes"),
		Args: atMostOneProject,
	}
	yes := command.Flags().Bool("yes", false, "do not ask")
	command.Flags().Bool("non-interactive", false, "never ask")
	a.withOptions(command, &inputs{}, func(ctx context.Context, c invocation) error {
		return a.trust(ctx, c, *yes)
	})
	return hide(command, "verbose")
}

// claim is what a project's file names that reaches beyond the world. To trust it is to trust all of its content.
type claim struct {
	File    string   `json:"path"`
	Values  []value  `json:"values"`
	Opens   []string `json:"opens"` // on this machine, by the profile and the image
	Trusted bool     `json:"trusted"`

	digest, profile string // of the content; that of the profile alone
	changed         bool   // other content was trusted before
	store           config.Trust
}

// newClaim returns the claim of a file that was read; nil when it makes none. The user's own file makes none.
func (a *app) newClaim(file *config.File, stateDir string) *claim {
	if file == nil || file.Path == config.UserPath(a.getenv) {
		return nil
	}
	dir := filepath.Dir(file.Path)
	c := claim{File: file.Path, Values: []value{}, store: config.Trust{Path: filepath.Join(stateDir, "trusted.json")}}
	spec := provision.Spec{Project: dir}
	for _, found := range file.Values {
		o := optionNamed(found.Key)
		text := o.fromFile(found.Text, dir, a.getenv("HOME"))
		if o.reaches != "" && !slices.Contains(o.harmless, found.Text) {
			where := fmt.Sprintf("%s:%d", file.Path, found.Line)
			c.Values = append(c.Values, value{found.Key, text, fromProjectFile, where})
		}
		if slices.Contains([]string{"profile", "image", "image-digest", "mount-home"}, found.Key) {
			_ = o.set(&spec, text)
		}
	}
	if len(c.Values) == 0 {
		return nil
	}
	var err error
	if spec.Profile != "" {
		c.profile, err = provision.ProfileDigest(spec.Profile)
	}
	if err == nil {
		c.Opens, err = provision.ProfileOpens(spec)
	}
	if err != nil {
		c.profile, c.Opens = "unreadable", append(c.Opens, "unknown: "+err.Error())
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%d %s%s", len(file.Text()), file.Text(), c.profile)
	c.digest = "sha256:" + hex.EncodeToString(hash.Sum(nil))
	before, _ := c.store.Digest(c.key()) // one that can't be read holds nothing; adding to it fails
	c.Trusted, c.changed = before == c.digest, before != "" && before != c.digest
	return &c
}

// key is the resolved path of the file: a project has one, whatever it is called.
func (c *claim) key() string { return resolved(c.File) }

// single returns what a stranger wrote as one line.
var single = strings.NewReplacer("\n", " ", "\r", " ").Replace

// unitsClaim is that a project's units may be installed.
type unitsClaim struct {
	*provision.ProjectUnits
	Trusted bool `json:"trusted"`

	store  config.Trust
	before string // the digest that was trusted last; empty for none
}

// newUnitsClaim returns the claim of units that a project brings.
func newUnitsClaim(units *provision.ProjectUnits, stateDir string) *unitsClaim {
	c := &unitsClaim{ProjectUnits: units, store: config.Trust{Path: filepath.Join(stateDir, "trusted.json")}}
	c.before, _ = c.store.Digest(c.key())
	c.Trusted = units.Digest != "" && c.before == units.Digest
	return c
}

// key is the resolved path of the project's units.
func (c *unitsClaim) key() string {
	project := c.Project
	if real, err := filepath.EvalSymlinks(project); err == nil {
		project = real
	}
	return filepath.Join(project, filepath.FromSlash(layout.UnitTemplates))
}

// trustsUnits returns what the engine asks before it installs units of a project.
func trustsUnits(stateDir string) func(context.Context, provision.ProjectUnits) error {
	return func(_ context.Context, units provision.ProjectUnits) error {
		if c := newUnitsClaim(&units, stateDir); !c.Trusted {
			return provision.UntrustedUnits(units, c.before)
		}
		return nil
	}
}

// show shows what is trusted, a line each, whatever it contains: it is a stranger's.
func (c *unitsClaim) show(to *lines) {
	to.printf("the project brings systemd units, which root runs in the VM:")
	for _, file := range c.Files {
		to.put("  ", "  ", single(file))
	}
	for _, one := range c.Warnings {
		to.put("  ", "    ", "unlike worldsetup's own: "+single(one))
	}
	for _, one := range c.Empty {
		to.put("  ", "    ", "left empty: "+single(one))
	}
}

// agreeToUnits asks whether to trust the units that a project brings, and keeps nothing.
func (a *app) agreeToUnits(ctx context.Context, c *unitsClaim, p *prompter, yes bool) error {
	switch {
	case c.Trusted:
		return nil
	case !yes && !a.canAsk():
		failure := provision.UntrustedUnits(*c.ProjectUnits, c.before)
		failure.Next = "read them, then: worldsetup trust --yes " + quoteProject(c.Project)
		return failure
	}
	if a.json == nil {
		c.show(a.stdout())
	}
	if !yes {
		answer, err := p.ask(ctx, "trust them? [y/N]")
		if err != nil {
			return err
		}
		if !isYes(answer) {
			return provision.DeclinedError()
		}
	}
	return nil
}

// keep trusts them from now on.
func (c *unitsClaim) keep() error {
	if err := c.store.Add(c.key(), c.Digest); err != nil {
		return usage("repair it, or set XDG_STATE_HOME", "the trust in the units can't be saved in %s: %v", c.store.Path,
			err)
	}
	c.Trusted = true
	return nil
}

// keep trusts it from now on.
func (c *claim) keep() error {
	if err := c.store.Add(c.key(), c.digest); err != nil {
		return usage("repair it, or set XDG_STATE_HOME", "the trust in %s can't be saved in %s: %v", c.File,
			c.store.Path, err)
	}
	c.Trusted = true
	return nil
}

// counts reports whether one of the values is used: those that others beat reach nothing.
func (c *claim) counts(values []value) bool {
	return slices.ContainsFunc(values, func(v value) bool { return slices.Contains(c.Values, v) })
}

// what says that it isn't trusted.
func (c *claim) what() string {
	if c.changed {
		return c.File + ", or the profile that it names, has changed since you trusted it"
	}
	return c.File + " is not trusted yet, and has settings that reach beyond the world"
}

// list describes the values and what they open, a line each, whatever they contain: they are a stranger's.
func (c *claim) list() string {
	var text strings.Builder
	for _, v := range c.Values {
		fmt.Fprintf(&text, "%s: %s: %s (%s)\n", v.Where, v.Name, single(v.Text), optionNamed(v.Name).reaches)
	}
	for _, one := range c.Opens {
		fmt.Fprintf(&text, "it opens on this machine: %s\n", single(one))
	}
	return text.String()
}

// failure is the error of a run with a claim that isn't trusted.
func (c *claim) failure() *provision.Error {
	return &provision.Error{
		Kind: provision.KindUsage, What: c.what(), Why: strings.TrimSpace(c.list()),
		Next: "read it, then: worldsetup trust " + quoteProject(filepath.Dir(c.File)),
	}
}

// ask asks whether to trust it, and keeps nothing.
func (c *claim) ask(ctx context.Context, p *prompter) error {
	p.to.printf("%s:", c.what())
	p.to.put("  ", "  ", c.list())
	answer, err := p.ask(ctx, "trust it? [y/N]")
	switch {
	case err != nil:
		return err
	case !isYes(answer):
		return provision.DeclinedError()
	}
	return nil
}

// requireTrust asks whether the project's file is trusted, before a command changes anything. It returns the call with
// the profile that was trusted, and no other.
func (a *app) requireTrust(ctx context.Context, c invocation) (invocation, error) {
	claim := a.newClaim(c.file, c.spec.StateDir)
	if claim == nil || !claim.counts(c.values) {
		return c, nil
	}
	if !claim.Trusted {
		if !a.canAsk() {
			return c, claim.failure()
		}
		if err := claim.ask(ctx, newPrompter(a.person, a.utf8)); err != nil {
			return c, err
		}
		if err := claim.keep(); err != nil {
			return c, err
		}
	}
	if i := indexOf(c.values, "profile"); i >= 0 && c.values[i].Source == fromProjectFile {
		c.spec.ProfileDigest = claim.profile
	}
	return c, nil
}

// noteTrust has the last line say that the project's file is not trusted, in a command that changes nothing.
func (a *app) noteTrust(c invocation) {
	if claim := a.newClaim(c.file, c.spec.StateDir); claim != nil && !claim.Trusted && claim.counts(c.values) {
		a.note = fmt.Sprintf("%s; to use it: worldsetup trust %s", claim.what(), quoteProject(filepath.Dir(claim.File)))
	}
}

// agree asks whether to trust what the project's file names, and keeps nothing.
func (a *app) agree(ctx context.Context, c *claim, p *prompter, yes bool) error {
	switch {
	case c.Trusted:
		return nil
	case yes:
		if a.json == nil {
			a.stdout().put("", "", c.list())
		}
		return nil
	case !a.canAsk():
		failure := c.failure()
		failure.Next = "read it, then: worldsetup trust --yes " + quoteProject(filepath.Dir(c.File))
		return failure
	}
	return c.ask(ctx, p)
}

// trust trusts the project's file and its units once a user agrees to all of it.
func (a *app) trust(ctx context.Context, c invocation, yes bool) error {
	path, err := projectFile(c.project())
	if err != nil {
		return err
	}
	file, err := config.Read(path, fileKeys())
	if err != nil {
		return err
	}
	to, p := a.stdout(), newPrompter(a.person, a.utf8)
	found := a.newClaim(file, c.spec.StateDir)
	if found == nil {
		found = &claim{File: path, Values: []value{}, Trusted: true}
	}
	already := found.Trusted
	var units *unitsClaim
	if brought := provision.FindProjectUnits(filepath.Dir(path)); brought != nil {
		if brought.Fault != nil {
			return brought.Fault
		}
		units = newUnitsClaim(brought, c.spec.StateDir)
	}
	if err := a.agree(ctx, found, p, yes); err != nil {
		return err
	}
	if units != nil {
		if err := a.agreeToUnits(ctx, units, p, yes); err != nil {
			return err
		}
		if err := units.keep(); err != nil {
			return err
		}
	}
	if !already {
		if err := found.keep(); err != nil {
			return err
		}
	}
	if units != nil && a.json == nil {
		to.printf("trusted: the units of %s, until they change", units.Project)
	}
	switch {
	case a.json != nil:
		if found.Opens == nil {
			found.Opens = []string{}
		}
		a.json.result(struct {
			Schema int `json:"schema"`
			*claim
			Units *unitsClaim `json:"units,omitempty"`
		}{provision.Schema, found, units})
	case len(found.Values) == 0 && units != nil:
	case len(found.Values) == 0:
		to.printf("nothing to trust: no worldsetup.yaml here has settings that reach beyond the world (%s)", path)
	case already:
		to.put("", "", found.list())
		to.printf("trusted already: %s", path)
	default:
		to.printf("trusted: %s, until it or its profile changes", path)
	}
	return nil
}

// trustOwn trusts a file that worldsetup has written with values that this user gave. Without a place to keep that, the
// next run asks.
func (a *app) trustOwn(path, stateDir string) {
	if file, err := config.Read(path, fileKeys()); err == nil {
		if claim := a.newClaim(file, stateDir); claim != nil {
			_ = claim.keep()
		}
	}
}

// ownBut reports whether a file holds nothing but what is trusted, or what changes replace.
func (a *app) ownBut(path, stateDir string, changes []config.Value) bool {
	file, err := config.Read(path, fileKeys())
	if err != nil {
		return false
	}
	claim := a.newClaim(file, stateDir)
	if claim == nil || claim.Trusted {
		return true
	}
	return !slices.ContainsFunc(claim.Values, func(v value) bool {
		return !slices.ContainsFunc(changes, func(change config.Value) bool { return change.Key == v.Name })
	})
}
