package agent

import (
	"fmt"
	"strings"
	"testing"
)

// What cargo and rustc print, as recorded with cargo 1.95, and what is shown of it.
func TestBuildOutput(t *testing.T) {
	compiler := `   Compiling answers v0.1.0 (/src/crates/answers)
   Compiling world-agent v0.1.0 (/src/crates/world-agent)
error[E0425]: cannot find function ` + "`listner`" + ` in this scope
  --> crates/world-agent/src/main.rs:39:19
   |
39 |     for stream in listner()?.incoming() {
   |                   ^^^^^^^

warning: unused variable: ` + "`x`" + `
  --> crates/world-agent/src/main.rs:40:9

For more information about this error, try ` + "`rustc --explain E0425`." + `
error: could not compile ` + "`world-agent`" + ` (bin "world-agent") due to 1 previous error`
	locked := "error: the lock file /src/Cargo.lock needs to be updated but --locked was passed to prevent this\n" +
		"If you want to try to generate the lock file without accessing the network, remove the --locked flag and " +
		"use --offline instead."
	parse := "error: failed to parse lock file at: /src/Cargo.lock\n\nCaused by:\n" +
		"  lock file version `4` was found, but this version of Cargo does not understand this lock file\n"
	for name, test := range map[string]struct{ text, first, last string }{
		"a compiler's error":  {compiler, "error[E0425]: cannot find", "   |                   ^^^^^^^"},
		"cargo's own, caused": {parse, "error: failed to parse", "does not understand this lock file"},
		"cargo's own":         {locked, "error: the lock file", "use --offline instead."},
		"nothing but a sum": {
			"error: could not compile `world-agent`\nCaused by: signal: 9", "error: could not compile",
			"Caused by: signal: 9",
		},
		"no error": {"   Compiling answers\nKilled\n", "Killed", "Killed"},
		"nothing":  {"", "", ""},
	} {
		var log BuildOutput
		for line := range strings.SplitSeq(test.text, "\n") {
			log.Add(line)
		}
		if text := log.LastError(); !strings.HasPrefix(text, test.first) || !strings.HasSuffix(text, test.last) {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestBuildOutputIsBounded(t *testing.T) {
	var log BuildOutput
	log.Add("error: linking failed")
	for i := range 1000 {
		log.Add(fmt.Sprint("  = note: ", i))
	}
	if text := log.LastError(); strings.Count(text, "\n") != maxErrorLines || !strings.HasSuffix(text,
		"(977 more lines of it are in the log)") {
		t.Error(text)
	}
}
