"""A real server on a loopback port, in this process, over a real database."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from sqlalchemy import func, select

from provincial_server import app as application
from provincial_server import auth
from provincial_server.app import create_app
from provincial_server.database import Database
from provincial_server.settings import Limits, Settings
from provincial_server.stations.chores import Chores
from provincial_server.store import ResourceVersion
from tests import databases
from tests.databases import OperatorDatabase

_numbers = itertools.count(1)


@dataclass
class Station:
    """Speaks HTTP as one enrolled device."""

    base: str
    facility: str
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        sent = {name.replace("_", "-").title(): value for name, value in headers.items()}
        sent.setdefault("Authorization", f"Bearer {self.token}")
        address = path if path.startswith("http") else f"{self.base}/{path}"
        data = {"data": body} if isinstance(body, (bytes, str)) else {"json": body}
        if body is None:
            data = {}
        return self.session.request(method, address, headers=sent, timeout=60, **data)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.call("GET", path, **headers)

    def put(self, resource: dict[str, Any], **headers: str) -> requests.Response:
        path = f"{resource['resourceType']}/{resource['id']}"
        return self.call("PUT", path, resource, **headers)

    def send(self, bundle: Any, **headers: str) -> requests.Response:
        return self.call("POST", "", bundle, **headers)

    def count(self, resource_type: str) -> int:
        return self.get(f"{resource_type}?_summary=count").json()["total"]


@dataclass
class RunningServer:
    root: str
    folder: Path
    database: OperatorDatabase
    admin_token: str

    def station(self, facility: str | None = None, name: str = "Máy 1") -> Station:
        """A new device, of a new facility unless one is named."""
        code = facility or f"DEMO{next(_numbers):04d}"
        with self.database.write() as session:
            auth.add_facility(session, code, f"Trạm mẫu {code}", 0)
            token = auth.enrol_device(session, code, name, 0).token
        return Station(f"{self.root}/fhir", code, token)

    def versions(self, station: Station) -> int:
        """How many versions the station's facility has stored in all."""
        own = ResourceVersion.facility_code == station.facility
        with self.database.read() as session:
            query = select(func.count()).select_from(ResourceVersion).where(own)
            return session.scalar(query) or 0


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    kinds = databases.kinds(metafunc.module, metafunc.function)
    if kinds != [databases.CHOSEN] and "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def _databases() -> Iterator[None]:
    with databases.ending():
        yield


@pytest.fixture(scope="session", autouse=True)
def database_kind(request: pytest.FixtureRequest, _databases: None) -> str:
    """The database of the tests that follow."""
    kind: str = getattr(request, "param", databases.CHOSEN)
    databases.use(kind)
    return kind


@pytest.fixture(autouse=True)
def _forget_databases(request: pytest.FixtureRequest, database_kind: str) -> Iterator[None]:
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None and database_kind == databases.POSTGRESQL:
        databases.forget(folder)


@pytest.fixture(scope="session", autouse=True)
def _chores() -> Iterator[None]:
    """Figures are counted and charts compared when a test does it, never behind its back; what the
    chores do by themselves, test_chores.py looks at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "Chores", partial(Chores, first=threading.TIMEOUT_MAX))
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, database_kind: str) -> Iterator[RunningServer]:
    """One server for all tests: each test brings its own facility, and facilities are isolated."""
    folder = tmp_path_factory.mktemp("server")
    settings = Settings(
        databases.database_url(folder / "server.db"),
        limits=Limits(received_bytes=300_000, body_bytes=600_000, entries=60, page=50),
    )
    database = OperatorDatabase(settings.database_url)
    with database.write() as session:
        admin_token = auth.new_admin_token(session)
    listening = socket.create_server(("127.0.0.1", 0), backlog=100)
    config = uvicorn.Config(
        create_app(settings, Database(settings.database_url)),
        log_config=None,
        access_log=False,
        server_header=False,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    host, port = listening.getsockname()
    yield RunningServer(f"http://{host}:{port}", folder, database, admin_token)
    running.should_exit = True
    thread.join()
    listening.close()
    database.close()


@pytest.fixture
def station(server: RunningServer) -> Iterator[Station]:
    one = server.station()
    yield one
    one.session.close()


@pytest.fixture
def other(server: RunningServer) -> Iterator[Station]:
    """A device of another facility."""
    one = server.station()
    yield one
    one.session.close()
