package checks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/process"
)

// fixDeadline bounds a fix: installing QEMU takes half a minute on a good network, and Homebrew may compile for a while.
const fixDeadline = 15 * time.Minute

// String is the command as a person would type it.
func (f *FixInfo) String() string { return shellescape.QuoteCommand(f.Command) }

// AsRoot says whether the command asks sudo for something. Apply gives it no terminal to ask for a password at: a caller
// that has one runs `sudo -v` on it first.
func (f *FixInfo) AsRoot() bool { return len(f.Command) > 0 && f.Command[0] == "sudo" }

// Apply looks once more, mends what has Failed by its fix, and returns what the check says after that. line gets the
// command, and then what it prints; it may be nil. Without a fix, or without a failure, nothing is done.
func Apply(ctx context.Context, check Check, line func(string)) Result {
	if line == nil {
		line = func(string) {}
	}
	before := check.settle(ctx, "")
	if before.Outcome != Failed || before.Fix == nil {
		return before
	}
	line("$ " + before.Fix.String())
	limited, cancel := context.WithTimeoutCause(ctx, fixDeadline, fmt.Errorf("it took longer than %v", fixDeadline))
	defer cancel()
	mend := check.Mend
	if mend == nil {
		mend = mendHere
	}
	mendErr := mend(limited, before.Fix.Command, line)
	after := check.settle(ctx, "")
	if after.Outcome == Failed {
		after.Problem = unmended(*after.Problem, before.Fix, mendErr)
	}
	return after
}

// unmended is the problem that is left after its fix, with what a person has to do now.
func unmended(problem Problem, fix *FixInfo, err error) *Problem {
	switch {
	case err != nil:
		problem.Why = strings.TrimPrefix(problem.Why+"\n", "\n") + fmt.Sprintf("%s did not work: %v", fix, err)
		problem.Next = "run it yourself and see what it says: " + fix.String()
	case fix.Note != "":
		problem.Why = strings.TrimPrefix(problem.Why+"\n", "\n") + fix.String() + " was done"
		problem.Next = fix.Note
	}
	return &problem
}

// mendHere runs command on this machine. It has no terminal: sudo would stop for ever at the one that it is not in the
// foreground of, so it is told not to ask.
func mendHere(ctx context.Context, command []string, line func(string)) error {
	args := command[1:]
	if command[0] == "sudo" {
		args = append([]string{"-n"}, args...)
	}
	cmd := process.Command(ctx, command[0], args...)
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	last := make(chan string)
	go func() { last <- eachLine(reader, line) }()
	err := process.Run(cmd)
	_ = writer.Close()
	said := <-last
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil && said != "" {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// eachLine hands on the lines of reader up to its end and returns the last one that says something.
func eachLine(reader io.Reader, line func(string)) (last string) {
	scanner := bufio.NewScanner(reader)
	for scanner.Scan() {
		text := strings.TrimRight(scanner.Text(), "\r")
		if strings.TrimSpace(text) != "" {
			last = text
		}
		line(text)
	}
	_, _ = io.Copy(io.Discard, reader) // after a line that is too long for a scanner: the program must not stop for that
	return last
}
