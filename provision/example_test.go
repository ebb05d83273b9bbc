package provision_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/atomize-hq/worldsetup/provision"
)

// Another program sets up a world for a project, shows what happens, and decides by the kind of failure.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	setup := provision.Setup{
		Spec: provision.Spec{
			Project: "/home/ada/project",
			Agent:   "/home/ada/project/target/release/world-agent",
			Memory:  8 << 30,
		},
		Events: func(event provision.Event) {
			if event.Type == provision.EventStep {
				log.Printf("[%d/%d] %s: %s", event.Step.Number, event.Step.Of, event.Step.Title, event.Step.State)
			}
		},
	}
	health, err := setup.Run(ctx)
	failure, known := errors.AsType[*provision.Error](err)
	switch {
	case err == nil:
		fmt.Println("the agent answers at", health.Socket.Host)
	case known && failure.Kind == provision.KindReplacement:
		fmt.Println("only another VM would do:", failure.Why)
	default:
		fmt.Println(err)
	}
}

// What a run would change is known before it changes anything.
func ExampleSetup_Plan() {
	setup := provision.Setup{Spec: provision.Spec{Project: "."}}
	plan, err := setup.Plan(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, step := range plan.Steps {
		fmt.Printf("%s, because %s\n", step.Title, step.Reason)
	}
	if plan.Interrupts() {
		fmt.Println("programs that run in the VM will be stopped")
	}
}
