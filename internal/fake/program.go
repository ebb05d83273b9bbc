package fake

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
)

// Program is what an agent's file does when it is run. The zero value ends at once.
type Program struct {
	Starts bool // it runs and takes connections
	Hangs  bool // it takes them and never answers
	Closes bool // it takes them and closes them without an answer
	Status int  // of its answers; 0 means 200
	// Routes are its answers, JSON, by path.
	Routes map[string]string
}

// The answers of the probe agent, see embed/agent/probe-agent.py, and those of one that could be real.
const (
	probeCapabilities = `{"version": "v1", "features": ["probe"], "backend": "world-agent", "platform": "linux", ` +
		`"probe": true, "probe_version": "1"}`
	probeDoctor = `{"schema_version": 1, "ok": true, "probe": true, ` +
		`"landlock": {"supported": true, "abi": 4, "reason": null}, ` +
		`"world_fs_strategy": {"primary": null, "fallback": null, "probe": ` +
		`{"result": "skipped", "failure_reason": "the probe agent of worldsetup runs no commands"}}}`
	realCapabilities = `{"version": "v1", "features": ["execute", "stream"], "backend": "world-agent", "platform": "linux"}`
	realDoctor       = `{"schema_version": 1, "ok": true, "landlock": {"supported": true, "abi": 4, "reason": null}, ` +
		`"world_fs_strategy": {"primary": "overlay", "fallback": "fuse", "probe": {"result": "pass", "failure_reason": null}}}`
)

// DefaultProgram knows the probe agent. Of other files it goes by a word that they hold: "answers", or "hangs",
// "closes" and "fails" (with HTTP status 500); those without one do not start.
func DefaultProgram(content []byte) Program {
	routes := func(capabilities, doctor string) map[string]string {
		return map[string]string{"/v1/capabilities": capabilities, "/v1/doctor/world": doctor}
	}
	holds := func(word string) bool { return bytes.Contains(content, []byte(word)) }
	switch {
	case bytes.Equal(content, embed.ProbeAgent()):
		return Program{Starts: true, Routes: routes(probeCapabilities, probeDoctor)}
	case holds("answers"):
		return Program{Starts: true, Routes: routes(realCapabilities, realDoctor)}
	case holds("hangs"):
		return Program{Starts: true, Hangs: true}
	case holds("closes"):
		return Program{Starts: true, Closes: true}
	case holds("fails"):
		return Program{Starts: true, Status: http.StatusInternalServerError,
			Routes: routes(`{"error": "it fails"}`, `{"error": "it fails"}`)}
	}
	return Program{}
}

// respond is the program's answer to a request.
func (p Program) respond(method, path string) (status int, body string) {
	body, known := p.Routes[path]
	switch {
	case !known:
		return http.StatusNotFound, `{"error": "no such route"}`
	case method != http.MethodGet:
		return http.StatusMethodNotAllowed, `{"error": "only GET"}`
	case p.Status != 0:
		return p.Status, body
	}
	return http.StatusOK, body
}

// serve answers one request on a connection.
func (p Program) serve(connection net.Conn) {
	if p.Closes {
		return
	}
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second)) // what the probe agent allows
	request, err := http.ReadRequest(bufio.NewReader(connection))
	if err != nil {
		return
	}
	status, body := p.respond(request.Method, strings.SplitN(request.RequestURI, "?", 2)[0])
	fmt.Fprintf(connection,
		"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n",
		status, http.StatusText(status), len(body)+1, body)
}
