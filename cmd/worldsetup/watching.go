package main

import (
	"context"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// watchful is an engine that can be asked to watch.
type watchful struct{ engine }

// watchPause is how long an engine that cannot watch by itself rests between two looks.
const watchPause = 2 * time.Second

// Watch has the engine watch, or look again and again.
func (w watchful) Watch(ctx context.Context, changed func(provision.Health)) error {
	if able, is := w.engine.(interface {
		Watch(context.Context, func(provision.Health)) error
	}); is {
		return able.Watch(ctx, changed)
	}
	for {
		health, err := w.Status(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case health.Schema == 0:
			return err
		}
		changed(health)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(watchPause):
		}
	}
}
