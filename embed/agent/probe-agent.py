#!/usr/bin/python3 -IS
"""The probe agent of worldsetup: answers the two questions of a world agent, and does nothing else.

It takes its listening socket from systemd (fd 3 when LISTEN_PID is this process) and binds $SUBSTRATE_WORLD_SOCKET
itself only without one. Only the modules used are imported: start-up time counts on an emulated machine.
"""

import json
import os
import select
import signal
import socket
import sys
import threading
import time

PROBE_VERSION = "1"
BACKEND = os.path.basename(sys.argv[0]).removeprefix("substrate-")  # each generation has its own name for the agent


def landlock():
    """Ask the kernel for its Landlock ABI: landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)."""
    import ctypes  # a fifth of the start-up time, and only needed here

    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(444, None, 0, 1)  # 444 on every architecture, see landlock_create_ruleset(2)
    if abi > 0:
        return {"supported": True, "abi": abi, "reason": None}
    return {"supported": False, "abi": None, "reason": os.strerror(ctypes.get_errno())}


def capabilities():
    return {
        "version": "v1",
        "features": ["probe"],
        "backend": BACKEND,
        "platform": "linux",
        "probe": True,
        "probe_version": PROBE_VERSION,
    }


def doctor():
    reason = "the probe agent of worldsetup runs no commands"
    return {
        "schema_version": 1,
        "ok": True,
        "probe": True,
        "landlock": landlock(),
        "world_fs_strategy": {
            "primary": None,
            "fallback": None,
            "probe": {"result": "skipped", "failure_reason": reason},
        },
    }


ROUTES = {"/v1/capabilities": capabilities, "/v1/doctor/world": doctor}


def respond(connection, status, body):
    payload = json.dumps(body).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
    )
    connection.sendall(head.encode() + payload)


def serve(connection):
    with connection:
        try:
            connection.settimeout(10)  # seconds a client may take to say what it wants
            head = b""
            while b"\r\n\r\n" not in head and len(head) < 65536:
                chunk = connection.recv(4096)
                if not chunk:
                    return
                head += chunk
            words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            if len(words) != 3 or not words[2].startswith("HTTP/1."):
                return respond(connection, "400 Bad Request", {"error": "not an HTTP/1 request"})
            route = ROUTES.get(words[1].split("?", 1)[0])
            if route is None:
                return respond(connection, "404 Not Found", {"error": "no such route"})
            if words[0] != "GET":
                return respond(connection, "405 Method Not Allowed", {"error": "only GET"})
            respond(connection, "200 OK", route())
        except OSError:
            pass  # the client went away: its loss


def listener():
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and int(os.environ.get("LISTEN_FDS", "0")) >= 1:
        return socket.socket(fileno=3)
    path = os.environ.get("SUBSTRATE_WORLD_SOCKET", "/run/substrate.sock")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.umask(0o117)
    sock.bind(path)
    sock.listen(64)
    return sock


def accept(sock, stop):
    """Serve those who connect, until stop can be read. Those who were not accepted wait for the next agent."""
    sock.setblocking(False)
    while True:
        if stop in select.select([sock, stop], [], [])[0]:
            return
        try:
            connection, _ = sock.accept()
        except OSError:
            continue  # the client went away
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    stop, stopper = os.pipe()
    acceptor = threading.Thread(target=accept, args=(listener(), stop), daemon=True)
    acceptor.start()
    signal.sigwait({signal.SIGTERM})
    os.close(stopper)
    acceptor.join()
    deadline = time.monotonic() + 1  # seconds that those who were accepted get for their answer
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(max(0, deadline - time.monotonic()))


main()
