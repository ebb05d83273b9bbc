// Command notices prints the licenses of the modules that are linked into worldsetup, on any of the systems that it is
// released for: the file THIRD_PARTY_NOTICES.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	text, err := notices()
	if err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
	_, _ = os.Stdout.Write(text) // a short file fails the test
}

// targets are the systems that are released. Modules don't depend on the processor.
var targets = []string{"darwin", "linux"}

const intro = `worldsetup contains code of the Go standard library, and of the modules below. These are their licenses.
This file is made by: make notices
`

// module is one that is linked.
type module struct{ path, version, dir string }

// notices returns the text of the file.
func notices() ([]byte, error) {
	linked, err := modules()
	if err != nil {
		return nil, err
	}
	text := bytes.NewBufferString(intro)
	for _, m := range linked {
		files, err := licenses(m.dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.path, err)
		}
		fmt.Fprintf(text, "\n%s\n%s %s\n", strings.Repeat("=", 80), m.path, m.version)
		if strings.HasPrefix(m.path, "golang.org/x/") {
			fmt.Fprintln(text, "(the license of the Go standard library as well)")
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(text, "\n%s\n", bytes.TrimSpace(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))))
		}
	}
	return text.Bytes(), nil
}

// modules returns the modules that are linked, without our own.
func modules() (all []module, err error) {
	const format = `{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}{{end}}`
	for _, system := range targets {
		list := exec.Command("go", "list", "-deps", "-f", format, "github.com/atomize-hq/worldsetup/cmd/worldsetup")
		list.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		list.Stderr = os.Stderr
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", system, err)
		}
		for _, line := range strings.Fields(string(out)) {
			parts := strings.SplitN(line, "|", 3)
			all = append(all, module{parts[0], parts[1], parts[2]})
		}
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return slices.Compact(all), nil
}

var licenseName = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice)(\.(md|txt))?$`)

// licenses returns the files with a module's license and notices.
func licenses(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() && licenseName.MatchString(entry.Name()) {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no license in " + dir)
	}
	return files, nil
}
