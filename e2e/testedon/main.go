// Testedon writes docs/tested-on.md from the results that the end-to-end suite recorded (go test … -results FILE):
//
//	go run ./e2e/testedon FILE… >docs/tested-on.md
//
// Files whose names end in .cover are coverage profiles: they show what of the code for Macs was executed.
// It runs in the root of the source.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/atomize-hq/worldsetup/e2e/results"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testedon:", err)
		os.Exit(1)
	}
}

func run(paths []string) error {
	var lines []results.Line
	var profiles []string
	for _, path := range paths {
		if strings.HasSuffix(path, ".cover") {
			profiles = append(profiles, path)
			continue
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		more, err := results.Read(file)
		file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		lines = append(lines, more...)
	}
	if len(lines) == 0 {
		return fmt.Errorf("no results: name a file that `go test … -results FILE` wrote")
	}
	tables, err := allTables(tableSource)
	if err != nil {
		return err
	}
	p := newPage(lines, tables)
	if p.mac, err = measured(profiles); err != nil {
		return err
	}
	_, err = os.Stdout.WriteString(p.write())
	return err
}
