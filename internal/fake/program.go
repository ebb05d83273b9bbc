package fake

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// The answers of the probe agent, see embed/agent/probe-agent.py, and those of one that could be real, by path.
var (
	probeRoutes = map[string]string{
		"/v1/capabilities": `{"version": "v1", "features": ["probe"], "backend": "BACKEND", "platform": "linux", ` +
			`"probe": true, "probe_version": "1"}`,
		"/v1/doctor/world": `{"schema_version": 1, "ok": true, "probe": true, ` +
			`"landlock": {"supported": true, "abi": 4, "reason": null}, ` +
			`"world_fs_strategy": {"primary": null, "fallback": null, "probe": ` +
			`{"result": "skipped", "failure_reason": "the probe agent of worldsetup runs no commands"}}}`,
	}
	realRoutes = map[string]string{
		"/v1/capabilities": `{"version": "v1", "features": ["execute", "stream"], "backend": "BACKEND", ` +
			`"platform": "linux"}`,
		"/v1/doctor/world": `{"schema_version": 1, "ok": true, ` +
			`"landlock": {"supported": true, "abi": 4, "reason": null}, "world_fs_strategy": ` +
			`{"primary": "overlay", "fallback": "fuse", "probe": {"result": "pass", "failure_reason": null}}}`,
	}
)

// routes are what an agent's file answers when it is run; nil when it ends at once. Of files that are not the probe
// agent those answer that hold the word "answers".
func routes(content []byte) map[string]string {
	switch {
	case bytes.Equal(content, embed.ProbeAgent()):
		return probeRoutes
	case bytes.Contains(content, []byte("answers")):
		return realRoutes
	}
	return nil
}

// respond is a program's answer to a request, of a layout's agent.
func respond(of layout.Layout, routes map[string]string, path string) (status int, body string) {
	if body, known := routes[path]; known {
		return http.StatusOK, strings.Replace(body, "BACKEND", of.Backend, 1)
	}
	return http.StatusNotFound, `{"error": "no such route"}`
}
