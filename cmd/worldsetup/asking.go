package main

import (
	"bufio"
	"context"
	"io"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
)

// asker asks a person who types the answers, one line each.
type asker struct {
	to    *lines
	out   io.Writer
	typed <-chan string // closed at the end of the input
}

// newAsker reads from the terminal on, until the program ends: a read cannot be called back.
func newAsker(at terminal, utf8 bool) *asker {
	typed := make(chan string)
	go func() {
		defer close(typed)
		for scanner := bufio.NewScanner(at.in); scanner.Scan(); {
			typed <- strings.TrimSpace(scanner.Text())
		}
	}()
	return &asker{newLines(at.out, utf8), at.out, typed}
}

// ask asks, and returns what was typed. The error is that nobody answers any more.
func (a *asker) ask(ctx context.Context, question string) (string, error) {
	if _, err := io.WriteString(a.out, a.to.clean(question)+" "); err != nil {
		return "", nobodyAnswers(err)
	}
	select {
	case answer, is := <-a.typed:
		if !is {
			a.to.put("", "", "\n")
			return "", nobodyAnswers(io.EOF)
		}
		return answer, nil
	case <-ctx.Done():
		return "", nobodyAnswers(context.Cause(ctx))
	}
}

// named says what goes away and what is kept, and asks for the VM's name as the consent to that. The name is empty when
// something else was typed.
func (a *asker) named(ctx context.Context, lost, kept, vm, what string) (name string, err error) {
	a.to.put("goes away: ", "           ", lost)
	a.to.put("kept: ", "      ", kept)
	name, err = a.ask(ctx, "type the name of the VM, "+vm+", to "+what+"; anything else leaves it:")
	if err != nil || name == vm {
		return name, err
	}
	if name != "" {
		a.to.printf("%s is not its name: nothing was changed", name)
	}
	return "", nil
}

// agrees asks a question that starts on no.
func (a *asker) agrees(ctx context.Context, question string) (bool, error) {
	answer, err := a.ask(ctx, question+" [y/N]")
	return isYes(answer), err
}

func isYes(answer string) bool {
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes"
}

func nobodyAnswers(err error) *provision.Error {
	return &provision.Error{
		Kind: provision.KindInterrupted, What: "it was left before anything was changed", Why: err.Error(),
		Next: "run worldsetup again; --non-interactive never asks", Err: err,
	}
}
