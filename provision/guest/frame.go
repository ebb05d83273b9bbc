package guest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/process"
)

// newMark returns the mark that frame.sh prints before each line of a script's output. A guest can't guess it.
func newMark() string { return "worldsetup-" + rand.Text() }

// frame returns the command that runs the request in the guest, with mark before each line of its output. Every login
// shell reads its words alike once they are in single quotes: none has a newline, or what csh and fish read in those.
func frame(request Request, user, mark string) []string {
	who := "-" // unknown
	switch {
	case request.Root:
		who = "root"
	case userName.MatchString(user):
		who = user
	}
	words := append([]string{mark, who, request.Unit, request.Script.Text, request.Script.Name}, request.Args...)
	script := "set -- " + shellescape.QuoteCommand(words) + "\n" + embed.Frame.Text
	return []string{"/bin/sh", "-c", `eval "$(printf %b "$1")"`, embed.Frame.Name, escape(script)}
}

// userName matches what a shell takes for a name after a tilde.
var userName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// escape replaces what shells read differently in single quotes by what `printf %b` makes it again from.
func escape(text string) string {
	var escaped strings.Builder
	for _, b := range []byte(text) {
		switch {
		case b == '\n':
			escaped.WriteString(`\n`)
		case b < ' ' || b >= 0x7f || strings.IndexByte(`'!\`, b) >= 0:
			fmt.Fprintf(&escaped, `\0%03o`, b)
		default:
			escaped.WriteByte(b)
		}
	}
	return escaped.String()
}

// unframe reads the output of a framed script: the text after the mark of each line. All else is noise.
type unframe struct {
	mark string
	line func(string) // gets each line, without its newline; nil keeps them in text
	last string       // the line after which end is called; empty for none
	end  func()

	text   process.Buffer
	noise  bytes.Buffer // at most maxNoise bytes
	lines  process.Lines
	ended  bool // last was printed
	exited bool // status is that of the script
	status int
}

const maxNoise = 1 << 12

// Write implements [io.Writer].
func (u *unframe) Write(p []byte) (int, error) {
	u.lines.Each, u.lines.Exact = u.take, true
	return u.lines.Write(p)
}

// take takes one whole line. Noise that does not end with a newline can be before the mark.
func (u *unframe) take(line string) {
	before, line, ok := strings.Cut(line, u.mark+" ")
	if !ok || before != "" {
		u.noise.WriteString((before + "\n")[:min(len(before)+1, maxNoise-u.noise.Len())])
	}
	if !ok {
		return
	}
	if text, ok := strings.CutPrefix(line, "exit "); ok {
		status, err := strconv.Atoi(text)
		u.status, u.exited = status, err == nil
		return
	}
	if u.line != nil {
		u.line(line)
		return
	}
	_, _ = u.text.Write([]byte(line + "\n")) // it never fails
	if u.last != "" && line == u.last && !u.ended {
		u.ended = true
		u.end()
	}
}

// done reports whether the script ended as intended; if it did not, err is how it failed.
func (u *unframe) done(script, stderr string) (done bool, err error) {
	switch {
	case u.ended, u.exited && u.status == 0:
		return true, u.text.Err("the script " + script + " in the guest")
	case u.exited:
		return true, &ScriptError{Script: script, ExitCode: u.status, Stderr: stderr}
	}
	return false, nil
}

// SessionError reports that a session in the guest ended before the script in it did: sshd let the user in, and the
// login shell ran something else, or was ended.
type SessionError struct {
	Route    Route
	ExitCode int
	Output   string // what was printed instead, the first of it
	Hangs    bool   // it did not even end
}

func (e *SessionError) Error() string {
	if e.Hangs {
		return "the agent answers over Lima's ssh connection, and no session comes as far as our script: " +
			"a start-up file of the user's login shell does not end (" + StartupFiles + ")"
	}
	message := fmt.Sprintf("the session in the guest ended with exit status %d before our script did", e.ExitCode)
	if text := strings.TrimSpace(e.Output); text != "" {
		message += ": " + text
	}
	if strings.Contains(e.Output, "This account is currently not available") { // nologin(8) prints this
		return message + "; the user's login shell is nologin"
	}
	if e.Route == Shell {
		return message
	}
	return message + "; a start-up file of the user's login shell ends it, starts another program or redirects its " +
		"output (" + StartupFiles + "); or the login shell or sshd runs no commands"
}

// StartupFiles are files that login shells read before they run a command, and LoginFiles those that `limactl shell`
// has them read as well.
const (
	StartupFiles = "~/.bashrc, ~/.zshenv, ~/.config/fish/config.fish, ~/.tcshrc, ~/.cshrc, ~/.ssh/rc and those for " +
		"all users in /etc"
	LoginFiles = "~/.profile, ~/.bash_profile, ~/.bash_login, ~/.zprofile, ~/.zlogin, ~/.login, and those for all " +
		"users in /etc"
)
