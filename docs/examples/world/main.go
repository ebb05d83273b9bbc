// Command world sets up a world for the working directory, and prints where its agent answers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/atomize-hq/worldsetup/provision"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	setup := provision.Setup{
		Spec: provision.Spec{Project: ".", Agent: provision.AgentBuiltin, Wait: true},
		Events: func(event provision.Event) {
			if step := event.Step; step != nil && event.Type == provision.EventStep {
				fmt.Fprintf(os.Stderr, "[%d/%d] %s: %s\n", step.Number, step.Of, step.Title, step.State)
			}
		},
	}
	health, err := setup.Run(ctx)
	if failure, ok := errors.AsType[*provision.Error](err); ok {
		fmt.Fprintf(os.Stderr, "%s\n%s\nnext: %s\n", failure.What, failure.Why, failure.Next)
		os.Exit(1)
	}
	fmt.Println(health.Socket.Host) // err is nil: the world was verified
}
