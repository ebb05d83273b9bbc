package provision

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/internal/worktree"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/unittext"
)

// Resolve fills in the defaults, makes paths absolute, and checks everything that can be checked without running
// anything. The error is of KindUsage.
func (s Spec) Resolve() (Spec, error) {
	var err error
	s.VM, s.Timeout = cmp.Or(s.VM, DefaultVM), cmp.Or(s.Timeout, DefaultTimeout)
	if s.LimaHome, err = homeDir(s.LimaHome, "LIMA_HOME", ".lima"); err != nil {
		return s, err
	}
	if s.StateDir == "" && os.Getenv("XDG_STATE_HOME") != "" {
		s.StateDir = filepath.Join(os.Getenv("XDG_STATE_HOME"), "worldsetup")
	}
	if s.StateDir, err = homeDir(s.StateDir, "", ".local/state/worldsetup"); err != nil {
		return s, err
	}
	rules := []func(*Spec) error{
		func(s *Spec) error { return CheckName(s.VM) }, (*Spec).checkConsents,
		(*Spec).checkProject, (*Spec).checkSizes, (*Spec).checkTypes, (*Spec).checkProfile, (*Spec).checkImage,
	}
	for _, rule := range rules {
		if err := rule(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// target is what a run has to achieve: a resolved Spec, and the files for it on the host.
type target struct {
	spec     Spec
	layout   layout.Layout
	given    bool // the layout is that of the agent that was found, or of one of the same name
	brings   bool // the project brings the units of the layout
	staged   bool // lima.yaml says that the project is staged
	named    bool // the project was named, or the VM's configuration names it
	arch     limatype.Arch
	vmType   limatype.VMType
	profile  *limatype.LimaYAML // that a new VM starts from; nil when there is a VM already
	text     []byte             // of the profile
	files    []lima.File        // of Lima's user, about all VMs
	wanted   lima.Wanted        // only what the Spec sets, and what every world needs
	agent    *Agent             // nil when the host has none to offer
	rejected []Rejected
	// companions are the programs that the project has for the guest beside the agent; leftOut are those that could not
	// run.
	companions []agent.Companion
	leftOut    []Rejected
	// sources are the companions that are built in the VM.
	sources []agent.CompanionSource
	// templates are the project's, of the units; nil when worldsetup's own count. unitsFault is why they can't be read.
	templates  *unittext.Templates
	unitsFault *Error
	// linked is the linked worktree for which the project is the primary checkout; empty when there is none.
	linked string
	// rosetta reports whether this Mac has Rosetta.
	rosetta bool
	// noProject is why the project directory that was chosen can't be used, with which all but looking ends.
	noProject *Error
}

// newTarget finds the files that spec names on the host. instance is the present VM; nil when there is none. embed
// resolves what a profile refers to; nil when Lima does not answer.
func newTarget(spec Spec, instance *limatype.Instance, embed profile.Embedder) (t target, err error) {
	t.spec, t.layout, t.rosetta = spec, layout.All[0], profile.HasRosetta()
	t.staged = profile.StagedProject(instance) != ""
	t.named = spec.Project != "" || instance == nil || instance.Config != nil && profile.Project(instance) != ""
	if t.files, err = lima.ReadFiles(spec.LimaHome); err != nil {
		return t, usage("correct it, or remove it", "a file that Lima reads for every VM can't be read: %v", err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return t, usage("set HOME to your home directory", "your home directory is unknown: %v", err)
	}
	t.noProject = AsError(t.chooseProject(instance))
	if instance != nil && spec.Replace == "" {
		// Lima reports neither for a VM whose configuration it cannot read.
		t.arch, t.vmType = cmp.Or(instance.Arch, limatype.NewArch(platform.Arch())),
			cmp.Or(instance.VMType, profile.DefaultVMType())
	} else {
		if t.text, t.profile, err = baseProfile(t.spec, embed); err != nil {
			return t, err
		}
		t.arch = cmp.Or(t.setting(profile.Arch, ""), limatype.NewArch(platform.Arch()))
		t.vmType = cmp.Or(t.setting(profile.VMType, spec.VMType), profile.DefaultVMType())
	}
	t.wanted = lima.Wanted{
		VMType: spec.VMType, MountType: spec.MountType, CPUs: spec.CPUs, Memory: spec.Memory, Disk: spec.Disk,
		Images: profile.Images(spec.Image, spec.ImageDigest, t.arch), Home: filepath.Clean(home),
		Project: t.spec.Project,
		NoHome:  spec.MountHome == Off || spec.MountHome == Unset && profile.HomeLeftOut(instance),
	}
	if t.wanted.NoHome && lima.Contains(t.spec.Project, t.wanted.Home) {
		return t, about("mount-home", usage("name the project's own directory (worldsetup DIR), or mount all of it: "+
			"--mount-home",
			"the project %s contains your home directory, which is to be left out", t.spec.Project))
	}
	if instance != nil && instance.Config != nil && spec.Replace == "" {
		t.wanted.UseNames(instance.Config)
		t.spec.Project = t.wanted.Project
	}
	switch {
	case instance != nil && spec.Replace != "":
		t.inherit(instance)
	case instance != nil && spec.Profile != "": // of a profile, only the processor is compared: no edit changes that
		if _, base, err := baseProfile(t.spec, embed); err == nil && deref(base.Arch) != "default" {
			t.wanted.Arch = deref(base.Arch)
		}
	}
	if t.agent, t.rejected, err = agent.Find(spec.Agent, t.spec.Project, t.arch, t.layouts()); err != nil {
		return t, err
	}
	if err := t.skipBuild(); err != nil {
		return t, err
	}
	t.chooseLayout(instance)
	if err := t.holdsLima(); err != nil && spec.Layout != "" { // otherwise the guest may be of another one
		return t, err
	}
	t.findTemplates()
	t.findCompanions()
	return t, t.checkRebuild()
}

// baseProfile is the profile that a new VM starts from.
func baseProfile(spec Spec, embedded profile.Embedder) ([]byte, *limatype.LimaYAML, error) {
	return profile.Base(spec.Profile, spec.Project, spec.checkProfileDigest, embedded)
}

// chooseProject fills in the project when none was named: an existing VM keeps its own.
func (t *target) chooseProject(instance *limatype.Instance) (err error) {
	if t.spec.Project != "" {
		if t.spec.Worktree == WorktreePrimary {
			return t.leaveWorktree()
		}
		return nil // checked before
	}
	if instance != nil && instance.Config != nil {
		t.spec.Project = profile.Project(instance)
	}
	if t.spec.Project == "" {
		if t.spec.Project, err = os.Getwd(); err != nil {
			return usage("name it: worldsetup DIR",
				"the working directory, which would be the project, is gone: %v", err)
		}
		if t.spec.Worktree != WorktreeSelf {
			return t.leaveWorktree()
		}
	}
	return t.spec.checkProject()
}

// leaveWorktree takes the primary checkout for the project, where that is in a linked worktree of git.
func (t *target) leaveWorktree() error {
	if primary, linked := worktree.Primary(t.spec.Project); primary != "" {
		t.spec.Project, t.linked = primary, linked
	}
	return t.spec.checkProject()
}

// inherit gives a new VM the settings of the one that it replaces, unless something else was requested.
func (t *target) inherit(old *limatype.Instance) {
	if t.spec.Profile != "" {
		return
	}
	w := &t.wanted
	w.CPUs, w.Memory, w.Disk = cmp.Or(w.CPUs, old.CPUs), cmp.Or(w.Memory, old.Memory), cmp.Or(w.Disk, old.Disk)
}

// inheritNetfilter makes the new world filter network traffic if the old one did and nothing else was requested.
func (t *target) inheritNetfilter(o *guest.Observation) {
	if t.spec.Netfilter != Unset || o == nil {
		return
	}
	old := *t
	old.layout = o.Layout
	old.findTemplates()
	with, err := old.unitTexts(o.Home, true)
	if err == nil && o.Files[o.Layout.ServicePath()].SHA256 == guest.Checksum([]byte(with.Service)) {
		t.spec.Netfilter = On
	}
}

// findTemplates finds the templates that the project has for the layout.
func (t *target) findTemplates() {
	found, err := unittext.Find(t.spec.Project, t.layout)
	t.templates, t.unitsFault = found, AsError(err)
}

// holdsLima returns the error of a project that is to be copied and contains Lima's home: the disk that it is copied to
// would be a part of it.
func (t target) holdsLima() error {
	if t.layout.Mounts() || !lima.Contains(t.spec.Project, t.spec.LimaHome) {
		return nil
	}
	return usage("name the project's own directory: worldsetup DIR",
		"the project %s contains Lima's home, %s, and can't be copied into a VM there", t.spec.Project, t.spec.LimaHome)
}

// protects reports whether a new VM is to be protected.
func (t target) protects() bool { return t.spec.Protect != Off }

// checkDigest compares a local image with the digest in the Spec. Lima checks those that it downloads.
func (t target) checkDigest() error {
	if t.spec.ImageDigest == "" || isURL(t.spec.Image) {
		return nil
	}
	file, err := readfile.Open(t.spec.Image)
	if err != nil {
		return about("image", usage("name a readable file: --image FILE", "the image cannot be used: %v", err))
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return about("image", usage("name a readable file: --image FILE", "the image cannot be read: %v", err))
	}
	if found := "sha256:" + hex.EncodeToString(hash.Sum(nil)); found != t.spec.ImageDigest {
		return &Error{
			Kind: KindUsage,
			What: fmt.Sprintf("the image %s is not the one that was asked for", t.spec.Image),
			Why:  fmt.Sprintf("its digest is %s, and %s was given", found, t.spec.ImageDigest),
			Next: "fetch the image again, or correct --image-digest", Option: "image",
		}
	}
	return nil
}

// opens describes what a new VM opens on this machine. The built-in profile on its own opens nothing.
func (t target) opens() []string {
	if t.spec.Profile == "" {
		opens, _ := profile.ImageOpens(t.wanted)
		return opens
	}
	opens, _ := t.wanted.Opens(t.text) // a profile that can't be completed is an error of its own
	return opens
}

// has reports whether the profile, or a file of Lima's user, has a setting.
func (t target) has(setting func(*limatype.LimaYAML) bool) bool {
	return setting(t.profile) || slices.ContainsFunc(t.files, func(f lima.File) bool { return setting(f.Config) })
}

// setting is what counts in a new VM, when wanted is what was asked for: the files of Lima's user have the first word
// and the last.
func (t target) setting(field func(*limatype.LimaYAML) *string, wanted string) string {
	values := []string{wanted}
	if t.profile != nil { // there is none when Lima did not answer about a VM that is there
		values = append(values, deref(field(t.profile)))
	}
	for _, file := range t.files {
		value := deref(field(file.Config))
		if value == "default" {
			continue
		}
		if file.Overrides() {
			values = slices.Insert(values, 0, value)
		} else {
			values = append(values, value)
		}
	}
	return cmp.Or(values...)
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// What follows chooses the generation of the contract that a run makes, and takes a guest from an older one to it.

// layouts returns the generations that an agent may be of, the oldest first.
func (t target) layouts() []layout.Layout {
	if of, found := layout.Named(t.spec.Layout); found {
		return []layout.Layout{of}
	}
	return layout.Agents()
}

// setLayout has the run make a generation.
func (t *target) setLayout(of layout.Layout) { t.layout, t.wanted.NoMounts = of, !of.Mounts() }

// chooseLayout takes the generation that was asked for, else that of the agent, else the one that the configuration of
// the VM shows. Of generations whose agents have the same name, it is the one whose units the project brings, else the
// one that the configuration shows, else the oldest.
func (t *target) chooseLayout(instance *limatype.Instance) {
	if of, found := layout.Named(t.spec.Layout); found {
		t.setLayout(of)
		return
	}
	t.setLayout(layout.All[0])
	shown, found := shownLayout(instance)
	if found {
		t.setLayout(shown)
	}
	if t.agent == nil || t.agent.Layout == "" {
		return
	}
	of, _ := layout.Named(t.agent.Layout)
	t.given = true
	for _, newer := range layout.All {
		switch {
		case newer.Package != of.Package:
		case newer.Templates && hasUnitTemplates(t.spec.Project):
			of, t.brings = newer, true
		case found && newer.Is(shown) && !t.brings:
			of = newer
		}
	}
	t.setLayout(of)
}

// hasUnitTemplates reports whether a project brings the units of its generation.
func hasUnitTemplates(project string) bool {
	info, err := os.Lstat(filepath.Join(project, filepath.FromSlash(layout.UnitTemplates)))
	return err == nil && info.IsDir()
}

// shownLayout returns the generation that the configuration of a VM shows: a world that doesn't mount the project is of
// one that stages it. A guest that is observed knows better.
func shownLayout(instance *limatype.Instance) (of layout.Layout, found bool) {
	if instance == nil || instance.Config == nil || profile.ShownProject(instance.Config) != "" ||
		!lima.ForwardsAgent(instance.Config) {
		return of, false
	}
	for _, of := range slices.Backward(layout.All) {
		if !of.Mounts() {
			return of, true
		}
	}
	return of, false
}

// adoptLayout takes the generation that a guest has, if nothing else was asked for. It reports whether that is another
// one than the guest was observed as. Of an interrupted upgrade, it is the newer one from the time on when that is all
// that is left of the units; without a marker, units of the same name are of the generation that the VM's configuration
// shows.
func (t *target) adoptLayout(o *guest.Observation) bool {
	if o == nil || t.spec.Layout != "" {
		return false
	}
	companions := t.layout.Companions
	for _, of := range slices.Backward(layout.All) {
		if !o.Has(of) {
			continue
		}
		_, marked := o.Marked()
		switch {
		case of.Is(t.layout),
			of.Unit == t.layout.Unit && !marked,
			t.given && of.Package != t.layout.Package,
			(t.brings || t.staged) && t.layout.NewerThan(of):
			return false
		}
		if t.setLayout(of); !slices.Equal(t.layout.Companions, companions) {
			t.findCompanions()
		}
		t.findTemplates()
		return true
	}
	return false
}

// newerLayout returns why a guest can't become what is asked for: there is no way back to an older generation.
func newerLayout(t target, o *guest.Observation) (reasons []string) {
	asked := o.Layout.Name + ", which is older, is asked for"
	if t.spec.Layout == "" && t.agent != nil && t.agent.Path != "" {
		asked = fmt.Sprintf("the agent %s is of %s, which is older", t.agent.Path, o.Layout.Name)
	}
	for _, of := range o.Newer() {
		reasons = append(reasons, fmt.Sprintf("its inside is of the generation %s, and %s", of.Name, asked))
	}
	return reasons
}

// keepNewer says how a guest stays of the newer generation that it is of; empty when it is of none.
func keepNewer(o *guest.Observation) string {
	newer := o.Newer()
	if len(newer) == 0 {
		return ""
	}
	of := newer[len(newer)-1]
	return fmt.Sprintf("keep its generation and the agent that is installed: --layout %s; or give it an agent of that "+
		"generation: --agent FILE, or bin/linux/%s in the project", of.Name, of.Package)
}

// olderLayout returns why the units of older generations have to go.
func olderLayout(o *guest.Observation) (reasons []string) {
	for _, of := range o.Older() {
		reasons = append(reasons, fmt.Sprintf("the units of the generation %s are installed, and %s takes their place",
			of.Name, o.Layout.Name))
	}
	return reasons
}

// upgrades reports whether a guest is being taken from an older generation to its layout. Two generations may have the
// same marker: their units tell them apart.
func upgrades(o *guest.Observation) bool {
	of, marked := o.Marked()
	return len(o.Older()) > 0 || marked && of.Marker != o.Layout.Marker && o.Layout.NewerThan(of)
}

// What follows has the texts of the units: worldsetup's own, or those that the project brings for its generation.

// FindProjectUnits returns the units that a project brings for any generation; nil when it brings none.
func FindProjectUnits(project string) *ProjectUnits {
	for _, of := range slices.Backward(layout.All) {
		t := target{spec: Spec{Project: absolute(project)}, layout: of}
		t.findTemplates()
		if found := t.projectUnits(nil); found != nil {
			return found
		}
	}
	return nil
}

func absolute(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path // the working directory is gone
}

// unitTexts returns the texts of both units for a user with this home directory.
func (t target) unitTexts(home string, netfilter bool) (unittext.Units, error) {
	switch {
	case t.unitsFault != nil:
		return unittext.Units{}, t.unitsFault
	case t.templates != nil:
		return t.templates.Render(home, netfilter)
	}
	service, err := embed.ServiceUnit(t.layout, home, netfilter)
	return unittext.Units{Service: service, Socket: embed.SocketUnit(t.layout)}, err
}

// runtimeUnit returns the text of the unit that makes the directories which the project's service doesn't make; empty
// when there are none.
func (t target) runtimeUnit() string {
	if t.templates == nil || len(t.layout.Runtime) == 0 {
		return ""
	}
	return embed.RuntimeUnit(t.layout)
}

// textsOf returns the texts of the units by name, if the project brings them.
func (t target) textsOf(o *guest.Observation) map[string]string {
	if t.templates == nil {
		return nil
	}
	units, err := t.unitTexts(o.Home, false)
	if err != nil {
		return nil
	}
	return map[string]string{t.layout.Service(): units.Service, t.layout.Socket(): units.Socket}
}

// projectUnits describes the units that the project brings; nil when they are worldsetup's own. The guest may be
// unknown.
func (t target) projectUnits(o *guest.Observation) *ProjectUnits {
	if t.templates == nil && t.unitsFault == nil {
		return nil
	}
	home := "/home/user"
	if o != nil {
		home = o.Home
	}
	units, err := t.unitTexts(home, t.spec.Netfilter == On)
	about := &ProjectUnits{Project: t.spec.Project, Fault: AsError(err), Files: []string{}}
	if t.templates == nil {
		return about
	}
	about.Files, about.Digest = []string{t.templates.Service.Path, t.templates.Socket.Path}, t.templates.Digest
	if about.Empty = units.Empty; err == nil {
		about.Warnings = t.templates.Warnings(units)
	}
	return about
}

// builds reports whether the agent is built in the VM from the project's workspace.
func (t target) builds() bool { return t.agent != nil && t.agent.Source == SourceBuild }

// checkRebuild refuses --rebuild-agent where it would have no effect.
func (t target) checkRebuild() error {
	if !t.spec.RebuildAgent || t.builds() {
		return nil
	}
	why := "the project has no Cargo workspace to build it from"
	if t.agent != nil {
		why = "it is " + cmp.Or(t.agent.Path, "the built-in probe")
	}
	for _, file := range t.rejected {
		if file.Path == agent.SourcePath(t.spec.Project) {
			why = file.Path + " was not taken: " + file.Why
		}
	}
	return &Error{
		Kind: KindUsage, What: "there is no agent to rebuild", Why: why,
		Next: "leave --rebuild-agent out, or let the VM build the agent: --agent build",
	}
}

// skipBuild takes an agent out of the target that would have to be built, if nothing is.
func (t *target) skipBuild() error {
	if !t.spec.SkipGuestBuild || !t.builds() {
		return nil
	}
	if t.spec.Agent == AgentBuild {
		return usage("leave out --skip-guest-build or SUBSTRATE_LIMA_SKIP_GUEST_BUILD, or name an agent: --agent FILE",
			"the agent would have to be built in the VM, where nothing may be built")
	}
	t.rejected = append(t.rejected, Rejected{Path: t.agent.Path, Why: "nothing is to be built in the VM " +
		"(--skip-guest-build, SUBSTRATE_LIMA_SKIP_GUEST_BUILD)"})
	t.agent = nil
	return nil
}

// findCompanions finds the companions that were asked for.
func (t *target) findCompanions() {
	if t.spec.Companions == CompanionsNone {
		return
	}
	t.companions, t.leftOut = agent.FindCompanions(t.spec.Project, t.arch, t.layout, t.spec.BuildProfile)
	if t.spec.Companions != CompanionsBuild || t.spec.SkipGuestBuild {
		return
	}
	sources, rejected := agent.FindCompanionSources(t.spec.Project, t.layout)
	for _, source := range sources {
		if !slices.Contains(t.companionNames(), source.Name) {
			t.sources = append(t.sources, source)
		}
	}
	t.leftOut = append(t.leftOut, rejected...)
}

func (t target) companionNames() (names []string) {
	for _, one := range t.companions {
		names = append(names, one.Name)
	}
	return names
}

// wantedMounts returns what is mounted in the world, or must not be.
func (t target) wantedMounts() []mounts.Mount {
	none := !t.layout.Mounts()
	return []mounts.Mount{
		{Directory: t.wanted.Home, Point: t.wanted.Home, ReadOnly: true, LeftOut: t.wanted.NoHome || none},
		{Directory: t.wanted.Project, Point: layout.ProjectMount, LeftOut: none},
	}
}

// mountPoints returns the points at which something must be mounted.
func (t target) mountPoints() (points []string) {
	for _, m := range t.wantedMounts() {
		if !m.LeftOut {
			points = append(points, m.Point)
		}
	}
	return points
}

// agents explains the choice of the agent and its companions for the checks. exists means that there is a VM.
func (t target) agents(exists bool) checks.Agents {
	project := t.spec.Project
	list := checks.Agents{
		Candidates: agent.Candidates(t.spec.Agent, project, t.arch, t.agent, t.rejected,
			exists && !t.spec.RebuildAgent, t.layouts()),
		Companions: agent.CompanionCandidates(project, t.layout, t.companions, t.sources, t.leftOut),
	}
	if t.agent == nil && !exists {
		list.None = agent.Missing(project, t.arch, t.rejected, t.layouts())
	}
	return list
}
