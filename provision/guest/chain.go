package guest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/embed"
)

// Chain implements [Transport].
func (s SSH) Chain(ctx context.Context, requests []Request, ended func()) error {
	done := 0
	whole := Request{
		Route: requests[0].Route, Root: requests[0].Root, Unit: requests[0].Unit, Script: embed.Chain,
		Stdin: strings.NewReader(""),
		Line:  func(string) { done++; ended() },
	}
	for _, request := range requests {
		// The script runs as the chain's user, and must not read what is meant for another one.
		command := shellescape.QuoteCommand(append([]string{"/bin/sh", "-c", request.Script.Text, request.Script.Name},
			request.Args...))
		if request.Stdin != nil {
			whole.Stdin = request.Stdin
		} else {
			command += " </dev/null"
		}
		whole.Args = append(whole.Args, command)
	}
	_, err := s.Exec(ctx, whole)
	if script, ok := errors.AsType[*ScriptError](err); ok && done < len(requests) {
		script.Script = requests[done].Script.Name
	}
	if err == nil && done != len(requests) {
		err = fmt.Errorf("the guest ran %d of %d scripts, and reported that all was well", done, len(requests))
	}
	return err
}
