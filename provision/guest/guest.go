// Package guest talks to the guest of a VM: it runs the scripts of package embed there and reads their output.
//
// The rules are: a script's text is constant and its input comes as arguments or standard input; its output is
// parsed strictly; and every request names its ssh connection, because Lima's shared one and a fresh one can
// see two different worlds (a session gets its groups at login).
package guest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
)

// Route is a way into the guest.
type Route string

// The routes.
const (
	// Shared is Lima's own multiplexed ssh connection, used when it is there and never created by us.
	Shared Route = "shared"
	// Fresh is a new ssh connection of our own.
	Fresh Route = "fresh"
	// Shell is `limactl shell`, as users type it. It uses Lima's shared connection, or makes it.
	Shell Route = "shell"
)

// Request is one script to be run in the guest.
type Request struct {
	Route Route
	// OnlyOpen, only with the route Shared, connects to nothing when Lima's connection isn't open.
	OnlyOpen bool
	Script   embed.Script
	Args     []string
	// Unit is the name of the world's units, without their types; empty for a script that has nothing to do with them.
	Unit string
	// Root runs the script through `sudo -n`; otherwise it runs as the user who logs in.
	Root bool
	// Stdin is the script's standard input; nil is an empty one.
	Stdin io.Reader
	// Line, when not nil, gets each line of standard output as it appears, without its newline, in place of the Reply;
	// without Stdin, standard input ends with the context then.
	Line func(line string)
	// End, when not empty, is the last line that the script prints. Exec ends the connection then, whatever else holds
	// it open: OpenSSH's client doesn't exit while the guest's end of a forwarded connection is open, and a hung agent
	// never closes it.
	End string
	// Forward, only with the route Fresh and without Stdin, forwards the agent's socket to the host over the same
	// connection.
	Forward *Forward
}

// Forward is a host socket that leads to the agent's socket while a script runs.
type Forward struct {
	// Path is where the host socket is made, in a directory that only the user can enter.
	Path string
	// Use is called with Path once it accepts connections. The script's standard input ends when it returns.
	Use func(ctx context.Context, path string)
}

// Transport runs scripts in a guest: [SSH] for real, a simulation in tests.
//
// Renew ends Lima's shared connection for those who come next and makes a new one, which has the groups of its time;
// what runs over the old one, mounts among it, goes on. The sockets are forwarded over the new one.
//
// Exec returns what the script printed, which ends with a newline. Its error is a [*ScriptError] when the script ran
// and failed, a [*ConnectionError] when there was no session to run it in, and a [*SessionError] when there was one and
// it ended before the script did.
//
// Chain runs scripts one after the other until one fails, as Exec would, and for less: over one connection and with one
// sudo. They share the Route, Root and Unit of the first one, at most one has a Stdin, and what they print is not kept.
// ended is called after each that succeeded; the error is that of the one that did not.
type Transport interface {
	Exec(ctx context.Context, request Request) (Reply, error)
	Chain(ctx context.Context, requests []Request, ended func()) error
	Renew(ctx context.Context, forwards []Pair) error
}

// Pair is a socket on the host that leads to one in the guest.
type Pair struct{ Host, Guest string }

// Reply is the output of a script.
type Reply struct {
	Stdout []byte
	Noise  string // what else was printed there, the first of it
	// Sent and Received enclose the run, in host time.
	Sent, Received time.Time
}

// Exit statuses of a [ScriptError] that have a meaning.
const (
	ExitRolledBack  = 3  // of Activate: the agent before was restored
	ExitNoPython    = 78 // of Activate: the agent needs python3, and that does not run
	ExitNoApt       = 4  // of InstallPackages: there is no apt-get
	ExitLocked      = 75 // of InstallPackages: another program held a lock of the package manager for minutes
	ExitBusy        = 76 // of all of root's: another one, of a run that was killed, was at work for too long
	ExitNeedsBoot   = 4  // of MakeWritable: the file system is whole, and files that were deleted are open
	ExitCannotRun   = 3  // of InstallCompanion: it lacks a library of the guest's, and the one before stays
	ExitNoToolchain = 4  // of Build and InstallCargo: there is no cargo that is new enough
)

// ScriptError reports that a script ran in the guest and failed.
type ScriptError struct {
	Script   string
	ExitCode int
	Stderr   string
}

func (e *ScriptError) Error() string {
	message := fmt.Sprintf("the guest script %q failed with exit status %d", e.Script, e.ExitCode)
	if text := strings.TrimSpace(e.Stderr); text != "" {
		message += ": " + text
	}
	return message
}

// ConnectionError reports that a route into the guest did not work.
type ConnectionError struct {
	Route  Route
	Detail string // ssh's own last words, may be empty
	Err    error
}

func (e *ConnectionError) Error() string {
	message := fmt.Sprintf("no way into the guest over the %s connection", e.Route)
	if e.Detail != "" {
		message += ": " + e.Detail
	}
	if e.Err != nil {
		message += ": " + e.Err.Error()
	}
	return message
}

func (e *ConnectionError) Unwrap() error { return e.Err }

// ConnectionCause is why ssh could not connect.
type ConnectionCause string

// The causes that ssh shows.
const (
	CauseUnknown  ConnectionCause = ""
	CauseDenied   ConnectionCause = "denied"    // the server refused the user
	CauseTimedOut ConnectionCause = "timed out" // there was no answer, as behind a packet filter
	// The server closed the connection before it asked who comes. OpenSSH does so since 9.8 for some seconds after it
	// refused users of the same address (PerSourcePenalties of sshd_config(5)).
	CauseDropped ConnectionCause = "dropped"
)

// Cause returns why ssh could not connect. Its exit status is 255 for every cause, so only its messages show that:
// "Permission denied" is of its sshconnect2.c, "timed out" of its connect(2) or of the banner exchange,
// and the third of its kex.c.
func (e *ConnectionError) Cause() ConnectionCause {
	switch {
	case strings.Contains(e.Detail, "Permission denied"):
		return CauseDenied
	case strings.Contains(e.Detail, "timed out"):
		return CauseTimedOut
	case strings.Contains(e.Detail, "kex_exchange_identification"):
		return CauseDropped
	}
	return CauseUnknown
}
