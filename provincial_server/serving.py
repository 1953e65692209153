"""Runs the application on one socket, says when it is ready, and stops cleanly.

Ready means: the socket listens and the database is open. SIGTERM and SIGINT let running requests
finish and close the database, and the process then ends with code 0.

A socket that was inherited (systemd's socket activation) stays open in whoever holds it: a restart
refuses nobody, those who knock meanwhile wait until the next process answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import os
import signal
import socket
import sys
import threading
from functools import lru_cache
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from provincial_server.one_piece import OnePiece

_BACKLOG = 512
_FIRST_INHERITED = 3
_FRESH_SECONDS = 0.5
"""How long a connection that has just been taken may keep us waiting for its request."""
_LOOK_SECONDS = 0.05
_GARBAGE = (20_000, 20, 20)
"""A bundle is some thousand objects, none of which refers to itself: Python's own numbers would look
through them several times while it is being judged."""


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Leaving:
    """Whether the process is about to end: readiness says so, and answers ask for the connection
    to be closed."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()


class _AnnouncingServer(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        listening: socket.socket,
        port_file: Path | None,
        leaving: Leaving,
        drain_seconds: float,
    ) -> None:
        super().__init__(config)
        self._listening = listening
        self._port_file = port_file
        self._leaving = leaving
        self._drain_seconds = drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.should_exit:
            return
        # What was loaded stays to the end: looking through it for garbage costs a page of an exchange
        # a tenth of its time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
        sys.stdout.write(f"ready {self._shown()}\n")
        sys.stdout.flush()
        notify("READY=1")

    def _shown(self) -> str:
        name = self._listening.getsockname()
        if not isinstance(name, tuple):  # a socket in the file system
            return f"unix:{name!s}"
        host, port = name[:2]
        if self._port_file:
            write_port_file(self._port_file, port)
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}/fhir"

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no new connection, and gives those that are open the time to end by themselves: each
        answer asks for that. What was accepted but has not spoken yet is waited for."""
        self._leaving.set()
        notify("STOPPING=1")
        for server in self.servers:
            server.close()
        await self._drain()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        connections = self.server_state.connections
        while connections and not self.force_exit:
            passed = loop.time() - begun
            waiting = any(_is_busy(connection) for connection in connections)
            limit = self._drain_seconds if waiting else min(_FRESH_SECONDS, self._drain_seconds)
            if passed >= limit:
                return
            await asyncio.sleep(_LOOK_SECONDS)


def _is_busy(connection: object) -> bool:
    """Whether a request is on its way in or being answered."""
    cycle = getattr(connection, "cycle", None)
    return cycle is not None and not cycle.response_complete


def write_port_file(path: Path, port: int) -> None:
    """In one step, so that a waiting reader never sees half a number."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.write_text(f"{port}\n", encoding="ascii")
    draft.replace(path)


def inherited_socket() -> socket.socket | None:
    """The listening socket that was handed to this process (sd_listen_fds), None when none was. Its
    variables are taken out of the environment: they are not for our children."""
    count, owner = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if not count.isdecimal() or int(count) < 1 or owner != str(os.getpid()):
        return None
    os.set_inheritable(_FIRST_INHERITED, False)
    return socket.socket(fileno=_FIRST_INHERITED)


def notify(state: str) -> None:
    """Tells systemd (sd_notify), where it listens."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name or not hasattr(socket, "AF_UNIX"):
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel,
    ):
        channel.sendto(state.encode("ascii"), address)


class CannotListen(Exception):
    """Somebody else has the port, or this machine has no such address; holds the system's reason."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as reason:
        raise CannotListen(reason) from reason


def serve(
    app: FastAPI,
    *,
    host: str,
    port: int,
    port_file: Path | None = None,
    stop_with_parent: bool = False,
    drain_seconds: float = 5,
    grace_seconds: int = 10,
) -> None:
    """Blocks until a signal, or the end of standard input when `stop_with_parent` is set. Raises
    CannotListen."""
    listening = inherited_socket()
    if listening is None:
        listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        http=OnePiece,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=grace_seconds,
        lifespan="on",
    )
    leaving: Leaving = app.state.leaving
    server = _AnnouncingServer(config, listening, port_file, leaving, drain_seconds)
    # uvicorn raises the signal again after its clean stop; this handler lets the process end well.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if stop_with_parent:
        threading.Thread(target=_await_parent, args=(server,), daemon=True).start()
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()
        if port_file:
            port_file.unlink(missing_ok=True)


def _await_parent(server: uvicorn.Server) -> None:
    """A parent that dies closes our standard input; the server must not outlive it."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True
