//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/e2e/bed"
	"github.com/atomize-hq/worldsetup/e2e/results"
	"github.com/atomize-hq/worldsetup/internal/scenario"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// inShort are the scenarios that a real VM plays with -short too: those that only it can show, and some of what the
// test bed shows, so that a test bed that lies is found out. Under emulation each takes half a minute, and one with a
// boot two minutes: none of those is here, since TestLife boots twice.
var inShort = []string{"socket open to all", "clock off by an hour", "root file system read-only"}

// Where a boot takes minutes, the tests below go on with one world, one after the other.

// TestLife makes a world, uses it and checks it.
func TestLife(t *testing.T) { inTurn(t, 1, testLife) }

// TestScenarios plays the table of scenarios.
func TestScenarios(t *testing.T) { onEachRig(t, testScenarios) }

// TestBudget: commands start no more programs, here and in the guest, than they did, and send no more.
func TestBudget(t *testing.T) { inTurn(t, 0, testBudget) }

// TestReplace is the life of one world that is replaced again and again.
func TestReplace(t *testing.T) { inTurn(t, 0, testReplace) }

func testScenarios(t *testing.T, rig *rig) {
	w := newWorld(t, rig)
	w.setup(t, "--agent", "builtin", "--netfilter=false").wantReady(t)
	w.recordVersions(t)
	place := newPlace(t, w)
	for _, name := range inShort {
		if !slices.ContainsFunc(scenario.All(), func(s scenario.Scenario) bool { return s.Name == name }) {
			t.Errorf("there is no scenario %q", name)
		}
	}
	for _, s := range scenario.All() {
		if !place.canShow(s) {
			continue
		}
		t.Run(s.Name, func(t *testing.T) { place.play(t, s) })
	}
	if place.layout != "" { // other tests go on with a world of the usual generation
		place.t = t
		place.startOver()
		w.setup(t, "--agent", "builtin", "--netfilter=false").wantReady(t)
	}
}

// canShow reports whether a scenario is played here.
func (p *place) canShow(s scenario.Scenario) bool {
	if !s.OnRig(p.rig.name) {
		return false
	}
	if p.rig.bed != nil {
		return s.VMOnly == "" && p.rig.hasTurn(s)
	}
	return s.BedOnly == "" && (!testing.Short() || slices.Contains(inShort, s.Name))
}

// hasTurn reports whether a scenario is played on this rig, when not all are played on all. The basic ones have two
// places, which take turns by the day: other guests, in the other form. The others have always the same place. Each rig
// has as many with a boot, which take four times as long, as the others.
func (r *rig) hasTurn(s scenario.Scenario) bool {
	if *turns == 0 {
		return true
	}
	if s.Slow {
		return false
	}
	rigs := slices.DeleteFunc(slices.Clone(suite.rigs), func(r *rig) bool { return !s.OnRig(r.name) })
	place := rank(s)
	if !s.InTurn && !s.Boots {
		place += *onDay % 2 * (len(rigs) / (2 * *turns)) // far from the other one
	}
	distance := (slices.Index(rigs, r) - place + 2*len(suite.rigs)*len(rigs)) % len(rigs)
	return distance%max(1, len(rigs) / *turns) == 0
}

// rank counts the scenarios before s that boot when it does, modulo the number of rigs.
func rank(s scenario.Scenario) (n int) {
	for _, other := range scenario.All() {
		if other.Name == s.Name {
			break
		}
		if other.Boots == s.Boots && !other.Slow {
			n++
		}
	}
	return n % len(suite.rigs)
}

// play plays a scenario and wants it to pass, or to fail when it is known to. What fails leaves a world that the next
// scenario isn't played in.
func (p *place) play(t *testing.T, s scenario.Scenario) {
	p.t = t
	if p.spoilt || p.layout != s.Options.Layout {
		p.startOver()
	}
	p.layout = s.Options.Layout
	if s.Options.Brings != scenario.BringsNothing {
		p.usual = nil
	}
	known := s.KnownToFail(p.rig.name)
	begun := time.Now()
	err := scenario.Play(p, s)
	p.usual = nil
	deleted := slices.ContainsFunc(s.Faults, func(f scenario.Fault) bool { return f.UndoHost == scenario.VMDeleted })
	if err == nil && s.Options == (scenario.Options{}) && s.Kind == "" && !deleted {
		p.usual = &p.last // its last run found it ready, and changed nothing
	}
	p.spoilt = err != nil // also where a run would find nothing to do: it may not see what is left
	switch {
	case err != nil && (!known || scenario.Undamaged(err)):
		t.Error(err)
	case err != nil:
		t.Logf("known to fail, %s: %v", s.Known, err)
	case known:
		t.Errorf("it is marked as known to fail (%s), and passes: take the mark away", s.Known)
	}
	line := results.Line{Rig: p.rig.name, Scenario: s.Name, Passed: err == nil,
		Seconds: time.Since(begun).Round(time.Millisecond).Seconds()}
	if known {
		line.Known = s.Known
	}
	record(t, line)
}

// startOver makes a new world in the place of one that a failed scenario left.
func (p *place) startOver() {
	if p.rig.bed != nil {
		_ = p.deleteVM(p.t, vm)
	}
	p.usual = nil
}

// place is the suite's world as a place to play scenarios in.
type place struct {
	*world
	t      *testing.T // of the scenario at work
	user   string     // of the guest
	home   string     // likewise
	agents map[scenario.Agent]string

	layout string            // the generation of the world, as an option; empty for the usual one
	spoilt bool              // the last scenario failed
	last   scenario.Outcome  // of the last run
	usual  *scenario.Outcome // of a run that found the world in its usual state just now; nil when that isn't known

	brings  scenario.Brings // what is in the project
	stopped []int           // processes that a fault has stopped
}

func newPlace(t *testing.T, w *world) *place {
	t.Helper()
	p := &place{world: w, t: t, agents: map[scenario.Agent]string{
		scenario.AgentBuiltin: provision.AgentBuiltin,
		scenario.AgentNone:    "",
		scenario.AgentGood:    filepath.Join(w.files(), "good-agent"),
		scenario.AgentBad:     filepath.Join(w.files(), "bad-agent"),
	}}
	buildAgent(t, p.agents[scenario.AgentGood], "./e2e/agent")
	buildAgent(t, p.agents[scenario.AgentBad], "./e2e/badagent")
	p.user = strings.TrimSpace(w.guest(t, "id", "-un").stdout)
	p.home = w.root(t, "getent passwd "+p.user+" | cut -d: -f6")
	return p
}

// bring has the project hold what it brings, and nothing else of that.
func (p *place) bring(what scenario.Brings) {
	p.t.Helper()
	programs, texts := filepath.Join(p.project, "bin", "linux"), filepath.Join(p.project, "scripts")
	if what == p.brings {
		return
	}
	p.brings = what
	for _, path := range []string{filepath.Dir(programs), texts} {
		if err := os.RemoveAll(path); err != nil {
			p.t.Fatal(err)
		}
	}
	files := map[string]string{}
	switch what {
	case scenario.BringsCompanions:
		content, err := os.ReadFile(p.agents[scenario.AgentGood])
		if err != nil {
			p.t.Fatal(err)
		}
		files[filepath.Join(programs, "substrate-gateway")] = string(content)
		files[filepath.Join(programs, "substrate")] = string(content)
	case scenario.BringsUnits:
		units := filepath.Join(p.project, filepath.FromSlash(layout.UnitTemplates))
		files[filepath.Join(units, layout.StagedV2.Service()+".tmpl")] = scenario.BroughtService
		files[filepath.Join(units, layout.StagedV2.Socket())] = scenario.BroughtSocket
	}
	for path, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
			p.t.Fatal(err)
		}
	}
	if what == scenario.BringsUnits {
		if r := p.run(p.t, "trust", "--yes", p.project); r.code != 0 {
			p.t.Fatalf("the units were not trusted: %s%s", r.stdout, r.stderr)
		}
	}
}

func (p *place) args(options scenario.Options) []string {
	p.bring(options.Brings)
	allowed := cmp.Or(options.Allow, provision.DisruptionForce)
	args := []string{"--profile", p.rig.profile, p.project, "--allow", allowed.Word()}
	if agent := p.agents[options.Agent]; agent != "" {
		args = append(args, "--agent", agent)
	}
	if options.Layout != "" {
		args = append(args, "--layout", options.Layout)
	}
	if options.CPUs != 0 {
		args = append(args, "--cpus", strconv.Itoa(options.CPUs))
	}
	if options.Netfilter != provision.Unset {
		args = append(args, "--netfilter="+strconv.FormatBool(options.Netfilter == provision.On))
	}
	if options.MountHome != provision.Unset {
		args = append(args, "--mount-home="+strconv.FormatBool(options.MountHome == provision.On))
	}
	if options.Replace {
		args = append(args, "--replace", vm)
	}
	if options.Adopt {
		args = append(args, "--adopt", vm)
	}
	return args
}

// Run implements [scenario.World] with the real program.
func (p *place) Run(options scenario.Options) (outcome scenario.Outcome) {
	if p.usual != nil {
		outcome, p.usual = *p.usual, nil
		return outcome
	}
	defer func() { p.last = outcome; p.show(outcome) }()
	r := parseRun(p.t, p.run(p.t, append([]string{"--non-interactive", "--json"}, p.args(options)...)...))
	for _, event := range r.events {
		outcome.Take(event)
	}
	return outcome
}

// Status implements [scenario.World] with the real program.
func (p *place) Status(options scenario.Options) (outcome scenario.Outcome) {
	defer func() { p.show(outcome) }()
	r := p.run(p.t, append([]string{"status", "--json", "--fresh=" + strconv.FormatBool(options.Fresh)},
		p.args(options)...)...)
	if err := json.Unmarshal([]byte(r.stdout), &outcome.Health); err != nil {
		p.t.Fatalf("status printed no health report (%v): %s%s", err, r.stdout, r.stderr)
	}
	if outcome.Health.Schema == 0 { // it is the last event instead
		var event provision.Event
		if err := json.Unmarshal([]byte(r.stdout), &event); err != nil || event.Result == nil {
			p.t.Fatalf("status printed neither a health report nor an error: %s", r.stdout)
		}
		outcome.Take(event)
	} else if r.code != 0 {
		outcome.Err = &provision.Error{Kind: provision.KindUnhealthy, What: r.stderr}
	}
	return outcome
}

// Break implements [scenario.World].
func (p *place) Break(fault scenario.Fault) error {
	if fault.Guest == "" {
		return p.breakHost(fault.Host)
	}
	if p.rig.bed == nil {
		return failed(p.guest(p.t, "sudo", "sh", "-ec", fault.Guest, "fault", p.user, p.home))
	}
	_, err := p.throughBackDoor(fault.Guest, p.user, p.home)
	return err
}

// throughBackDoor runs a script as root in the guest of the test bed, whatever became of the ways that lead there.
func (p *place) throughBackDoor(script string, args ...string) (stdout string, err error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	cmd, done, err := bed.Shell(ctx, filepath.Join(p.dir, vm), script, args...)
	if err != nil {
		return "", err
	}
	defer done()
	r := finish(p.t, cmd)
	return r.stdout, failed(r)
}

func (p *place) breakHost(fault scenario.HostFault) error {
	dir := filepath.Join(p.dir, vm)
	ssh := func(args ...string) error {
		place := append([]string{"-F", filepath.Join(dir, "ssh.config")}, args...)
		if place = append(place, "lima-"+vm); args[0] != "-O" { // what is run in the guest comes after its name
			place = append([]string{"-F", filepath.Join(dir, "ssh.config"), "lima-" + vm}, args...)
		}
		return failed(finish(p.t, p.command(p.t.Context(), "ssh", place...)))
	}
	switch fault {
	case scenario.VMStopped:
		return failed(p.limactl(p.t, "stop", vm))
	case scenario.VMStarted:
		return failed(p.limactl(p.t, "start", vm))
	case scenario.VMWarmAgent:
		return p.makeWarm(p.t, layout.AgentV1, p.agents[scenario.AgentGood])
	case scenario.VMWarmService:
		return p.makeWarm(p.t, layout.ServiceV1, p.agents[scenario.AgentGood])
	case scenario.ConfigRewrites:
		return rewrite(filepath.Join(dir, "lima.yaml"), scenario.WithWarmScript)
	case scenario.VMKilled:
		return failed(p.limactl(p.t, "stop", "--force", vm))
	case scenario.VMDeleted:
		return failed(p.deleteVM(p.t, vm))
	case scenario.HostAgentKilled:
		return strike(filepath.Join(dir, "ha.pid"), syscall.SIGKILL)
	case scenario.VMProcessKilled:
		if err := strike(filepath.Join(dir, "qemu.pid"), syscall.SIGKILL); err != nil {
			return err
		}
		return p.until(func() bool { return !exists(filepath.Join(dir, "ha.pid")) }) // Lima's host agent ends by itself
	case scenario.VMProcessStopped:
		return strike(filepath.Join(dir, "qemu.pid"), syscall.SIGSTOP)
	case scenario.SessionWithoutGroup:
		for _, do := range []func() error{
			func() error { return p.Break(scenario.Fault{Guest: `gpasswd -d "$1" substrate`}) },
			func() error { return ssh("-O", "stop") },
			func() error { return ssh("true") },
			func() error { return p.Break(scenario.Fault{Guest: `usermod -aG substrate "$1"`}) },
		} {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	case scenario.ConfigEdited:
		return rewrite(filepath.Join(dir, "lima.yaml"), scenario.WithoutForwards)
	case scenario.ConfigGarbled:
		return rewrite(filepath.Join(dir, "lima.yaml"), func(string) string { return "{ this is\nno: YAML: at all\n" })
	case scenario.ConfigRepaired:
		return os.Rename(filepath.Join(dir, "lima.yaml.before"), filepath.Join(dir, "lima.yaml"))
	case scenario.DiskTaken:
		if err := failed(p.limactl(p.t, "stop", vm)); err != nil {
			return err
		}
		return os.Rename(filepath.Join(dir, "disk"), filepath.Join(dir, "disk.before"))
	case scenario.DiskPutBack:
		return os.Rename(filepath.Join(dir, "disk.before"), filepath.Join(dir, "disk"))
	case scenario.ConnectionEnded:
		if err := ssh("-O", "exit"); err != nil {
			return err
		}
		return endMasters(filepath.Join(dir, "ssh.config"))
	case scenario.HostSocketClosed:
		return ssh("-O", "cancel", "-L", filepath.Join(dir, "sock", "substrate.sock")+":"+guestSocket)
	case scenario.ConfigStripped:
		return failed(p.limactl(p.t, "edit", "--set", ".portForwards = [] | .provision = []", vm))
	case scenario.VMMadeByHand:
		if err := failed(p.deleteVM(p.t, vm)); err != nil {
			return err
		}
		return failed(p.limactl(p.t, "start", "--name", vm, p.rig.profile))
	}
	return p.breakLima(fault, dir)
}

// failed is the error of a program that ended badly.
func failed(r result) error {
	if r.code != 0 {
		return fmt.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	return nil
}
