package provision_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
)

// Tests of a program that uses this package put a simulated Lima in the place of the real one. A first run makes the
// world, and a second one finds nothing to change.
func ExampleSetup_Run() {
	dir, err := os.MkdirTemp("", "ws") // short: it holds sockets
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	world := fake.New(fake.Options{LimaHome: filepath.Join(dir, ".lima"), Patience: time.Second})
	defer world.Close()
	setup := provision.Setup{
		Spec: provision.Spec{
			Project: dir, LimaHome: filepath.Join(dir, ".lima"), StateDir: filepath.Join(dir, "state"),
			Agent: provision.AgentBuiltin,
		},
		Edges: func(provision.Spec) provision.Edges {
			return provision.Edges{Lima: world, Guest: world.Guest, Now: time.Now,
				Checks: func(checks.Target) []checks.Check { return nil }}
		},
		Events: func(event provision.Event) {
			if event.Type == provision.EventFinished {
				fmt.Println("ready:", event.Result.Ready, "changed:", event.Result.Changed)
			}
		},
	}
	for range 2 {
		if _, err := setup.Run(context.Background()); err != nil {
			fmt.Println(err)
		}
	}
	plan, err := setup.Plan(context.Background())
	fmt.Println("steps left:", len(plan.Steps), err)
	// Output:
	// ready: true changed: true
	// ready: true changed: false
	// ready: true changed: false
	// steps left: 0 <nil>
}
