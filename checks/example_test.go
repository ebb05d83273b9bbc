package checks_test

import (
	"context"
	"fmt"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/finding"
)

// A check is data with a probe. One that requires another is skipped when that one failed, so that only causes are
// shown.
func ExampleRun() {
	found := func(outcome checks.Outcome, words, next string) checks.Probe {
		return func(context.Context) checks.Result {
			return checks.Result{Finding: finding.Finding{Outcome: outcome, Found: words, Next: next}}
		}
	}
	list := []checks.Check{
		{ID: "shell", Title: "shell", Probe: found(checks.OK, "/bin/sh", "")},
		{ID: "tool", Title: "tool", Probe: found(checks.Failed, "it is missing", "apt-get install tool")},
		{ID: "tool-version", Title: "version of the tool", Requires: []string{"tool"}, Probe: found(checks.OK, "1.2", "")},
	}
	results := checks.Run(context.Background(), list, nil)
	for _, result := range results {
		fmt.Printf("%s: %s: %s\n", result.Outcome, result.Title, result.Found)
	}
	for _, cause := range checks.Causes(list, results) {
		fmt.Println("next:", cause.Next)
	}
	// Output:
	// ok: shell: /bin/sh
	// error: tool: it is missing
	// skipped: version of the tool: waits for tool
	// next: apt-get install tool
}

// The prerequisites of this machine, for a program that sets up a world elsewhere. All of them together take seconds.
func ExampleList() {
	for _, check := range checks.List(checks.Target{})[:3] {
		fmt.Printf("%s: %s\n", check.ID, check.Title)
	}
	// Output:
	// system: operating system
	// processor: processor
	// host-user: ordinary user
}
