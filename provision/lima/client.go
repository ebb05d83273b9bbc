package lima

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-semver/semver"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/internal/process"
)

// The deadlines of queries, which normally take 0.05 s, and of stopping a VM, which normally takes 3 s.
const (
	questionDeadline = 20 * time.Second
	stopDeadline     = 3 * time.Minute
)

// MinimumVersion is the oldest Lima that worldsetup supports: the first of the v2 types that profiles are built from.
var MinimumVersion = semver.New("2.0.0")

// TestedVersions are the releases of Lima that the end-to-end suite builds and plays on, the oldest first.
func TestedVersions() []string { return []string{"2.1.4", "2.2.0"} }

// TestedRange says in words which versions worldsetup was tested with: what it prints as its own version has this.
func TestedRange() string {
	return fmt.Sprintf("Lima %s or newer; tested with %s", MinimumVersion, strings.Join(TestedVersions(), " and "))
}

// NewerThanTested reports whether a version is of a later release line than all that worldsetup was tested with: a
// later patch of a line that was counts as tested.
func NewerThanTested(version *semver.Version) bool {
	newest := semver.New(TestedVersions()[len(TestedVersions())-1])
	return version.Major > newest.Major || version.Major == newest.Major && version.Minor > newest.Minor
}

// Client calls limactl, with one method per question or action.
type Client struct {
	Runner Runner
	// Home is Lima's. With it, Start, Stop and Delete first move aside pid files that name processes of others.
	Home string
}

// UnreleasedError reports that limactl is a build of something else than a release, which has no number: Homebrew's of
// HEAD prints "HEAD-abc1234", and one without the flags of Lima's Makefile "<unknown>".
type UnreleasedError struct{ Version string }

func (e *UnreleasedError) Error() string {
	return fmt.Sprintf("limactl %s is not a release of Lima", e.Version)
}

var unreleased = lazyregexp.New(`^limactl version (HEAD-[0-9a-f]{4,40}|[0-9a-f]{7,40}(?:\.m)?|<unknown>)$`)

var released = lazyregexp.New(`^limactl version v?([0-9]+\.[0-9]+\.[0-9]+\S*)$`)

// Version asks limactl for its own version. The error is an [*UnreleasedError] for a build without a number; a limactl
// that prints something else than a version is an error as well.
func (c Client) Version(ctx context.Context) (*semver.Version, error) {
	result, err := c.ask(ctx, Command{Args: []string{"--version"}})
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(result.Stdout))
	if build := unreleased.FindStringSubmatch(text); build != nil {
		return nil, &UnreleasedError{build[1]}
	}
	match := released.FindStringSubmatch(text)
	if match == nil {
		return nil, fmt.Errorf("limactl --version printed %q, which is no version of Lima", clip(text, 80))
	}
	version, err := semver.NewVersion(match[1])
	if err != nil {
		return nil, fmt.Errorf("limactl --version printed %q: %w", clip(text, 80), err)
	}
	return version, nil
}

// Find returns the instance called name, or nil when Lima has none.
func (c Client) Find(ctx context.Context, name string) (*limatype.Instance, error) {
	// It is asked for alone first: limactl takes 13 ms of processor time for each VM that it lists. Only if it isn't
	// found, all are: asking for a name that does not exist prints a warning and has had different exit codes.
	instance, err := c.FindOnly(ctx, name)
	if _, refused := errors.AsType[*CommandError](err); instance != nil || err != nil && !refused {
		return instance, err
	}
	return c.find(ctx, name)
}

// FindOnly returns the instance called name, which is there, without asking for the others: one directory in Lima's
// home that is not an instance makes Find fail.
func (c Client) FindOnly(ctx context.Context, name string) (*limatype.Instance, error) {
	return c.find(ctx, name, name)
}

func (c Client) find(ctx context.Context, name string, only ...string) (*limatype.Instance, error) {
	args := append([]string{"list", "--format", "json", "--log-level", "error"}, only...)
	result, err := c.ask(ctx, Command{Args: args})
	if err != nil {
		return nil, err
	}
	return findIn(result.Stdout, name)
}

// findIn returns the instance called name from a list, which holds a JSON object for each; nil when it is not there.
// The others are searched for their names only, since another version of Lima may have made them. An instance that is
// found counts; that there is none counts only when all of the list can be read.
func findIn(list []byte, name string) (*limatype.Instance, error) {
	var unreadable error
	for len(list) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(list))
		var object json.RawMessage
		var named struct{ Name *string }
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		end := decoder.InputOffset()
		if err == nil {
			err = json.Unmarshal(object, &named)
		} else if end = int64(bytes.IndexByte(list, '\n') + 1); end == 0 { // a line of something else
			end = int64(len(list))
		}
		switch {
		case err == nil && named.Name != nil && *named.Name == name:
			return instanceFrom(object, name)
		case err != nil || named.Name == nil:
			line := strings.TrimSpace(string(list[:end]))
			unreadable = cmp.Or(unreadable, fmt.Errorf("limactl list printed a line that describes no VM: %q",
				clip(line, 80)))
		}
		list = list[end:]
	}
	return nil, unreadable
}

// instanceFrom decodes the instance called name. Errors that Lima has not written as text don't hide the rest of it.
func instanceFrom(object []byte, name string) (*limatype.Instance, error) {
	var instance limatype.Instance
	err := json.Unmarshal(object, &instance)
	if err == nil {
		return &instance, nil
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(object, &fields) // it was read as an object before
	var found []json.RawMessage
	_ = json.Unmarshal(fields["errors"], &found)
	delete(fields, "errors")
	if rest, restErr := json.Marshal(fields); restErr != nil || json.Unmarshal(rest, &instance) != nil {
		return nil, fmt.Errorf("what limactl list prints about the VM %s can't be read: %w", name, err)
	}
	for _, one := range found {
		instance.Errors = append(instance.Errors, listedError(one))
	}
	if len(instance.Errors) == 0 {
		instance.Errors = []error{errUnreadable}
	}
	return &instance, nil
}

var errUnreadable = errors.New("what Lima reports as its errors can't be read")

// listedError is one of the errors of an instance, as a list shows it: its text, or what Go makes of an error that has
// none of its own in JSON, which of one about a file is {"Op":"open","Path":"/x/lima.yaml","Err":2}.
func listedError(value json.RawMessage) error {
	var text string
	if json.Unmarshal(value, &text) == nil && text != "" {
		return errors.New(text)
	}
	var about struct {
		Op, Path string
		Err      json.RawMessage
	}
	if json.Unmarshal(value, &about) != nil || about.Op == "" || about.Path == "" {
		return errUnreadable
	}
	var number syscall.Errno
	cause := errUnreadable
	if json.Unmarshal(about.Err, &number) == nil {
		cause = number
	}
	return &fs.PathError{Op: about.Op, Path: about.Path, Err: cause}
}

// ProfilePrefix begins the names of the files that Validate makes; the number of the process and a "-" follow.
const ProfilePrefix = "worldsetup-profile-"

// noDriver begins a warning of `limactl validate` (Lima 2.0 and 2.1), which then calls the profile right all the same.
const noDriver = "failed to resolve VM type "

// Validate asks Lima whether it would take profile, as far as it knows without asking the driver. The profile is put
// into a file in dir for that, and removed again.
func (c Client) Validate(ctx context.Context, dir string, profile []byte) error {
	file, err := os.CreateTemp(dir, fmt.Sprintf("%s%d-*.yaml", ProfilePrefix, os.Getpid()))
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(profile); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	path, err := filepath.Abs(file.Name())
	if err != nil {
		return err
	}
	command := Command{Args: []string{"--log-format", "json", "validate", path}}
	result, err := c.ask(ctx, command)
	for line := range strings.Lines(result.Stderr) {
		if err == nil && strings.HasPrefix(ParseLogLine(strings.TrimSpace(line)).Message, noDriver) {
			err = &CommandError{Args: command.Args, ExitCode: result.ExitCode, Stderr: line}
		}
	}
	return err
}

// Create makes the instance name from profile, without starting it. That downloads the image, so only ctx bounds it.
func (c Client) Create(ctx context.Context, name string, profile []byte, line func(string)) error {
	_, err := c.run(ctx, 0, Command{
		Args:  []string{"--log-format", "json", "create", "--tty=false", "--name", name, "-"},
		Stdin: profile,
		Line:  line,
	})
	return err
}

// Start starts the instance name and waits for Lima to call it running, for as long as ctx allows.
func (c Client) Start(ctx context.Context, name string, line func(string)) error {
	if err := c.displacePIDFiles(name, line); err != nil {
		return err
	}
	args := []string{"--log-format", "json", "start", "--tty=false"}
	if deadline, ok := ctx.Deadline(); ok { // Lima's own is 10 minutes
		args = append(args, "--timeout", time.Until(deadline).Round(time.Second).String())
	}
	_, err := c.run(ctx, 0, Command{Args: append(args, name), Line: line})
	return err
}

// Stop stops the instance name; with force it powers it off instead of shutting it down. Lima may do that by itself, on
// a Mac: line gets a line that says so.
func (c Client) Stop(ctx context.Context, name string, force bool, line func(string)) error {
	if err := c.displacePIDFiles(name, line); err != nil {
		return err
	}
	args := []string{"--log-format", "json", "stop"}
	if force {
		args = append(args, "--force")
	}
	log := NewHostLog(filepath.Join(c.Home, name))
	defer log.Close()
	_, err := c.run(ctx, stopDeadline, Command{Args: append(args, name), Line: line})
	if err == nil && line != nil && log.PoweredOff() {
		line("the VM did not shut down in time, and Lima powered it off: what its programs had not written yet is lost")
	}
	return err
}

// Delete removes the instance name and its disk, without asking.
func (c Client) Delete(ctx context.Context, name string, line func(string)) error {
	if err := c.displacePIDFiles(name, line); err != nil {
		return err
	}
	_, err := c.run(ctx, stopDeadline,
		Command{Args: []string{"--log-format", "json", "delete", "--force", name}, Line: line})
	return err
}

// Protect keeps `limactl delete` from removing the instance name.
func (c Client) Protect(ctx context.Context, name string, line func(string)) error {
	_, err := c.run(ctx, questionDeadline, Command{Args: []string{"--log-format", "json", "protect", name}, Line: line})
	return err
}

// Unprotect lifts the protection of the instance name.
func (c Client) Unprotect(ctx context.Context, name string, line func(string)) error {
	_, err := c.run(ctx, questionDeadline,
		Command{Args: []string{"--log-format", "json", "unprotect", name}, Line: line})
	return err
}

// Embed returns the template in the file path with all that it refers to: its bases and the files of its scripts.
func (c Client) Embed(ctx context.Context, path string) ([]byte, error) {
	args := []string{"--log-format", "json", "template", "copy", "--embed-all", path, "-"}
	result, err := c.run(ctx, questionDeadline, Command{Args: args})
	return result.Stdout, err
}

// Shell runs a command in the instance name, over the ssh connection that Lima's users share.
func (c Client) Shell(ctx context.Context, name string, command ...string) (Result, error) {
	args := append([]string{"shell", "--workdir", "/", name}, command...)
	return c.Runner.Run(ctx, Command{Args: args})
}

// ask is run for a query. If limactl is killed, it is called again, once: that has changed nothing.
func (c Client) ask(ctx context.Context, command Command) (Result, error) {
	result, err := c.run(ctx, questionDeadline, command)
	if _, killed := errors.AsType[*process.KilledError](err); killed && ctx.Err() == nil {
		return c.run(ctx, questionDeadline, command)
	}
	return result, err
}

// run makes one call within deadline (0: that of ctx) and turns an exit code into a CommandError.
func (c Client) run(ctx context.Context, deadline time.Duration, command Command) (Result, error) {
	if deadline > 0 {
		var cancel context.CancelFunc
		cause := fmt.Errorf("limactl %s gave no answer within %v: %w", command.Args[0], deadline,
			context.DeadlineExceeded)
		ctx, cancel = context.WithTimeoutCause(ctx, deadline, cause)
		defer cancel()
	}
	result, err := c.Runner.Run(ctx, command)
	if err != nil {
		return result, err
	}
	if result.ExitCode != 0 {
		return result, &CommandError{Args: command.Args, ExitCode: result.ExitCode, Stderr: result.Stderr}
	}
	return result, nil
}

// clip shortens text to n bytes for a message.
func clip(text string, n int) string {
	text = plaintext.Redact(text) // what is cut off could be what shows that the rest is secret
	if len(text) <= n {
		return text
	}
	return text[:n] + "…"
}
