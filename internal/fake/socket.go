package fake

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// socket is a UNIX socket on the host.
type socket struct {
	listener net.Listener
	wait     sync.WaitGroup

	mu          sync.Mutex
	connections map[net.Conn]bool
	closed      bool
}

// listen makes a socket at path, in the place of one that is left there, and has serve talk to each client.
func listen(path string, serve func(net.Conn)) (*socket, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	s := &socket{listener: listener, connections: map[net.Conn]bool{}}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, err
	}
	s.wait.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			if s.add(connection) {
				s.wait.Go(func() { defer s.drop(connection); serve(connection) })
			}
		}
	})
	return s, nil
}

func (s *socket) add(connection net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		connection.Close()
		return false
	}
	s.connections[connection] = true
	return true
}

func (s *socket) drop(connection net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	connection.Close()
	delete(s.connections, connection)
}

// remove closes the socket and removes its file.
func (s *socket) remove() {
	s.close()
	_ = os.Remove(s.listener.Addr().String()) // gone already: just as well
}

// close ends the socket and everything that was connected through it, and leaves its file, at which no process listens
// any more. The world must not be locked.
func (s *socket) close() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for connection := range s.connections {
		connection.Close()
	}
	s.mu.Unlock()
	s.wait.Wait()
}

// linger holds a connection, says nothing, and lets go when the other side does or the World's patience is over.
func (w *World) linger(connection net.Conn) {
	if w.options.Patience > 0 {
		_ = connection.SetReadDeadline(time.Now().Add(w.options.Patience))
	}
	_, _ = io.Copy(io.Discard, connection)
}

// relay leads connections to the agent's socket in the guest, over an ssh session.
func (vm *VM) relay(as *session) func(net.Conn) {
	return func(connection net.Conn) {
		w := vm.world
		w.mu.Lock()
		kind, program := hangs, Program{}
		if !vm.conditions.Dead {
			kind, program = vm.guest.dial(false, as.member)
		}
		w.mu.Unlock()
		switch {
		case kind == hangs, kind == answers && program.Hangs:
			w.linger(connection)
		case kind == answers:
			program.serve(connection)
		}
	}
}
