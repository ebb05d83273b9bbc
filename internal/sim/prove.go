package sim

import (
	"net/http"
	"slices"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// curl's exit statuses, see curl(1).
const (
	curlRefused   = 7
	curlTimedOut  = 28
	curlNoAnswer  = 52
	notFound      = 127 // the shell's, when there is no curl
	sudoNotFound  = 1   // sudo's
	nobodysNumber = 65534
)

func (i *invocation) prove() int {
	i.print("worldsetup-prove 1")
	for _, who := range i.args {
		switch who {
		case guest.Self:
			i.ask(who, i.session, false)
		case guest.Root:
			i.ask(who, session{}, true)
		case guest.Outsider:
			i.ask(who, session{uid: nobodysNumber, gids: []int{nobodysNumber}}, true)
		}
	}
	for _, point := range i.args {
		if _, found := i.mounts[point]; found {
			i.print("mounted=%s", point)
		}
	}
	i.print("end")
	return 0
}

// ask prints what curl would have found as s.
func (i *invocation) ask(who string, s session, sudo bool) {
	code, status, body := i.curl(s)
	switch {
	case sudo && (i.asks() || code == notFound):
		i.print("%s=%d ", who, sudoNotFound)
	case code == notFound:
		i.print("%s=%d ", who, code)
	default:
		i.print("%s=%d %03d 0.012000", who, code, status)
	}
	i.print("%s-answer=%s", who, body)
}

// curl asks for the agent's capabilities as s. What would take its time until a time-out is told at once.
func (m *machine) curl(s session) (code, status int, body string) {
	if slices.Contains(m.lacks, "curl") {
		return notFound, 0, ""
	}
	reply := m.dial(guest.SocketPath, s)
	switch {
	case reply.kind == refuses:
		return curlRefused, 0, ""
	case reply.kind == hangs, reply.program.Hangs:
		return curlTimedOut, 0, ""
	case reply.program.Closes:
		return curlNoAnswer, 0, ""
	}
	status, body = reply.program.respond(http.MethodGet, "/v1/capabilities")
	return 0, status, body
}
