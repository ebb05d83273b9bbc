package guest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/staging"
)

// Client observes and changes one guest for the engine, with the names of one layout. [Over] returns one that runs the
// scripts of package embed.
//
// Its errors are a [*ScriptError] when a script ran in the guest and failed, a [*ConnectionError] when there was no
// session, and a [*SessionError] when a session ended early.
type Client interface {
	// Observe observes the guest. It works without root, and changes nothing.
	Observe(ctx context.Context, via Route, options ObserveOptions) (*Observation, error)
	// ObserveMounts observes only the mount points, over Lima's shared connection.
	ObserveMounts(ctx context.Context, points []string) ([]Mount, error)
	// Verify connects to the agent's socket in the guest.
	Verify(ctx context.Context, v Verification) (*Verified, error)
	// Enter makes a fresh connection, and nothing else.
	Enter(ctx context.Context) error
	// Refusals returns the settings and causes that may refuse the user over a new connection. what was refused is one
	// of the Refused constants.
	Refusals(ctx context.Context, via Route, user, what string) (Refusals, error)
	// Obstacles returns what keeps root from changing some files.
	Obstacles(ctx context.Context, via Route, paths []string) ([]Obstacle, error)
	// Change makes changes, one after the other until one fails, over one connection and with one sudo. made is called
	// after each that was made; the error is that of the one that failed.
	Change(ctx context.Context, via Route, changes []Change, made func()) error
	// Build builds programs, and calls line for each line that cargo prints. See [Build].
	Build(ctx context.Context, via Route, build Build, line func(string)) ([]Built, error)
	// InstallCargo installs the distribution's cargo and rustc, if they are not older than build needs.
	InstallCargo(ctx context.Context, via Route, build Build, line func(string)) error
	// Staged lists the copy of the project, and Stage makes another one. The first of them changes nothing.
	Staged(ctx context.Context, via Route, user string) (*staging.Copy, error)
	Stage(ctx context.Context, via Route, copied Staging) error
	// Watch calls event whenever something may have changed, and every few seconds as a sign of life, until ctx ends.
	Watch(ctx context.Context, points []string, event func(WatchEvent)) error
	// Renew ends Lima's shared connection for those who come next and makes a new one, which has the groups of its
	// time; what runs over the old one, mounts among it, goes on. The sockets are forwarded over the new one.
	Renew(ctx context.Context, forwards []Pair) error
}

// ObserveOptions determine how much is observed.
type ObserveOptions struct {
	Mounts []string // mount points
	Ask    []string // those of Self, Root, Outsider who ask the agent meanwhile; not with New
	// OnlyOpen: over the route Shared, nothing is connected to when Lima's connection isn't open.
	OnlyOpen bool
	// New: the guest was just created and is booting. If nothing of ours is there, nothing more is observed.
	New bool
}

// Verification holds the users that ask the agent.
type Verification struct {
	Via     Route
	Who     []string // of Self, Root, Outsider
	Mounts  []string // mount points that are observed afterwards
	Forward *Forward // only with the route Fresh; nil for none
}

// The things that can be refused over a new connection.
const (
	RefusedLogin   = "login"
	RefusedSession = "session" // it ran something else than the script
	RefusedForward = "forward" // of a socket
)

// Refusals are the reasons why a user is refused.
type Refusals struct {
	Causes  []string
	Setting SSHDSetting // that forbids it; zero for none
}

// SSHDSetting is a setting of the guest's ssh server.
type SSHDSetting struct{ Name, Value string }

func (s SSHDSetting) String() string { return s.Name + " " + s.Value }

// WatchEvent is an event that the watcher in the guest reports.
type WatchEvent string

// The events.
const (
	WatchChange WatchEvent = "change"
	WatchAlive  WatchEvent = "."
)

// Build is what is built in the guest, from the project as the guest sees it.
type Build struct {
	Project string   // the directory of the workspace in the guest
	Targets []Target // one at least
	Profile string   // of Cargo
	Cargo   string   // the oldest version that will do, as in "1.78"; empty for any
	Rust    string   // likewise, of rustc
}

// Target is a program of a workspace.
type Target struct {
	Package string // of Cargo; empty when any may have it
	Name    string
}

// Built is a program that was built in the guest and is not installed yet.
type Built struct {
	Name   string
	Path   string // in the guest, absolute
	SHA256 string // in hexadecimal
}

// buildDir is where the guest builds, below the user's home directory: never in the project.
const buildDir = ".cache/worldsetup-build"

// scripted is the Client that runs scripts.
type scripted struct {
	Transport
	layout layout.Layout
}

// Over returns the Client that runs the scripts of package embed over a transport, with the names of a layout.
func Over(transport Transport, of layout.Layout) Client { return scripted{transport, of} }

// Exec implements [Transport].
func (s scripted) Exec(ctx context.Context, request Request) (Reply, error) {
	request.Unit = s.layout.Unit
	return s.Transport.Exec(ctx, request)
}

// Observe implements [Client].
func (s scripted) Observe(ctx context.Context, via Route, options ObserveOptions) (*Observation, error) {
	script := embed.Observe
	if options.New {
		script, options.Ask = embed.ObserveNew, nil
	}
	reply, err := s.Exec(ctx, Request{Route: via, OnlyOpen: options.OnlyOpen, Script: script,
		Args: s.observed(options.Ask, options.Mounts), End: End})
	if err != nil {
		return nil, err
	}
	o, err := ParseObservation(reply, s.layout, len(options.Mounts), options.Ask...)
	if err == nil {
		o.Noise = strings.TrimSpace(reply.Noise)
	}
	return o, err
}

// ObserveMounts implements [Client].
func (s scripted) ObserveMounts(ctx context.Context, points []string) ([]Mount, error) {
	reply, err := s.Exec(ctx, Request{Route: Shared, Script: embed.Mounts, Args: s.observed(nil, points), End: End})
	if err != nil {
		return nil, err
	}
	return ParseMounts(reply, len(points))
}

// observed returns the arguments of the script "observe".
func (s scripted) observed(ask, points []string) []string {
	return append([]string{strings.Join(s.layout.OtherUnits(), " "), s.layout.MarkerSum(),
		strings.Join(s.layout.Closed(), " "), strings.Join(layout.BrokerVariables, " "), strings.Join(ask, " ")}, points...)
}

// Verify implements [Client].
func (s scripted) Verify(ctx context.Context, v Verification) (*Verified, error) {
	request := Request{Route: v.Via, Script: embed.Verify,
		Args: append(v.Who[:len(v.Who):len(v.Who)], v.Mounts...), Forward: v.Forward}
	if v.Via != Shell {
		request.End = End
	}
	reply, err := s.Exec(ctx, request)
	if err != nil {
		return nil, err
	}
	return ParseVerified(reply, v.Who...)
}

// Enter implements [Client].
func (s scripted) Enter(ctx context.Context) error {
	_, err := s.Exec(ctx, Request{Route: Fresh, Script: embed.Mounts, Args: s.observed(nil, nil), End: End})
	return err
}

// settingName matches the keywords of sshd_config(5).
var settingName = lazyregexp.New(`^[A-Za-z]+$`)

// Refusals implements [Client].
func (s scripted) Refusals(ctx context.Context, via Route, user, what string) (refusals Refusals, err error) {
	reply, err := s.Exec(ctx, Request{Route: via, Script: embed.Refused, Args: []string{user, what}, Root: true})
	for line := range strings.Lines(string(reply.Stdout)) {
		line = strings.TrimSpace(line)
		if setting, ok := strings.CutPrefix(line, "setting="); ok {
			name, value, _ := strings.Cut(setting, " ")
			if settingName.MatchString(name) {
				refusals.Setting = SSHDSetting{name, value}
			}
		} else if line != "" {
			refusals.Causes = append(refusals.Causes, line)
		}
	}
	return refusals, err
}

// Obstacles implements [Client].
func (s scripted) Obstacles(ctx context.Context, via Route, paths []string) (all []Obstacle, err error) {
	reply, err := s.Exec(ctx, Request{Route: via, Script: embed.Obstacles, Args: paths, Root: true})
	for line := range strings.Lines(string(reply.Stdout)) {
		if kind, path, ok := strings.Cut(strings.TrimSpace(line), "|"); ok {
			all = append(all, Obstacle{ObstacleKind(kind), path})
		}
	}
	return all, err
}

// Change implements [Client].
func (s scripted) Change(ctx context.Context, via Route, changes []Change, made func()) error {
	requests := make([]Request, len(changes))
	for i, change := range changes {
		requests[i] = change.request()
		requests[i].Route, requests[i].Root, requests[i].Unit = via, true, s.layout.Unit
	}
	if len(requests) > 1 {
		return s.Chain(ctx, requests, made)
	}
	reply, err := s.Exec(ctx, requests[0])
	if err != nil {
		return err
	}
	if marker, ok := changes[0].(WriteMarker); ok {
		if found := strings.TrimSuffix(string(reply.Stdout), "\n"); found != marker.Version {
			return fmt.Errorf("the marker was written, and holds %q", found)
		}
	}
	made()
	return nil
}

// Build implements [Client].
func (s scripted) Build(ctx context.Context, via Route, build Build, line func(string)) (built []Built, err error) {
	request := Request{Route: via, Script: embed.Build, Args: []string{
		buildDir, build.Project, build.Profile, cmp.Or(build.Cargo, "any"), cmp.Or(build.Rust, "any"),
	}}
	for _, target := range build.Targets {
		request.Args = append(request.Args, target.Package+"/"+target.Name)
	}
	request.Line = func(text string) {
		if one, found := parseBuilt(text); found {
			built = append(built, one)
		} else {
			line(text)
		}
	}
	if _, err = s.Exec(ctx, request); err == nil && len(built) < len(build.Targets) {
		err = errors.New("the build ended without a word of what it made")
	}
	return built, err
}

// parseBuilt reads a last line of the script: built SIZE SHA256 FILE.
func parseBuilt(line string) (built Built, found bool) {
	words := strings.SplitN(line, " ", 4)
	if len(words) != 4 || words[0] != "built" || len(words[2]) != 64 || !path.IsAbs(words[3]) {
		return built, false
	}
	return Built{Name: path.Base(words[3]), SHA256: words[2], Path: words[3]}, true
}

// InstallCargo implements [Client].
func (s scripted) InstallCargo(ctx context.Context, via Route, build Build, line func(string)) error {
	args := []string{cmp.Or(build.Cargo, "any"), cmp.Or(build.Rust, "any")}
	_, err := s.Exec(ctx, Request{Route: via, Script: embed.Cargo, Args: args, Root: true, Line: line})
	return err
}

// Watch implements [Client].
func (s scripted) Watch(ctx context.Context, points []string, event func(WatchEvent)) error {
	_, err := s.Exec(ctx, Request{Route: Fresh, Script: embed.Watch, Args: points, Line: func(line string) {
		event(WatchEvent(line))
	}})
	return err
}
