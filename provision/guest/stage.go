package guest

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/staging"
)

// Staging is a new copy of the project in the guest.
type Staging struct {
	User   string   // who owns it
	Remove []string // from the copy before, see [staging.Delta]
	// Write writes the tar stream of what the copy before lacks.
	Write func(to io.Writer) error
	// Prepared is called before the stream is read.
	Prepared func()
}

// Staged implements [Client].
func (s scripted) Staged(ctx context.Context, via Route, user string) (*staging.Copy, error) {
	var listing staging.Listing
	args := append([]string{s.layout.Staging, layout.ManifestName, user}, staging.Excluded...)
	_, err := s.Exec(ctx, Request{Route: via, Script: embed.Staged, Args: args, Root: true, Line: listing.Line})
	if err != nil {
		return nil, err
	}
	return listing.Done()
}

// Stage implements [Client].
func (s scripted) Stage(ctx context.Context, via Route, copied Staging) error {
	request := Request{Route: via, Script: embed.Stage, Root: true,
		Args: []string{"begin", s.layout.Staging, copied.User, layout.ManifestName}}
	var remove strings.Builder
	for _, path := range copied.Remove {
		remove.WriteString("./" + path + "\x00")
	}
	request.Stdin = strings.NewReader(remove.String())
	if _, err := s.Exec(ctx, request); err != nil {
		return err
	}
	copied.Prepared()
	reader, writer := io.Pipe()
	var writing error
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer crash.Catch()
		writing = copied.Write(writer)
		_ = writer.CloseWithError(writing) // it never fails
	}()
	request.Args = append([]string{"end"}, request.Args[1:]...)
	request.Stdin = reader
	_, err := s.Exec(ctx, request)
	_ = reader.CloseWithError(io.ErrClosedPipe) // likewise
	<-written
	if writing != nil && writing != io.ErrClosedPipe && ctx.Err() == nil {
		return fmt.Errorf("the project could not be sent: %w", writing)
	}
	return err
}
