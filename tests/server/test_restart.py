"""Restarting the server while stations talk to it: nobody is refused, nothing is lost."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from provincial_server import auth
from provincial_server.database import Database
from tests.server.conftest import Station
from tests.server.samples import patient

_STARTER = """
import os, sys
listening = int(sys.argv[1])
os.dup2(listening, 3, inheritable=True)
os.environ["LISTEN_FDS"], os.environ["LISTEN_PID"] = "1", str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "provincial_server", "serve", *sys.argv[2:]])
"""


class Supervisor:
    """Holds the listening socket, as systemd does, and starts one process after another on it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'server.db'}"
        database = Database(self.url)
        with database.write() as session:
            auth.add_facility(session, "DEMO01", "Trạm mẫu", 0)
            self.token = auth.enrol_device(session, "DEMO01", "Máy 1", 0).token
        database.close()
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.root = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *extra: str) -> subprocess.Popen[str]:
        number = self.listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-c", _STARTER, str(number), "--database", self.url, *extra],
            pass_fds=[number],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PROVINCIAL_SERVER_DRAIN_SECONDS": "60"},
        )
        self.processes.append(process)
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready == f"ready {self.root}/fhir\n", process.communicate()
        return process

    def station(self) -> Station:
        return Station(f"{self.root}/fhir", "DEMO01", self.token)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()
        self.listening.close()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    one = Supervisor(tmp_path)
    yield one
    one.close()


class Sender(threading.Thread):
    """Writes one patient after another until told to stop; remembers what was answered."""

    def __init__(self, supervisor: Supervisor, name: str, keep_alive: bool) -> None:
        super().__init__()
        self.supervisor, self.prefix, self.keep_alive = supervisor, name, keep_alive
        self.stop = threading.Event()
        self.answered: list[str] = []
        self.faults: list[str] = []
        self.seen = threading.Condition()

    def run(self) -> None:
        station = self.supervisor.station()
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                answer = station.put(patient(f"{self.prefix}{number}"))
            except requests.RequestException as error:
                self.faults.append(repr(error))
                break
            if answer.status_code != 201:
                self.faults.append(f"{answer.status_code} {answer.text}")
            with self.seen:
                self.answered.append(f"{self.prefix}{number}")
                self.seen.notify_all()
            if not self.keep_alive:
                station.session.close()
        station.session.close()
        with self.seen:
            self.seen.notify_all()

    def await_more(self, count: int) -> None:
        with self.seen:
            wanted = len(self.answered) + count
            self.seen.wait_for(lambda: len(self.answered) >= wanted or self.faults, 60)


def test_no_request_is_refused_or_lost_over_a_restart(supervisor: Supervisor) -> None:
    process = supervisor.start()
    senders = [Sender(supervisor, f"s{n}-", keep_alive=bool(n % 2)) for n in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.await_more(3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0  # its stop is whole before the next one starts: as in systemd
    supervisor.start()
    for sender in senders:
        sender.await_more(3)
        sender.stop.set()
    for sender in senders:
        sender.join()
    assert [sender.faults for sender in senders] == [[]] * 4
    station = supervisor.station()
    answered = {name for sender in senders for name in sender.answered}
    assert len(answered) >= 24
    assert station.count("Patient") == len(answered)
    station.session.close()


def ready(line: http.client.HTTPConnection) -> tuple[int, str | None]:
    line.request("GET", "/ready")
    answer = line.getresponse()
    answer.read()
    return answer.status, answer.getheader("Connection")


def test_a_leaving_process_says_that_it_is_not_ready(supervisor: Supervisor) -> None:
    process = supervisor.start()
    host, port = supervisor.listening.getsockname()
    held = socket.create_connection((host, port), timeout=30)
    body = b'{"resourceType":"Patient","id":"p1"}'
    held.sendall(
        b"PUT /fhir/Patient/p1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
        + supervisor.token.encode()
        + b"\r\nContent-Type: application/json\r\nContent-Length: "
        + str(len(body)).encode()
        + b"\r\n\r\n"
        + body[:5]
    )
    first, second = (http.client.HTTPConnection(host, port, timeout=30) for _ in range(2))
    for line in (first, second):
        line.connect()
        assert ready(line) == (200, None)
    process.send_signal(signal.SIGTERM)
    while ready(first)[1] is None:  # the signal is on its way
        pass
    assert ready(second) == (503, "close")
    first.close()
    second.close()
    held.sendall(body[5:])  # what had begun is finished
    answer_line = held.makefile("rb").readline()
    held.close()
    assert answer_line == b"HTTP/1.1 201 Created\r\n"
    assert process.wait(60) == 0
    _, errors = process.communicate()
    assert errors == ""
