package sim

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
)

// The Go text of each guest script mirrors the shell text that has this checksum. When a script changes: change its mirror
// as well, then the checksum here.
var mirrored = map[string]string{
	"activate":    "50e265f6ce28",
	"agent":       "de0be193ef32",
	"passenger":   "c00317a7b237",
	"build":       "d75a57faf5d5",
	"cargo":       "7faa96eb26e3",
	"boot-group":  "ac440a29b210",
	"directories": "ff793d431d68",
	"group":       "4c9c4da4772a",
	"linger":      "4f3d60c22705",
	"marker":      "3fcc6f931252",
	"observe":     "c4001dd727be",
	"new":         "c4001dd727be",
	"mounts":      "c4001dd727be",
	"packages":    "0e11935e4983",
	"prove":       "42a1488aae64",
	"clock":       "34e0973845e4",
	"writable":    "7a9750f1209a",
	"room":        "a3dff4026a15",
	"entry":       "f0ef88ca686a",
	"socket unit": "1494a4b6433d",
	"units":       "632eb2bdd868",
}

func TestTheMirrorsAreOfTheseScripts(t *testing.T) {
	texts := map[string]string{"boot-group": embed.BootGroup(), "socket unit": embed.SocketUnit()}
	for name, script := range known {
		texts[name] = script.Text
	}
	for name, text := range texts {
		if have := sum([]byte(text))[:12]; have != mirrored[name] {
			t.Errorf("%s has changed: look at its mirror, then write %q here", name, have)
		}
	}
	if len(known) != len(scripts) {
		t.Errorf("%d scripts are known, and %d are mirrored", len(known), len(scripts))
	}
}

// The simulated probe agent says what the real one says, which can run on any host that has Python.
func TestTheProbeAgentsAnswersAreItsOwn(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("there is no python3 to run the probe agent with; make check installs it")
	}
	dir, err := os.MkdirTemp("", "sim")
	must(t, err)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "agent.sock")
	agent := exec.CommandContext(t.Context(), python, "-c", string(embed.ProbeAgent()))
	agent.Env = append(os.Environ(), "SUBSTRATE_WORLD_SOCKET="+path)
	must(t, agent.Start())
	defer func() { _ = agent.Process.Kill(); _ = agent.Wait() }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if connection, err := net.Dial("unix", path); err == nil {
			connection.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the probe agent did not start")
		}
	}
	// What Landlock can do is the kernel's to say.
	landlock := regexp.MustCompile(`"landlock": \{[^}]*\}`)
	simulated := DefaultProgram(embed.ProbeAgent())
	for _, route := range []string{"/v1/capabilities", "/v1/doctor/world", "/v2"} {
		status, body, err := get(path, route)
		must(t, err)
		wantStatus, want := simulated.respond("GET", route)
		if status != wantStatus || landlock.ReplaceAllString(body, "") != landlock.ReplaceAllString(want, "") {
			t.Errorf("%s:\nreal      %d %s\nsimulated %d %s", route, status, body, wantStatus, want)
		}
	}
}
