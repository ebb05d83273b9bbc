package fake

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

// socket is a UNIX socket on the host, at which HTTP is spoken.
type socket struct {
	path   string
	server *http.Server
}

// listen makes a socket at path, in the place of one that is left there.
func listen(path string, handler http.HandlerFunc) (*socket, error) {
	_ = os.Remove(path) // what can't be removed is in the way of the next call
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	s := &socket{path, &http.Server{Handler: handler}}
	go func() { _ = s.server.Serve(listener) }() // until it is closed
	return s, nil
}

// remove closes the socket and removes its file.
func (s *socket) remove() {
	s.server.Close()
	_ = os.Remove(s.path) // gone already: just as well
}

// listen makes a socket of the VM's, which lasts as long as its connection. A real one's failure is a line in a log.
func (vm *VM) listen(path string, handler http.HandlerFunc) {
	if s, err := listen(path, handler); err == nil {
		vm.sockets = append(vm.sockets, s)
	}
}

// closeSockets ends the VM's sockets and all that was connected through them. As ssh does, it removes the control
// socket, and leaves the files of the others, at which no process listens any more.
func (vm *VM) closeSockets() {
	for _, s := range vm.sockets {
		if s.server.Close(); s.path == vm.file("ssh.sock") {
			s.remove()
		}
	}
	vm.sockets = nil
}

// relay leads requests to the agent's socket in the guest, over an ssh session or, if it is Lima's own forward, as root
// where Lima does it so.
func (vm *VM) relay(as session, own bool) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		vm.world.mu.Lock()
		answer := vm.guest.ask(own && vm.conditions.ForwardsAsRoot, as.member, request.URL.Path)
		dead := vm.conditions.Dead
		vm.world.mu.Unlock()
		switch {
		case dead || answer.Exit == curlTimeout:
			_ = vm.world.hang(request.Context())
			panic(http.ErrAbortHandler)
		case answer.Exit != 0:
			panic(http.ErrAbortHandler)
		}
		response.Header().Set("Content-Type", "application/json")
		response.WriteHeader(answer.Status)
		fmt.Fprintln(response, answer.Body)
	}
}
