package sim

import (
	"errors"
	"fmt"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

func (i *invocation) activate() int {
	if code := i.up(i.args[2] != "no"); code != 0 {
		return code
	}
	code, answered := i.answered()
	if answered {
		return 0
	}
	i.fail(0, "the agent did not answer GET /v1/capabilities with 200: %s", code)
	for _, line := range i.journal[max(0, len(i.journal)-15):] {
		i.fail(0, "%s", line)
	}
	if i.args[0] != "yes" || !i.is(previousAgent, regular) {
		return 1
	}
	i.move(previousAgent, guest.AgentPath)
	if code := i.up(true); code != 0 {
		return code
	}
	if _, answered := i.answered(); answered {
		return i.fail(3, "the previous agent was put back and answers")
	}
	return i.fail(3, "the previous agent was put back and does not answer either")
}

// up restarts socket and service, or starts them when neither runs.
func (i *invocation) up(runs bool) int {
	i.resetFailed(guest.ServiceName, guest.SocketUnitName)
	if runs {
		for _, name := range []string{guest.SocketUnitName, guest.ServiceName} {
			if code := i.systemctl(i.stopUnit(name)); code != 0 {
				return code
			}
		}
	}
	if i.is(guest.SocketPath, directory) {
		i.setAside(guest.SocketPath)
	}
	i.remove(guest.SocketPath)
	if code := i.systemctl(i.startUnit(guest.SocketUnitName)); code != 0 {
		return code
	}
	_ = i.systemctl(i.startUnit(guest.ServiceName)) // the question that follows finds it
	return 0
}

// systemctl reports what systemctl would, and returns its exit status.
func (i *invocation) systemctl(err error) int {
	if problem := (*unitError)(nil); errors.As(err, &problem) {
		return i.fail(problem.code, "%s", problem.message)
	}
	return 0
}

// answered asks the agent as root. When it did not answer, code is curl's complaint or the HTTP status.
func (i *invocation) answered() (code string, ok bool) {
	exit, status, _ := i.curl(session{})
	switch exit {
	case 0:
		return itoa(status), status == 200
	case notFound:
		return "sh: curl: not found", false
	}
	complaints := map[int]string{
		curlRefused:  "Failed to connect to localhost port 80 after 4 ms: Couldn't connect to server",
		curlTimedOut: "Operation timed out after " + i.args[1] + "000 milliseconds with 0 bytes received",
		curlNoAnswer: "Empty reply from server",
	}
	return fmt.Sprintf("curl: (%d) %s\n%03d", exit, complaints[exit], status), false
}
