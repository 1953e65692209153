"""Runs the application on one socket, says when it is ready, and stops cleanly.

Ready means: the socket listens and the database is open. SIGTERM and SIGINT let running requests
finish and close the database, and the process then ends with code 0.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

_BACKLOG = 512
_GRACE_SECONDS = 10


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _AnnouncingServer(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, listening: socket.socket, port_file: Path | None
    ) -> None:
        super().__init__(config)
        self._listening = listening
        self._port_file = port_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.should_exit:
            return
        host, port = self._listening.getsockname()[:2]
        if self._port_file:
            write_port_file(self._port_file, port)
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"ready http://{shown}:{port}/fhir\n")
        sys.stdout.flush()


def write_port_file(path: Path, port: int) -> None:
    """In one step, so that a waiting reader never sees half a number."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.write_text(f"{port}\n", encoding="ascii")
    draft.replace(path)


def serve(
    app: FastAPI,
    *,
    host: str,
    port: int,
    port_file: Path | None = None,
    stop_with_parent: bool = False,
) -> None:
    """Blocks until a signal, or the end of standard input when `stop_with_parent` is set."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        lifespan="on",
    )
    server = _AnnouncingServer(config, listening, port_file)
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
