"""Asks the application itself, without a socket: many inputs in little time, and headers that no
client library would send."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI

from provincial_server import auth
from provincial_server.app import create_app
from provincial_server.database import Database
from provincial_server.settings import Settings
from tests.databases import OperatorDatabase, database_url

Headers = Sequence[tuple[str | bytes, str | bytes]]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def outcome(self) -> dict[str, Any]:
        """The first issue of a refusal."""
        found = self.json()
        assert found["resourceType"] == "OperationOutcome", found
        issue: dict[str, Any] = found["issue"][0]
        assert issue["details"]["text"]
        assert issue["expression"]
        return issue


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


class Direct:
    """One application with its event loop in a thread of its own."""

    def __init__(self, app: FastAPI, database: OperatorDatabase, served: Database) -> None:
        self.app = app
        self.database = database
        self.served = served
        """The application's own."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._lifespan = app.router.lifespan_context(app)
        self._run(self._lifespan.__aenter__())

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self._run(self._lifespan.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.database.close()

    def device(self, facility: str, name: str = "Máy 1") -> str:
        """The token of a new device."""
        with self.database.write() as session:
            auth.add_facility(session, facility, f"Trạm mẫu {facility}", 0)
            return auth.enrol_device(session, facility, name, 0).token

    def call(
        self,
        method: str,
        path: str,
        body: Any = b"",
        headers: Headers = (),
        *,
        token: str = "",
        client: str = "127.0.0.1",
    ) -> Answer:
        """`path` with its query; a body that is not bytes goes as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = [(_bytes(name).lower(), _bytes(value)) for name, value in headers]
        if token:
            sent.append((b"authorization", f"Bearer {token}".encode()))
        if content and not any(name == b"content-type" for name, _ in sent):
            sent.append((b"content-type", b"application/fhir+json"))
        address, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(address, errors="replace"),
            "raw_path": address.encode(),
            "query_string": query.encode("utf-8", "surrogatepass"),
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1:8080"), *sent],
            "client": (client, 40000),
            "server": ("127.0.0.1", 8080),
        }
        return self._run(self._ask(scope, content))  # type: ignore[no-any-return]

    async def _ask(self, scope: dict[str, Any], content: bytes) -> Answer:
        start: dict[str, Any] = {}
        body = bytearray()
        incoming = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if incoming:
                return incoming.pop()
            await asyncio.sleep(3600)
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self.app(scope, receive, send)  # type: ignore[arg-type]
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], headers, bytes(body))


@contextmanager
def running(folder: Any, **settings: Any) -> Iterator[Direct]:
    """A server of its own, with settings of its own."""
    chosen = Settings(database_url(folder / "direct.db"), **settings)
    database = OperatorDatabase(chosen.database_url)
    served = Database(chosen.database_url)
    direct = Direct(create_app(chosen, served), database, served)
    try:
        yield direct
    finally:
        direct.close()
