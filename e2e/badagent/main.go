// Command badagent is an agent for the end-to-end suite that starts and never answers.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "this agent gives up at once")
	os.Exit(1)
}
