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
