package sim

import "github.com/atomize-hq/worldsetup/provision/guest"

// The kinds of reply to a connection.
const (
	refuses = iota // it cannot be made
	hangs          // it is made, and nothing comes
	answers        // it is made to a program
)

// reply is what comes of connecting to a socket in the guest.
type reply struct {
	kind    int
	program Program // when it answers
}

// dial connects to the socket at path as s. A socket of systemd's starts the service that it is for.
func (m *machine) dial(path string, s session) reply {
	f := m.files[path]
	if f == nil || f.kind != socketFile || !f.allows(s, 2) || !m.reaches(path, s) {
		return reply{kind: refuses}
	}
	if f == m.stranger {
		return reply{kind: hangs}
	}
	socket, service := m.unit(guest.SocketUnitName), m.unit(guest.ServiceName)
	if socket.active == "active" && socket.listens == f {
		if service.active != "active" && service.loaded != nil {
			m.startService(service)
		}
		if service.active != "active" {
			return reply{kind: hangs} // in the queue, until the service comes up
		}
	} else if service.active != "active" || service.listens != f {
		return reply{kind: refuses} // nobody listens
	}
	if service.frozen {
		return reply{kind: hangs}
	}
	return reply{kind: answers, program: *service.program}
}
