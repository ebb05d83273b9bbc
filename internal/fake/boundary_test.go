package fake

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// The fake stands behind the engine's edges: one that knew the engine could not be wrong about it.
func TestTheFakeKnowsOnlyTheEdges(t *testing.T) {
	const module = "github.com/atomize-hq/worldsetup/"
	allowed := map[string]bool{"embed": true, "provision/lima": true, "provision/guest": true,
		"provision/layout": true, "provision/staging": true,
		"internal/fields": true, "internal/platform": true}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if name, ours := strings.CutPrefix(path, module); ours && !allowed[name] ||
				strings.HasPrefix(path, "charm.land/") {
				t.Errorf("%s imports %s", entry.Name(), path)
			}
		}
	}
}
