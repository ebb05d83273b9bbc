// Contract compares a checkout of the system that a world serves with what worldsetup knows of it:
//
//	scripts/upstream-contract [--layout NAME] DIR
//
// It exits with 1 when something differs, and with 2 when something can't be found.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/atomize-hq/worldsetup/internal/upstream"
)

func main() {
	name := flag.String("layout", "", "compare with the generation `NAME`, not with the one that is the most like it")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: scripts/upstream-contract [--layout NAME] DIR")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(upstream.Missing)
	}
	os.Exit(upstream.Report(os.Stdout, flag.Arg(0), *name))
}
