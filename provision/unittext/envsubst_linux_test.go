package unittext

import (
	"os/exec"
	"strings"
	"testing"
)

// The tool that the system's doctor uses takes the same for variables.
func TestRenderAsEnvsubst(t *testing.T) {
	text := "$A ${A} $$A ${A$A} ${A:-x} $1 ${1} $ ${} ${_9} $A-b $AB ${A}b \\$A '$A' ä$A$\n${A\n}$"
	var empty []string
	got := fill(Template{Text: text}, map[string]string{"A": "value"}, &empty)
	cmd := exec.CommandContext(t.Context(), "envsubst")
	cmd.Env, cmd.Stdin = []string{"A=value"}, strings.NewReader(text)
	want, err := cmd.Output()
	if err != nil || got != string(want) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, got, want)
	}
}
